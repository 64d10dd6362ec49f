import { expect, test } from 'vitest';
import { Frames, GATHERED_MAX } from './frames';

function frames() {
  const asked: (() => void)[] = [];
  const delivered: number[][] = [];
  return { asked, delivered, frames: new Frames<number>((items) => delivered.push(items), (callback) => asked.push(callback)) };
}

test('everything of one frame is delivered once, in order', () => {
  const { asked, delivered, frames: gathered } = frames();
  for (let n = 0; n < 1000; n += 1) gathered.add(n);
  expect(asked).toHaveLength(1);
  asked[0]?.();
  expect(delivered).toHaveLength(1);
  expect(delivered[0]).toEqual(Array.from({ length: 1000 }, (_, n) => n));
});

test('after a frame the next arrival asks for another', () => {
  const { asked, delivered, frames: gathered } = frames();
  gathered.add(1);
  asked[0]?.();
  gathered.add(2);
  asked[1]?.();
  expect(delivered).toEqual([[1], [2]]);
});

test('a page without frames does not gather without bound', () => {
  const { delivered, frames: gathered } = frames();
  for (let n = 0; n < GATHERED_MAX; n += 1) gathered.add(n);
  expect(delivered).toHaveLength(1);
});
