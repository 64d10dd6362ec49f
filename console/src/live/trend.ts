/** One line for the last hour of a metric, from its one-minute windows. */

import { parse } from '../format/time';
import type { Window } from '../api/types';

export interface Point {
  minute: number;
  value: number;
}

const MINUTE_MS = 60_000;
export const MINUTES = 60;

/** Windows of several lanes as one series: `sum` for counts, `mean` for everything else; by minute, the oldest first. */
export function merge(windows: readonly Window[], how: 'sum' | 'mean'): Point[] {
  const newest = new Map<string, Window>();
  for (const window of windows) {
    const key = `${window.start}|${window.lane}`;
    const known = newest.get(key);
    if (!known || known.revision < window.revision) newest.set(key, window);
  }
  const minutes = new Map<number, { sum: number; count: number }>();
  for (const window of newest.values()) {
    if (window.mean === null) continue;
    const minute = Math.floor(parse(window.start) / MINUTE_MS);
    const entry = minutes.get(minute) ?? { sum: 0, count: 0 };
    entry.sum += window.mean;
    entry.count += 1;
    minutes.set(minute, entry);
  }
  return [...minutes].sort(([one], [other]) => one - other)
    .map(([minute, { sum, count }]) => ({ minute, value: how === 'sum' ? sum : sum / count }));
}

export interface Line {
  /** SVG path data; a pen-up where minutes are missing, so that a gap is seen as a gap. */
  path: string;
  min: number;
  max: number;
  last: { x: number; y: number };
}

/** The points as a line in a box of the given size, the right edge being `until`. */
export function line(points: readonly Point[], until_minute: number, width: number, height: number): Line | null {
  const shown = points.filter((point) => point.minute > until_minute - MINUTES && point.minute <= until_minute);
  const final = shown.at(-1);
  if (!final) return null;
  const values = shown.map((point) => point.value);
  const min = Math.min(...values);
  const max = Math.max(...values);
  const spread = max - min || 1;
  const x = (point: Point) => width - ((until_minute - point.minute) / (MINUTES - 1)) * width;
  const y = (point: Point) => (max === min ? height / 2 : height - ((point.value - min) / spread) * height);
  let path = '';
  let before: Point | undefined;
  for (const point of shown) {
    // Slow series have a sample every few minutes; only a longer silence is a gap.
    const move = !before || point.minute - before.minute > 6;
    path += `${move ? 'M' : 'L'}${x(point).toFixed(1)} ${y(point).toFixed(1)}`;
    before = point;
  }
  return { path, min, max, last: { x: x(final), y: y(final) } };
}
