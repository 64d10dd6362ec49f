/** Devices at the same place: symbols that lie upon each other on the map can be reached from one another. */

import type { Device } from '../api/types';

/** The legs of one junction. */
const SAME_PLACE_M = 70;
const METRES_PER_DEGREE = 111_320;

export function near(device: Device, devices: readonly Device[]): Device[] {
  const shrink = Math.cos((device.lat * Math.PI) / 180);
  return devices.filter((other) => other.id !== device.id && Math.hypot(
    (other.lat - device.lat) * METRES_PER_DEGREE, (other.lon - device.lon) * METRES_PER_DEGREE * shrink) <= SAME_PLACE_M);
}
