/** Alarm priorities after ISA-18.2 and their order on the page. Shape, number and word go with every colour. */

import { parse } from '../format/time';
import type { Alarm, Priority } from '../api/types';

export const PRIORITIES: readonly Priority[] = ['critical', 'high', 'medium', 'low'];

const NUMBERS: Record<number, Priority> = { 1: 'low', 2: 'medium', 3: 'high', 4: 'critical' };

/** The server says priorities as words; its codes are understood too. */
export function priorityOf(raw: unknown): Priority {
  if (typeof raw === 'number') return NUMBERS[raw] ?? 'low';
  const word = String(raw).toLowerCase();
  return (PRIORITIES as readonly string[]).includes(word) ? (word as Priority) : 'low';
}

/** 1 is the most urgent, as control rooms count. */
export function rank(priority: Priority): number {
  return PRIORITIES.indexOf(priority) + 1;
}

/** Whether a person has taken note; an alarm that began again is to be acknowledged anew, and the server says so. */
export function isAcknowledged(alarm: Alarm): boolean {
  return Boolean(alarm.handling?.acknowledged_by);
}

/** Whether a person has put it aside for a time; it comes back by itself. */
export function isShelved(alarm: Alarm, now_ms: number): boolean {
  return parse(alarm.handling?.shelved_until) > now_ms;
}

/** Whether it asks somebody to act: active, and nobody has put it aside. A suppressed one never does. */
export function calls(alarm: Alarm, now_ms: number): boolean {
  return alarm.condition === 'active' && !isShelved(alarm, now_ms);
}

/** Only this may blink: active, high or critical, and nobody has taken note or put it aside. */
export function mayBlink(alarm: Alarm, now_ms: number): boolean {
  return calls(alarm, now_ms) && rank(alarm.priority) <= 2 && !isAcknowledged(alarm);
}

/** Active before returned; then urgent before less urgent, unnoticed before acknowledged, the newest change first. */
export function inOrder(one: Alarm, other: Alarm): number {
  const active = Number(other.condition === 'active') - Number(one.condition === 'active');
  if (active) return active;
  if (one.condition === 'active') {
    const urgency = rank(one.priority) - rank(other.priority);
    if (urgency) return urgency;
    const noticed = Number(isAcknowledged(one)) - Number(isAcknowledged(other));
    if (noticed) return noticed;
  }
  return parse(other.changed_at) - parse(one.changed_at) || one.id.localeCompare(other.id);
}
