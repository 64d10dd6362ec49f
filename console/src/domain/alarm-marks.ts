/** What an alarm's figures say beside its sentence: how often it began, what it hides in, and which devices it is about. */

import type { Alarm } from '../api/types';

function text(alarm: Alarm, name: string): string {
  const value = alarm.because.inputs?.[name];
  return typeof value === 'string' ? value : '';
}

function count(alarm: Alarm, name: string): number {
  const value = alarm.because.inputs?.[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

export interface Marks {
  /** How often the condition began; 1 for most. */
  activations: number;
  chattering: boolean;
  inFlood: boolean;
  /** What suppresses it by design: a plan, maintenance, or the kind of the higher alarm. */
  suppressedBy: string;
  /** The place of the outage that it became a part of. */
  partOf: string;
}

export function marks(alarm: Alarm): Marks {
  return {
    activations: Math.max(1, count(alarm, 'activations')),
    chattering: alarm.because.inputs?.['chattering'] === true,
    inFlood: alarm.because.inputs?.['in_flood'] === true,
    suppressedBy: alarm.condition === 'suppressed' ? text(alarm, 'suppressed_by') : '',
    partOf: text(alarm, 'part_of'),
  };
}

export interface Named {
  ids: string[];
  /** How many more there are than the finding names. */
  more: number;
}

/** The devices that one alarm lists: an outage, an event of the whole city. */
export function devicesOf(alarm: Alarm): Named {
  const ids = text(alarm, 'devices').split(',').map((id) => id.trim()).filter(Boolean);
  return { ids, more: count(alarm, 'more_devices') };
}

/** The kinds of alarm that a flood is made of, the most frequent first. */
export function floodOf(alarm: Alarm): { kind: string; count: number }[] {
  if (alarm.kind !== 'alarm-flood') return [];
  return Object.entries(alarm.because.inputs ?? {})
    .filter((entry): entry is [string, number] => entry[0].startsWith('alarms_') && entry[0] !== 'alarms_of_other_kinds' && typeof entry[1] === 'number')
    .map(([name, value]) => ({ kind: name.slice('alarms_'.length), count: value }))
    .sort((one, other) => other.count - one.count || one.kind.localeCompare(other.kind));
}
