/** What a device measures, as rows for its panel: lanes are brought together, stale rows say so. */

import { interval_s, staleAfter_ms, type Board } from './board';
import type { Device, Metric } from '../api/types';

export interface Measure {
  metric: Metric;
  value: number | null;
  t_ms: number;
  stale: boolean;
  lanes: number;
  how: 'sum' | 'mean';
}

/** Counts add up over lanes; speeds and shares are averaged. */
export function howMerged(metric: string): 'sum' | 'mean' {
  return metric.startsWith('flow-') ? 'sum' : 'mean';
}

export function measures(device: Device, metrics: readonly Metric[], board: Board, city_ms: number): Measure[] {
  const keys = [...new Set(device.series.map((series) => series.metric))];
  return keys.flatMap((key): Measure[] => {
    const metric = metrics.find((one) => one.key === key);
    if (!metric) return [];
    const how = howMerged(key);
    const every_s = interval_s(device, key, device.series.find((series) => series.metric === key)?.lane ?? 0);
    const lanes = board.values(device.id).filter((value) => value.metric === key);
    const t_ms = Math.max(0, ...lanes.map((value) => value.t_ms));
    // Lanes that fell silent must not go on counting beside those that speak.
    const fresh = lanes.filter((value) => t_ms - value.t_ms <= staleAfter_ms(every_s));
    const sum = fresh.reduce((total, value) => total + value.value, 0);
    return [{
      metric, how, t_ms, lanes: fresh.length,
      value: fresh.length === 0 ? null : how === 'sum' ? sum : sum / fresh.length,
      // A count stands for the interval that begins at its time.
      stale: t_ms > 0 && city_ms - t_ms > staleAfter_ms(every_s) + (device.type === 'camera' ? every_s * 1000 : 0),
    }];
  });
}
