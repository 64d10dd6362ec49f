import { expect, test } from 'vitest';
import { violation } from './findings.example';
import { headline } from './headline';

function of(offence: string, inputs: Record<string, number>, unit = '') {
  const because = { measured: 1, limit: 0, threshold: 0, margin: 1, unit, needed: '', inputs };
  return headline(violation({ offence, because }), 'en');
}

test('a speed stands over its limit', () => {
  expect(headline(violation(), 'en')).toEqual({ figure: '131', caption: 'limit 60', share: 60 / 131, over: '+71 km/h' });
});

test('no other offence is shown as a speed over a limit', () => {
  expect(of('no_helmet', { bare_heads: 1, riders: 2 })).toEqual({ figure: '1 / 2', caption: 'bare-headed' });
  expect(of('overloaded', { riders: 4, max_riders: 2 })).toEqual({ figure: '4', caption: 'riders, 2 allowed' });
  expect(of('red_light', { red_s: 2.36 }, 's')).toEqual({ figure: '2.4 s', caption: 'after red' });
  expect(of('wrong_way', { speed_kmh: 31.2 }, 'km/h')).toEqual({ figure: '31', caption: 'km/h against traffic' });
  expect(of('illegal_stopping', { dwell_s: 520, max_dwell_s: 180 }, 's')).toEqual({ figure: '8 min', caption: 'limit 3 min' });
  expect(of('cloned_plate', { distance_m: 12_340, travel_s: 95 }, 'km/h')).toEqual({ figure: '12 km', caption: 'within 1 min' });
});

test('a figure that a finding does not carry is a dash, never a wrong number', () => {
  expect(of('cloned_plate', {}, 'km/h').figure).toBe('– km');
});
