/** The newest records of a device as text. Their content is whatever the field says, so nothing is taken for granted. */

import { number, unit } from '../format/number';
import { say, term, type Language } from '../words/words';
import type { Entry } from '../live/board';

function text(content: Record<string, unknown>, ...keys: string[]): string {
  for (const key of keys) {
    const value = content[key];
    if (typeof value === 'string' && value) return value;
  }
  return '';
}

function figure(content: Record<string, unknown>, ...keys: string[]): number | null {
  for (const key of keys) {
    const value = content[key];
    if (typeof value === 'number' && Number.isFinite(value)) return value;
  }
  return null;
}

/** `motorcycle, 47 km/h, lane 2`. */
export function passageText(entry: Entry, language: Language): string {
  const parts = [term('vehicle', text(entry.content, 'class', 'vehicle') || 'unknown', language)];
  const speed = figure(entry.content, 'speed_kmh', 'speed');
  if (speed !== null) parts.push(`${number(speed)} ${unit('km/h', language)}`);
  const lane = figure(entry.content, 'lane');
  if (lane !== null) parts.push(say('lane', language, { lane }));
  return parts.join(' · ');
}

/** The phase of each signal group, by group. */
export function phases(entries: readonly Entry[]): { group: string; phase: string }[] {
  return entries.filter((entry) => entry.kind === 'signal')
    .map((entry) => ({ group: String(figure(entry.content, 'group') ?? entry.key), phase: text(entry.content, 'phase') || 'unknown' }))
    .sort((one, other) => Number(one.group) - Number(other.group));
}

/** `health report · battery 87 % · clock off by 12 ms · firmware 1.4.2`. */
export function statusText(entry: Entry, language: Language): string {
  const { content } = entry;
  const parts = [term('event', text(content, 'event') || 'health', language)];
  const battery = figure(content, 'battery');
  if (battery !== null) parts.push(`${say('battery', language)} ${number(battery * 100)} %`);
  const offset = figure(content, 'clock_offset_ms');
  if (offset !== null) parts.push(`${say('clock_offset', language)} ${number(offset)} ms`);
  const lens = figure(content, 'lens_score');
  if (lens !== null) parts.push(`${say('lens', language)} ${number(lens * 100)} %`);
  const firmware = text(content, 'firmware').trim();
  if (firmware) parts.push(`${say('firmware', language)} ${firmware}`);
  return parts.join(' · ');
}
