/**
 * The newest value of every series and the newest record of every kind, as plain maps.
 *
 * Not reactive on purpose: thousands of values a second would wake the page thousands of times. Whoever shows something
 * reads from here when `app.tick` moves.
 */

import { parse } from '../format/time';
import type { Device, Latest, LatestRecord, LatestValue } from '../api/types';

export interface Value {
  metric: string;
  lane: number;
  t_ms: number;
  value: number;
}

export interface Entry {
  kind: string;
  key: string;
  t_ms: number;
  content: Record<string, unknown>;
}

/** How long after its interval a value is still the present one: one missed sample is not yet stale. */
const MISSED_SAMPLES = 2.5;
/** Never stale sooner than this: transport and batching take their time. */
const STALE_LEAST_S = 15;

/** From which age a value of a series is shown as stale. */
export function staleAfter_ms(interval_s: number): number {
  return Math.max(STALE_LEAST_S, interval_s * MISSED_SAMPLES) * 1000;
}

/** Seconds over which the rate of values is counted: long enough to be readable, short enough to show a stop. */
const RATE_WINDOW_S = 5;

export class Board {
  readonly #values = new Map<string, Map<string, Value>>();
  readonly #records = new Map<string, Map<string, Entry>>();
  readonly #heard = new Map<string, number>();
  readonly #arrivals = new Map<number, number>();
  newest_ms = 0;

  /** Take a value; false if a newer one of its series is there already. */
  value(item: LatestValue): boolean {
    if (item.value === null || typeof item.value !== 'number') return false;
    const t_ms = parse(item.t);
    const series = `${item.metric}|${item.lane}`;
    const device = mapOf(this.#values, item.device);
    const known = device.get(series);
    if (known && known.t_ms > t_ms) return false;
    device.set(series, { metric: item.metric, lane: item.lane, t_ms, value: item.value });
    this.#hear(item.device, t_ms);
    return true;
  }

  record(item: LatestRecord): boolean {
    const t_ms = parse(item.t);
    const slot = `${item.kind}|${item.key}`;
    const device = mapOf(this.#records, item.device);
    const known = device.get(slot);
    if (known && known.t_ms > t_ms) return false;
    device.set(slot, { kind: item.kind, key: String(item.key), t_ms, content: item.content });
    this.#hear(item.device, t_ms);
    return true;
  }

  whole(latest: Latest): void {
    for (const item of latest.values) this.value(item);
    for (const item of latest.records) this.record(item);
  }

  #hear(device: string, t_ms: number): void {
    if (t_ms > (this.#heard.get(device) ?? 0)) this.#heard.set(device, t_ms);
    if (t_ms > this.newest_ms) this.newest_ms = t_ms;
  }

  /** Count what came, for the rate; `now_ms` is the page's clock. */
  arrived(count: number, now_ms: number): void {
    const second = Math.floor(now_ms / 1000);
    this.#arrivals.set(second, (this.#arrivals.get(second) ?? 0) + count);
    for (const old of this.#arrivals.keys()) if (old < second - RATE_WINDOW_S - 1) this.#arrivals.delete(old);
  }

  /** Values and records a second, over the last whole seconds. */
  rate(now_ms: number): number {
    const second = Math.floor(now_ms / 1000);
    let sum = 0;
    for (let back = 1; back <= RATE_WINDOW_S; back += 1) sum += this.#arrivals.get(second - back) ?? 0;
    return sum / RATE_WINDOW_S;
  }

  heard_ms(device: string): number {
    return this.#heard.get(device) ?? 0;
  }

  values(device: string): Value[] {
    return [...(this.#values.get(device)?.values() ?? [])];
  }

  latest(device: string, metric: string, lane = 0): Value | undefined {
    return this.#values.get(device)?.get(`${metric}|${lane}`);
  }

  records(device: string): Entry[] {
    return [...(this.#records.get(device)?.values() ?? [])];
  }
}

function mapOf<V>(outer: Map<string, Map<string, V>>, key: string): Map<string, V> {
  let inner = outer.get(key);
  if (!inner) {
    inner = new Map();
    outer.set(key, inner);
  }
  return inner;
}

/** The series interval of a device, or a minute where the city file gives none. */
export function interval_s(device: Device, metric: string, lane: number): number {
  return device.series.find((series) => series.metric === metric && (series.lane ?? 0) === lane)?.interval_s ?? 60;
}
