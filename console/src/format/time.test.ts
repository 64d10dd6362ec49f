import { describe, expect, test } from 'vitest';
import { ago, clock, day, fromThaiInput, moment, parse, span, toThaiInput } from './time';

const EVENING = Date.parse('2026-11-22T18:30:05Z');

describe('time', () => {
  test('is Thai time, seven hours ahead of UTC', () => {
    expect(clock(EVENING, 'en')).toBe('01:30:05');
    expect(clock(EVENING, 'th')).toBe('01:30:05');
  });

  test('has the Buddhist-era year in Thai and the common one in English', () => {
    expect(day(EVENING, 'th')).toContain('2569');
    expect(day(EVENING, 'th')).not.toContain('พ.ศ.');
    expect(day(EVENING, 'en')).toBe('Mon, 23 Nov 2026');
  });

  test('names the day only when it is another Thai day', () => {
    expect(moment(EVENING, EVENING + 3_600_000, 'en')).toBe('01:30:05');
    expect(moment(EVENING - 2 * 3_600_000, EVENING, 'en')).toBe('22 Nov 2026 23:30');
  });

  test.each([[0, '0 s'], [59_999, '59 s'], [60_000, '1 min'], [3_599_000, '59 min'], [3_600_000, '1 h'], [172_800_000, '2 d'], [-5, '0 s']])(
    'a span of %d ms is %s', (ms, text) => expect(span(ms, 'en')).toBe(text));

  test('an age is said in both languages', () => {
    expect(ago(180_000, 'en')).toBe('3 min ago');
    expect(ago(180_000, 'th')).toBe('3 นาทีที่แล้ว');
  });

  test('what is typed is read as Thai time and comes back the same', () => {
    expect(fromThaiInput('2026-11-23T01:30')).toBe('2026-11-22T18:30:00.000Z');
    expect(toThaiInput(Date.parse('2026-11-22T18:30:00Z'))).toBe('2026-11-23T01:30');
    expect(fromThaiInput('yesterday')).toBeUndefined();
  });

  test('a damaged time is never taken for now', () => {
    expect(parse('nonsense')).toBe(0);
    expect(parse(null)).toBe(0);
  });
});
