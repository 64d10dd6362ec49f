import { expect, test } from 'vitest';
import { alarm, handling } from './findings.example';
import { calls, inOrder, mayBlink, priorityOf } from './priority';

test('active alarms come before returned ones, urgent before less urgent, then the newest change', () => {
  const ids = [
    alarm({ id: 'returned', condition: 'normal', priority: 'critical', changed_at: '2026-11-22T09:00:00Z' }),
    alarm({ id: 'low', priority: 'low', changed_at: '2026-11-22T08:00:00Z' }),
    alarm({ id: 'high-old', priority: 'high', changed_at: '2026-11-22T01:00:00Z' }),
    alarm({ id: 'high-new', priority: 'high', changed_at: '2026-11-22T02:00:00.5Z' }),
  ].sort(inOrder).map((one) => one.id);
  expect(ids).toEqual(['high-new', 'high-old', 'low', 'returned']);
});

test('only an active, urgent alarm that nobody has taken note of may blink', () => {
  expect(mayBlink(alarm({ priority: 'high' }), 0)).toBe(true);
  expect(mayBlink(alarm({ priority: 'medium' }), 0)).toBe(false);
  expect(mayBlink(alarm({ priority: 'critical', condition: 'normal' }), 0)).toBe(false);
  expect(mayBlink(alarm({ priority: 'critical', handling: handling({ acknowledged_by: 'somchai' }) }), 0)).toBe(false);
});

test('a priority is understood as word and as code, an unknown one is the lowest', () => {
  expect([priorityOf('HIGH'), priorityOf(4), priorityOf('urgent'), priorityOf(null)]).toEqual(['high', 'critical', 'low', 'low']);
});

test('an acknowledged alarm stands behind the unnoticed ones of its priority', () => {
  const taken = alarm({ id: 'taken', changed_at: '2026-11-22T09:00:00Z', handling: handling({ acknowledged_by: 'somchai' }) });
  const ids = [taken, alarm({ id: 'new' }), alarm({ id: 'low', priority: 'low' })].sort(inOrder).map((one) => one.id);
  expect(ids).toEqual(['new', 'taken', 'low']);
});

test('a suppressed alarm is not among the active, nor is a shelved one until its time is over', () => {
  const now = Date.parse('2026-11-22T04:00:00Z');
  expect(calls(alarm(), now)).toBe(true);
  expect(calls(alarm({ condition: 'suppressed' }), now)).toBe(false);
  expect(calls(alarm({ handling: handling({ shelved_until: '2026-11-22T04:00:01Z' }) }), now)).toBe(false);
  expect(calls(alarm({ handling: handling({ shelved_until: '2026-11-22T03:59:59Z' }) }), now)).toBe(true);
});
