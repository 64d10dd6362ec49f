import { expect, test } from 'vitest';
import { steps } from './steps';

test('a numbered response becomes its steps', () => {
  expect(steps('1. Look at the 2 neighbours. 2. Call 1784.')).toEqual(['Look at the 2 neighbours.', 'Call 1784.']);
  expect(steps('1. ดูอุปกรณ์ข้างเคียง 2. แจ้งซ่อม')).toEqual(['ดูอุปกรณ์ข้างเคียง', 'แจ้งซ่อม']);
});

test('a response without numbers is one step', () => {
  expect(steps('Wait for 3.5 minutes.')).toEqual(['Wait for 3.5 minutes.']);
});
