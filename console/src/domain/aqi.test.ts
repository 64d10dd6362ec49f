import { expect, test } from 'vitest';
import { pm25Band } from './aqi';

// Boundaries of the gazette's table; 37.54 and 37.55 show that rounding comes first.
test.each([[0, 1], [15.0, 1], [15.04, 1], [15.05, 2], [25.0, 2], [25.1, 3], [37.5, 3], [37.54, 3], [37.55, 4], [75.0, 4], [75.1, 5], [500, 5]])(
  'PM2.5 of %d µg/m³ lies in band %d', (value, band) => expect(pm25Band(value)?.number).toBe(band));

test('what is no concentration has no band', () => {
  expect(pm25Band(NaN)).toBeUndefined();
  expect(pm25Band(-1)).toBeUndefined();
});
