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

/** Whether a person has taken note. What the desk's tables say is not fixed yet beyond a state or a time. */
export function isAcknowledged(alarm: Alarm): boolean {
  const handling = alarm.handling;
  if (!handling) return false;
  return handling['state'] === 'acknowledged' || handling['action'] === 'acknowledge'
    || handling['acknowledged'] === true || Boolean(handling['acknowledged_at']);
}

/** Only this may blink: active, high or critical, and nobody has taken note. */
export function mayBlink(alarm: Alarm): boolean {
  return alarm.condition === 'active' && rank(alarm.priority) <= 2 && !isAcknowledged(alarm);
}

/** Active before returned, urgent before less urgent, then the newest change first. */
export function inOrder(one: Alarm, other: Alarm): number {
  const active = Number(other.condition === 'active') - Number(one.condition === 'active');
  if (active) return active;
  if (one.condition === 'active') {
    const urgency = rank(one.priority) - rank(other.priority);
    if (urgency) return urgency;
  }
  return parse(other.changed_at) - parse(one.changed_at) || one.id.localeCompare(other.id);
}
