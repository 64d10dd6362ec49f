import { expect, test } from 'vitest';
import { passageText, phases, statusText } from './records';

const entry = (kind: string, key: string, content: Record<string, unknown>) => ({ kind, key, t_ms: 0, content });

test('a passage is class, speed and lane', () => {
  expect(passageText(entry('passage', '2', { class: 'motorcycle', speed_kmh: 46.8, lane: 2 }), 'en')).toBe('motorcycle · 47 km/h · lane 2');
});

test('content of another form than expected is left out, never shown as it is', () => {
  expect(passageText(entry('passage', '2', { class: 7, speed_kmh: 'fast' }), 'en')).toBe('vehicle of unknown class');
  expect(statusText(entry('status', '', { battery: null, firmware: {} }), 'en')).toBe('health report');
});

test('signal groups come in the order of their numbers', () => {
  const found = phases([entry('signal', '10', { phase: 'red' }), entry('status', '', {}), entry('signal', '2', { phase: 'green', group: 2 })]);
  expect(found).toEqual([{ group: '2', phase: 'green' }, { group: '10', phase: 'red' }]);
});
