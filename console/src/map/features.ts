/** Devices as the map's features. */

import type { Feature, FeatureCollection, Point } from 'geojson';
import { rank } from '../domain/priority';
import type { Alarm, Device, DeviceState, Priority } from '../api/types';
import { alarmImageName, deviceImageName } from './symbols';

/** The most urgent active alarm of each device. */
export function alarmsByDevice(alarms: readonly Alarm[]): Map<string, Priority> {
  const found = new Map<string, Priority>();
  for (const alarm of alarms) {
    if (alarm.condition !== 'active' || !alarm.device) continue;
    const known = found.get(alarm.device);
    if (!known || rank(alarm.priority) < rank(known)) found.set(alarm.device, alarm.priority);
  }
  return found;
}

/** Alarmed devices are drawn last, on top; among the rest stations lie above the many cameras. */
export function deviceFeatures(
  devices: readonly Device[], stateOf: (device: Device) => DeviceState, alarms: ReadonlyMap<string, Priority>,
): FeatureCollection<Point> {
  return {
    type: 'FeatureCollection',
    features: devices.map((device): Feature<Point> => {
      const priority = alarms.get(device.id);
      const state = stateOf(device);
      return {
        type: 'Feature',
        geometry: { type: 'Point', coordinates: [device.lon, device.lat] },
        properties: {
          id: device.id,
          image: deviceImageName(device.type, state),
          label: device.call_sign || device.id,
          order: (priority ? 10 - rank(priority) : 0) + (state === 'silent' ? 3 : 0) + (device.type === 'camera' ? 0 : 1),
          ...(priority ? { alarm: alarmImageName(priority) } : {}),
        },
      };
    }),
  };
}

/** What would change the picture, as a text to compare: features are set only when it has changed. */
export function fingerprint(
  devices: readonly Device[], stateOf: (device: Device) => DeviceState, alarms: ReadonlyMap<string, Priority>,
): string {
  return devices.map((device) => `${device.id}${stateOf(device)[0]}${alarms.get(device.id) ?? ''}`).join();
}
