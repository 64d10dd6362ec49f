import { expect, test } from 'vitest';
import { devicesOf, floodOf, marks } from './alarm-marks';
import { alarm } from './findings.example';

const of = (inputs: Record<string, string | number | boolean>, change = {}) =>
  alarm({ because: { ...alarm().because, inputs }, ...change });

test('an outage names its devices and how many more there are', () => {
  expect(devicesOf(of({ devices: 'cam-402-01, air-02', more_devices: 7 }))).toEqual({ ids: ['cam-402-01', 'air-02'], more: 7 });
  expect(devicesOf(of({ devices: 3 }))).toEqual({ ids: [], more: 0 });
});

test('how often an alarm began, chattering and flood are told from its figures', () => {
  expect(marks(of({ activations: 5, chattering: true, in_flood: true }))).toMatchObject({ activations: 5, chattering: true, inFlood: true });
  expect(marks(of({}))).toEqual({ activations: 1, chattering: false, inFlood: false, suppressedBy: '', partOf: '' });
});

test('only a suppressed alarm says by what it is suppressed', () => {
  expect(marks(of({ suppressed_by: 'siren' }, { condition: 'suppressed' })).suppressedBy).toBe('siren');
  expect(marks(of({ suppressed_by: 'siren' })).suppressedBy).toBe('');
});

test('a flood tells its kinds, the most frequent first', () => {
  const flood = of({ alarms_silence: 3, 'alarms_frozen-value': 8, alarms_of_other_kinds: 2, first_kind: 'silence' }, { kind: 'alarm-flood' });
  expect(floodOf(flood)).toEqual([{ kind: 'frozen-value', count: 8 }, { kind: 'silence', count: 3 }]);
});
