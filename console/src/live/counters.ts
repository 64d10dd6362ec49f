/** The city in a few figures, computed from the board once a second. Stale values never count. */

import { interval_s, staleAfter_ms, type Board, type Value } from './board';
import type { Device, DeviceState } from '../api/types';

export interface Extreme {
  device: Device;
  value: Value;
}

export interface Counters {
  live: number;
  silent: number;
  never: number;
  rate: number;
  vehicles: number | null;
  counting: number;
  pm25: Extreme | null;
  water: Extreme | null;
  rain: Extreme | null;
}

const FLOW = 'flow-';
const PM25 = ['pm2_5', 'pm2-5', 'pm25'];
const LEVEL = ['level_m', 'level-m', 'level', 'water_level', 'water-level'];
const RAIN = ['rain_rate', 'rain-rate', 'rain_mm', 'rain-mm', 'rain'];

export function count(
  devices: Iterable<Device>, stateOf: (device: Device) => DeviceState, board: Board, city_ms: number, wall_ms: number,
): Counters {
  const counters: Counters = {
    live: 0, silent: 0, never: 0, rate: board.rate(wall_ms), vehicles: null, counting: 0, pm25: null, water: null, rain: null,
  };
  for (const device of devices) {
    counters[stateOf(device)] += 1;
    if (device.type === 'camera') flows(device, board, city_ms, counters);
    else if (device.type === 'air') counters.pm25 = higher(counters.pm25, device, PM25, board, city_ms);
    else if (device.type === 'water') counters.water = higher(counters.water, device, LEVEL, board, city_ms);
    if (device.type === 'rain' || device.type === 'weather') {
      counters.rain = higher(counters.rain, device, RAIN, board, city_ms);
    }
  }
  return counters;
}

/** Vehicles of the last counted minute: the sum of a camera's flows, brought to one minute. */
function flows(device: Device, board: Board, city_ms: number, counters: Counters): void {
  let counts = false;
  for (const value of board.values(device.id)) {
    if (!value.metric.startsWith(FLOW)) continue;
    const every_s = interval_s(device, value.metric, value.lane);
    // A count stands for an interval that begins at its time, so it is fresh for one interval longer.
    if (city_ms - value.t_ms > staleAfter_ms(every_s) + every_s * 1000) continue;
    counters.vehicles = (counters.vehicles ?? 0) + (value.value * 60) / every_s;
    counts = true;
  }
  if (counts) counters.counting += 1;
}

function higher(
  best: Extreme | null, device: Device, metrics: readonly string[], board: Board, city_ms: number,
): Extreme | null {
  for (const metric of metrics) {
    const value = board.latest(device.id, metric);
    if (!value || city_ms - value.t_ms > staleAfter_ms(interval_s(device, metric, 0))) continue;
    if (!best || value.value > best.value.value) return { device, value };
    return best;
  }
  return best;
}
