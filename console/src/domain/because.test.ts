import { expect, test } from 'vitest';
import { sentence } from './because';
import { alarm } from './findings.example';

test('a finding speaks the language of its reader', () => {
  const one = alarm({ says: { en: 'Too loud.', th: 'เสียงดังเกินไป' } });
  expect(sentence(one, 'en')).toBe('Too loud.');
  expect(sentence(one, 'th')).toBe('เสียงดังเกินไป');
});
