import { expect, test } from 'vitest';
import { number, plain, unit } from './number';

test('a missing number is a dash, never zero', () => {
  for (const missing of [null, undefined, NaN, Infinity]) expect(number(missing, 1)).toBe('–');
});

test('numbers have the decimals asked for, a thousands mark and a true minus', () => {
  expect(number(16460.4)).toBe('16,460');
  expect(number(-2.7, 1)).toBe('−2.7');
});

test('a plain number shows the decimals it has, two at most', () => {
  expect([plain(60), plain(37.5), plain(41.273)]).toEqual(['60', '37.5', '41.27']);
});

test('units are written for people in both languages, unknown ones as they are', () => {
  expect([unit('ug/m3', 'en'), unit('km/h', 'th'), unit('W/m2', 'th'), unit(undefined, 'en')]).toEqual(['µg/m³', 'กม./ชม.', 'W/m2', '']);
});
