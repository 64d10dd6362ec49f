import { expect, test } from 'vitest';
import { line, merge } from './trend';
import type { Window } from '../api/types';

const window = (minute: number, lane: number, mean: number | null, revision = 1): Window =>
  ({ start: new Date(minute * 60_000).toISOString(), lane, revision, mean, count: 1, min: mean, max: mean, completeness: 1 });

test('lanes of a minute become one point: a sum of counts, a mean of speeds', () => {
  const windows = [window(100, 1, 4), window(100, 2, 6), window(101, 1, 3)];
  expect(merge(windows, 'sum')).toEqual([{ minute: 100, value: 10 }, { minute: 101, value: 3 }]);
  expect(merge(windows, 'mean')).toEqual([{ minute: 100, value: 5 }, { minute: 101, value: 3 }]);
});

test('the highest revision of a window counts, an empty one does not', () => {
  expect(merge([window(100, 1, 9, 2), window(100, 1, 4, 1), window(101, 1, null)], 'sum')).toEqual([{ minute: 100, value: 9 }]);
});

test('missing minutes are a gap in the line, not a bridge over it', () => {
  const points = [...[100, 101, 102], ...[120, 121]].map((minute) => ({ minute, value: minute }));
  expect(line(points, 121, 120, 20)?.path.match(/M/g)).toHaveLength(2);
});

test('a line ends at its time, spans its values and leaves out what is older than an hour', () => {
  const drawn = line([{ minute: 10, value: 99 }, { minute: 111, value: 1 }, { minute: 120, value: 3 }], 120, 118, 20);
  expect(drawn).toMatchObject({ min: 1, max: 3, last: { x: 118, y: 0 } });
});

test('no window in the hour draws nothing', () => {
  expect(line([{ minute: 10, value: 1 }], 500, 100, 20)).toBeNull();
});
