import { expect, test } from 'vitest';
import { alarmSentence, violationSentence } from './because';
import { alarm, violation } from './findings.example';

test('a violation says what was measured, the limit, by how much, and what would have kept it silent', () => {
  expect(violationSentence(violation(), 'en')).toBe(
    'Measured 131 km/h where the limit for a car is 60 km/h: 71 km/h over. At 70 km/h or less it would not have been raised.');
  expect(violationSentence(violation(), 'th')).toBe(
    'วัดได้ 131 กม./ชม. ในที่ซึ่งจำกัด 60 กม./ชม. สำหรับรถยนต์ เกินกำหนด 71 กม./ชม. หากไม่เกิน 70 กม./ชม. จะไม่ถูกเสนอ');
});

test('an exceedance says when it ends', () => {
  expect(alarmSentence(alarm(), 'en')).toBe('Measured 41.27 µg/m³ against 37.5 µg/m³ (+3.77). It ends at mean 24h ≤ 35.0.');
});

test('a returned alarm does not say when it ends', () => {
  expect(alarmSentence(alarm({ condition: 'normal' }), 'en')).not.toContain('ends');
});

test('silence is said as a length of time', () => {
  const because = { measured: 320, limit: 200, threshold: 200, margin: 120, unit: 's', needed: '' };
  expect(alarmSentence(alarm({ kind: 'silence', because }), 'en')).toBe('Nothing heard for 5 min; a healthy one speaks at least every 3 min.');
  const short = { ...because, measured: 65.4, threshold: 60 };
  expect(alarmSentence(alarm({ kind: 'silence', because: short }), 'en')).toBe('Nothing heard for 65 s; a healthy one speaks at least every 60 s.');
});

test('what our own house reports is said in its own words', () => {
  const because = { measured: 1, limit: 0, threshold: 0, margin: 1, unit: '', needed: '', inputs: { detail: 'the disk is low' } };
  expect(alarmSentence(alarm({ kind: 'disk-low', because }), 'en')).toBe('the disk is low');
});
