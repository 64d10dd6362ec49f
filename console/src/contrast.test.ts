/** WCAG 2.2 AA over the tokens of `app.css` and the map: 4.5 for text, 3 for symbols (1.4.3, 1.4.11). */

import { describe, expect, test } from 'vitest';
import CSS from './app.css?raw';
import { PALETTES } from './map/palette';

function tokens(selector: string): Record<string, string> {
  const block = CSS.slice(CSS.indexOf(`${selector} {`)).split('}')[0] ?? '';
  return Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name as string, value as string]));
}

const DARK = tokens(':root');
const LIGHT = { ...DARK, ...tokens("[data-theme='light']") };

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const TEXTS = ['text', 'muted', 'accent', 'critical', 'high', 'medium', 'low', 'good', 'silent', 'never'];
const GROUNDS = ['panel', 'raised', 'hover'];

describe.each([['dark', DARK], ['light', LIGHT]] as const)('the %s theme', (_name, theme) => {
  test.each(TEXTS.flatMap((text) => GROUNDS.map((ground) => [text, ground] as const)))('%s is readable on %s', (text, ground) => {
    expect(contrast(theme[text] as string, theme[ground] as string)).toBeGreaterThanOrEqual(4.5);
  });

  test.each([['accent-text', 'accent'], ['on-priority', 'critical'], ['on-priority', 'high'], ['on-priority', 'medium'], ['on-priority', 'low'], ['text', 'critical-wash']])(
    '%s is readable on %s', (text, ground) => expect(contrast(theme[text] as string, theme[ground] as string)).toBeGreaterThanOrEqual(4.5));

  test.each([1, 2, 3, 4, 5])('the dark text of air quality band %d is readable', (band) => {
    expect(contrast('#14100a', theme[`aqi-${band}`] as string)).toBeGreaterThanOrEqual(4.5);
  });

  test('borders of fields and the focus ring are visible', () => {
    for (const name of ['line-strong', 'focus']) expect(contrast(theme[name] as string, theme['panel'] as string)).toBeGreaterThanOrEqual(3);
  });
});

describe.each(Object.entries(PALETTES))('the %s map', (_name, palette) => {
  test('labels are readable on land and sea', () => {
    for (const label of [palette.label, palette.labelQuiet]) {
      for (const ground of [palette.land, palette.sea]) expect(contrast(label, ground)).toBeGreaterThanOrEqual(4.5);
    }
  });

  test('symbols stand out from land and sea', () => {
    for (const symbol of [...Object.values(palette.types), ...Object.values(palette.priorities), palette.silent, palette.never]) {
      for (const ground of [palette.land, palette.sea]) expect(contrast(symbol, ground)).toBeGreaterThanOrEqual(3);
    }
  });
});
