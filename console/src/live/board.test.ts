import { describe, expect, test } from 'vitest';
import { device } from '../domain/device.example';
import { Board, staleAfter_ms } from './board';
import { count } from './counters';
import { measures } from './measures';

const T = Date.parse('2026-11-22T03:00:00Z');
const at = (s: number) => new Date(T + s * 1000).toISOString();
const value = (id: string, metric: string, lane: number, s: number, v: number) => ({ device: id, metric, lane, t: at(s), value: v });

describe('the board', () => {
  test('keeps the newest value of a series by event time, however it arrives', () => {
    const board = new Board();
    board.value(value('air-01', 'pm2_5', 0, 10, 20));
    expect(board.value(value('air-01', 'pm2_5', 0, 5, 99))).toBe(false);
    expect(board.latest('air-01', 'pm2_5')?.value).toBe(20);
  });

  test('does not take a missing value for one', () => {
    expect(new Board().value({ ...value('air-01', 'pm2_5', 0, 0, 0), value: null })).toBe(false);
  });

  test('counts the rate over whole seconds and forgets what is older', () => {
    const board = new Board();
    for (let s = 0; s < 5; s += 1) board.arrived(100, T + s * 1000);
    expect(board.rate(T + 5000)).toBe(100);
    expect(board.rate(T + 60_000)).toBe(0);
  });

  test('one missed sample is not stale, three are', () => {
    expect(staleAfter_ms(60)).toBeGreaterThan(120_000);
    expect(staleAfter_ms(60)).toBeLessThan(180_000);
  });
});

const CAMERA = device({
  series: [1, 2].flatMap((lane) => ['flow-car', 'flow-motorcycle', 'speed-mean'].map((metric) => ({ metric, lane, interval_s: 60 }))),
});
const METRICS = [
  { key: 'flow-car', unit: 'veh', name_en: 'Cars', name_th: 'รถยนต์' },
  { key: 'speed-mean', unit: 'km/h', name_en: 'Mean speed', name_th: 'ความเร็วเฉลี่ย' },
];

describe('counters', () => {
  test('vehicles of a minute are the sum over classes and lanes', () => {
    const board = new Board();
    board.value(value(CAMERA.id, 'flow-car', 1, 0, 5));
    board.value(value(CAMERA.id, 'flow-car', 2, 0, 3));
    board.value(value(CAMERA.id, 'flow-motorcycle', 1, 0, 11));
    board.value(value(CAMERA.id, 'speed-mean', 1, 0, 50));
    const counters = count([CAMERA], () => 'live', board, T + 60_000, T);
    expect([counters.vehicles, counters.counting]).toEqual([19, 1]);
  });

  test('stale counts and stale extremes are not shown as the present', () => {
    const board = new Board();
    const air = device({ id: 'air-01', type: 'air', series: [{ metric: 'pm2_5', interval_s: 60 }] });
    board.value(value(CAMERA.id, 'flow-car', 1, 0, 5));
    board.value(value('air-01', 'pm2_5', 0, 0, 80));
    const counters = count([CAMERA, air], () => 'live', board, T + 3_600_000, T);
    expect([counters.vehicles, counters.pm25]).toEqual([null, null]);
  });

  test('the worst station is the one with the highest value', () => {
    const board = new Board();
    const stations = ['air-01', 'air-02'].map((id) => device({ id, type: 'air', series: [{ metric: 'pm2_5', interval_s: 60 }] }));
    board.value(value('air-01', 'pm2_5', 0, 0, 31));
    board.value(value('air-02', 'pm2_5', 0, 0, 44));
    expect(count(stations, () => 'live', board, T, T).pm25?.device.id).toBe('air-02');
  });
});

describe('measures', () => {
  test('counts add up over lanes, speeds are averaged', () => {
    const board = new Board();
    board.value(value(CAMERA.id, 'flow-car', 1, 0, 5));
    board.value(value(CAMERA.id, 'flow-car', 2, 0, 3));
    board.value(value(CAMERA.id, 'speed-mean', 1, 0, 40));
    board.value(value(CAMERA.id, 'speed-mean', 2, 0, 60));
    expect(measures(CAMERA, METRICS, board, T).map((one) => [one.metric.key, one.value, one.stale])).toEqual([
      ['flow-car', 8, false], ['speed-mean', 50, false]]);
  });

  test('an old value is marked stale and a lane that fell silent no longer counts', () => {
    const board = new Board();
    board.value(value(CAMERA.id, 'flow-car', 1, 0, 5));
    board.value(value(CAMERA.id, 'flow-car', 2, 600, 3));
    expect(measures(CAMERA, METRICS, board, T + 600_000)[0]).toMatchObject({ value: 3, lanes: 1, stale: false });
    expect(measures(CAMERA, METRICS, board, T + 3_600_000)[0]).toMatchObject({ value: 3, stale: true });
  });
});
