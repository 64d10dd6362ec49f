import { expect, test } from 'vitest';
import { alarm, handling, violation } from '../domain/findings.example';
import { Alarms, ALARMS_MAX, Violations, VIOLATIONS_MAX } from './findings';

test('the highest revision of an alarm wins, in whatever order they come', () => {
  const alarms = new Alarms();
  alarms.take(alarm({ revision: 2, condition: 'normal' }));
  alarms.take(alarm({ revision: 1 }));
  expect(alarms.sorted().map((one) => one.condition)).toEqual(['normal']);
});

test('a live event without the response keeps the one that is known', () => {
  const alarms = new Alarms();
  const response = { kind: 'pm25-24h' } as never;
  alarms.take(alarm({ response }));
  alarms.take(alarm({ revision: 2, response: null }));
  expect(alarms.sorted()[0]?.response).toBe(response);
});

test('active alarms are never dropped for returned ones', () => {
  const alarms = new Alarms();
  alarms.take(alarm({ id: 'active', changed_at: '2026-01-01T00:00:00Z' }));
  for (let n = 0; n < ALARMS_MAX + 10; n += 1) alarms.take(alarm({ id: `returned-${n}`, condition: 'normal' }));
  expect(alarms.sorted()).toHaveLength(ALARMS_MAX);
  expect(alarms.sorted()[0]?.id).toBe('active');
});

test('the same violation twice is one row, and the newest offences are kept', () => {
  const violations = new Violations();
  expect(violations.take(violation())).toBe(true);
  expect(violations.take(violation())).toBe(false);
  for (let n = 0; n < VIOLATIONS_MAX; n += 1) {
    violations.take(violation({ id: `v-${n}`, occurred_at: new Date(Date.UTC(2026, 11, 1, 0, 0, n)).toISOString() }));
  }
  expect(violations.sorted()).toHaveLength(VIOLATIONS_MAX);
  expect(violations.sorted().some((one) => one.id === 'v')).toBe(false);
});

test('what somebody did is news without a new revision, and an older list does not undo it', () => {
  const alarms = new Alarms();
  alarms.take(alarm());
  expect(alarms.take(alarm({ handling: handling({ acknowledged_by: 'somchai' }) }))).toBe(true);
  expect(alarms.take(alarm({ handling: null }))).toBe(false);
  expect(alarms.take(alarm({ handling: handling({ changed_at: '2026-11-22T03:05:00Z' }) }))).toBe(false);
  expect(alarms.sorted()[0]?.handling?.acknowledged_by).toBe('somchai');
});
