import { expect, test } from 'vitest';
import { device } from './device.example';
import { gradeOf, levelOf, madeOf, newest } from './derived';
import type { City } from '../api/types';

const GRADES = [
  { key: 'good', least: 0, name_en: 'Good', name_th: 'ดี', colour: '#00a651' },
  { key: 'affects', least: 101, name_en: 'Affects', name_th: 'มีผล', colour: '#f26522' },
];
const CITY = {
  air_indexes: [{ metric: 'aqi-th', main_metric: 'aqi-th-main', pollutants: [{ metric: 'pm2_5' }] }],
  derived: [
    { metric: 'pm2_5-24h', of: 'pm2_5', method: 'mean', period_s: 86_400, step_s: 3600 },
    { metric: 'rain-1h', of: 'rain_mm', method: 'sum', period_s: 3600, step_s: 600 },
    { metric: 'rain-day', of: 'rain_mm', method: 'sum', period_s: 86_400, step_s: 3600, day_from_hour: 7 },
    { metric: 'heat-index', of: 'temperature', beside: 'humidity', method: 'heat-index', period_s: 600, step_s: 3600 },
  ],
  scales: [
    { metric: 'aqi-th', valid_from: '2023-07-03', valid_until: null, grades: GRADES },
    { metric: 'aqi-th', valid_from: '2018-01-01', valid_until: '2023-07-03', grades: [{ key: 'old', least: 0, name_en: 'Old', name_th: 'เก่า' }] },
  ],
} as unknown as City;
const sensing = (...metrics: string[]) => device({ series: metrics.map((metric) => ({ metric, interval_s: 60 })) });

test('a device has the series that are made of its own, each under the width that it is kept under', () => {
  expect(madeOf(sensing('pm2_5'), CITY)).toEqual([
    { metric: 'aqi-th', width: '1h', width_ms: 3_600_000, main: 'aqi-th-main' },
    { metric: 'pm2_5-24h', width: '1h', width_ms: 3_600_000 },
  ]);
  expect(madeOf(sensing('rain_mm'), CITY).map((one) => one.width)).toEqual(['10m', '1d']);
  expect(madeOf(sensing('temperature'), CITY)).toEqual([]);
  expect(madeOf(sensing('temperature', 'humidity'), CITY).map((one) => one.width)).toEqual(['10m']);
});

test('a figure has the grade of the scale that is in force at its time', () => {
  const now = Date.parse('2026-11-22T00:00:00Z');
  expect([100.9, 101, 300].map((value) => gradeOf(CITY, 'aqi-th', value, now)?.key)).toEqual(['good', 'affects', 'affects']);
  expect(gradeOf(CITY, 'aqi-th', 10, Date.parse('2020-01-01T00:00:00Z'))?.key).toBe('old');
  expect(gradeOf(CITY, 'pm2_5-24h', 10, now)).toBeUndefined();
});

test('levels of service are letters', () => {
  expect([1, 6, 7, null].map(levelOf)).toEqual(['A', 'F', '–', '–']);
});

test('only lanes of the newest window are shown, never a lane that stopped speaking', () => {
  const window = (start: string, lane: number) => ({ start, lane, revision: 1, count: 1, mean: 1, min: 1, max: 1, completeness: 1 });
  const windows = [window('2026-11-22T00:00:00Z', 3), window('2026-11-22T00:15:00Z', 2), window('2026-11-22T00:15:00Z', 1)];
  expect(newest(windows).map((one) => one.lane)).toEqual([1, 2]);
});
