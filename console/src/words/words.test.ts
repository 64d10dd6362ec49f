import { expect, test } from 'vitest';
import { say, term } from './words';
import SOURCE from './words.ts?raw';

const PAIRS = [...SOURCE.matchAll(/^ {2}(\w+): \[(?:'([^']*)'|"([^"]*)"),\s*(?:'([^']*)'|"([^"]*)")\]/gm)]
  .map(([, key, en, en2, th, th2]) => ({ key: key as string, en: en ?? en2 ?? '', th: th ?? th2 ?? '' }));

test('the table is read', () => expect(PAIRS.length).toBeGreaterThan(150));

test('every word has the same places in both languages', () => {
  const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  for (const { key, en, th } of PAIRS) expect([key, ...places(th)]).toEqual([key, ...places(en)]);
});

test('places are filled, unknown ones stay', () => {
  expect(say('lane', 'en', { lane: 3 })).toBe('lane 3');
  expect(say('lane', 'th')).toBe('ช่อง {lane}');
});

test('a word that the server added is shown as it is', () => {
  expect(term('vehicle', 'amphibious_car', 'th')).toBe('amphibious car');
  expect(term('vehicle', 'constructor', 'en')).toBe('constructor');
});
