/** What is made of a device's own values: which series, under which width they are kept, and what their figures are called. */

import { parse } from '../format/time';
import type { AirIndex, City, Derived, Device, Grade, Window } from '../api/types';

export interface MadeSeries {
  metric: string;
  /** The width under which its windows are kept. */
  width: string;
  width_ms: number;
  /** For an index: the metric that keeps the code of the pollutant that decided. */
  main?: string;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The widths that windows of a camera are merged to. */
export const WIDTHS = ['1m', '15m', '1h', '1d'] as const;
export type Width = (typeof WIDTHS)[number];
export const WIDTH_MS: Record<Width, number> = { '1m': 60_000, '15m': 900_000, '1h': HOUR_MS, '1d': DAY_MS };

/** Figures run by a step and are kept under it; one of a day is kept under the day, a heat index under its block. */
function ofDerived(entry: Derived): MadeSeries {
  const step_s = entry.method === 'heat-index' ? entry.period_s : entry.step_s;
  if (entry.day_from_hour !== null && entry.day_from_hour !== undefined) return { metric: entry.metric, width: '1d', width_ms: DAY_MS };
  const width = step_s % 3600 === 0 ? `${step_s / 3600}h` : `${step_s / 60}m`;
  return { metric: entry.metric, width, width_ms: step_s * 1000 };
}

function ofIndex(entry: AirIndex): MadeSeries {
  return { metric: entry.metric, width: '1h', width_ms: HOUR_MS, ...(entry.main_metric ? { main: entry.main_metric } : {}) };
}

/** What the city makes of this device's own series: indexes first. */
export function madeOf(device: Device, city: City): MadeSeries[] {
  const own = new Set(device.series.map((one) => one.metric));
  const indexes = (city.air_indexes ?? []).filter((one) => one.pollutants.some((pollutant) => own.has(pollutant.metric)));
  const derived = (city.derived ?? []).filter((one) => own.has(one.of) && (!one.beside || own.has(one.beside)));
  const made = [...indexes.map(ofIndex), ...derived.map(ofDerived)];
  return made.filter((one, place) => made.findIndex((other) => other.metric === one.metric) === place);
}

/** The grade of a figure on the scale of its metric that is in force; undefined where people have no word for it. */
export function gradeOf(city: City, metric: string, value: number, at_ms: number): Grade | undefined {
  const scale = (city.scales ?? []).find((one) => one.metric === metric
    && (!one.valid_from || parse(one.valid_from) <= at_ms) && (!one.valid_until || at_ms < parse(one.valid_until)));
  return scale?.grades.filter((grade) => grade.least <= value).at(-1);
}

/** The newest window of each lane; those of lanes that said nothing at the newest start are left out. */
export function newest(windows: readonly Window[]): Window[] {
  const latest = windows.reduce((most, one) => Math.max(most, parse(one.start)), 0);
  return windows.filter((one) => parse(one.start) === latest).sort((one, other) => one.lane - other.lane);
}

const LEVELS = 'ABCDEF';

/** A level of service is kept as 1 to 6 and read as A to F. */
export function levelOf(value: number | null): string {
  return value === null ? '–' : LEVELS[Math.round(value) - 1] ?? '–';
}
