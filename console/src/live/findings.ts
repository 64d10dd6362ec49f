/** Alarms and violations as revisions arrive: the highest revision of an id wins, and the memory is bounded. */

import { inOrder, priorityOf } from '../domain/priority';
import { parse } from '../format/time';
import type { Alarm, Handling, Violation } from '../api/types';

/** Kept in memory. Active alarms are never dropped in favour of returned ones. */
export const ALARMS_MAX = 500;
export const VIOLATIONS_MAX = 300;

export class Alarms {
  readonly #byId = new Map<string, Alarm>();

  /** Take a revision; false if this or a newer one is known. People's handling may change without a new revision. */
  take(alarm: Alarm): boolean {
    const known = this.#byId.get(alarm.id);
    if (known && known.revision > alarm.revision) return false;
    const handled = handledLater(known?.handling ?? null, alarm.handling);
    const merged: Alarm = {
      ...alarm,
      priority: priorityOf(alarm.priority),
      response: alarm.response ?? known?.response ?? null,
      handling: handled,
    };
    this.#byId.set(alarm.id, merged);
    if (this.#byId.size > ALARMS_MAX) {
      for (const one of this.sorted().slice(ALARMS_MAX)) this.#byId.delete(one.id);
    }
    return !known || known.revision !== alarm.revision || JSON.stringify(known.handling) !== JSON.stringify(handled);
  }

  sorted(): Alarm[] {
    return [...this.#byId.values()].sort(inOrder);
  }

  clear(): void {
    this.#byId.clear();
  }
}

/** A list that was asked for before somebody handled the alarm may come after the news of it. */
function handledLater(known: Handling | null, told: Handling | null): Handling | null {
  if (!known || !told) return told ?? known;
  return parse(told.changed_at) >= parse(known.changed_at) ? told : known;
}

export class Violations {
  readonly #byId = new Map<string, Violation>();

  take(violation: Violation): boolean {
    const known = this.#byId.get(violation.id);
    if (known && known.revision >= violation.revision) return false;
    this.#byId.set(violation.id, violation);
    if (this.#byId.size > VIOLATIONS_MAX) {
      for (const one of this.sorted().slice(VIOLATIONS_MAX)) this.#byId.delete(one.id);
    }
    return true;
  }

  /** The newest offence first. */
  sorted(): Violation[] {
    return [...this.#byId.values()].sort(
      (one, other) => parse(other.occurred_at) - parse(one.occurred_at) || one.id.localeCompare(other.id),
    );
  }

  clear(): void {
    this.#byId.clear();
  }
}
