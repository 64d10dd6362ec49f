import { expect, test } from 'vitest';
import { alarm } from '../domain/findings.example';
import { device } from '../domain/device.example';
import { alarmsByDevice, deviceFeatures, fingerprint } from './features';
import { PALETTES } from './palette';
import { style } from './style';
import type { City } from '../api/types';

const CITY: City = {
  id: 'phuket', name_en: 'Phuket', name_th: 'ภูเก็ต', lon: 98.35, lat: 7.97, zoom: 10, time_zone: 'Asia/Bangkok', credits: [], version: 1,
  zones: [{ id: 'kathu', level: 'subdistrict', name_en: 'Kathu', name_th: 'กะทู้', lon: 98.33, lat: 7.91 }], metrics: [], rules: [], responses: [],
};

test('the map asks nobody but our own API, and needs no glyphs, sprites or tiles', () => {
  const made = style(CITY, PALETTES.dark, 'en');
  expect(made.glyphs).toBeUndefined();
  expect(made.sprite).toBeUndefined();
  expect(JSON.stringify(made)).not.toMatch(/https?:/);
  for (const source of Object.values(made.sources)) {
    expect(source.type).toBe('geojson');
    if (source.type === 'geojson' && typeof source.data === 'string') expect(source.data).toMatch(/^\/api\/v1\/cities\/phuket\/basemap\/\w+$/);
  }
});

test('zones are named in the language of the page', () => {
  expect(JSON.stringify(style(CITY, PALETTES.dark, 'th').sources['zones'])).toContain('กะทู้');
  expect(JSON.stringify(style(CITY, PALETTES.dark, 'en').sources['zones'])).toContain('Kathu');
});

test('a device wears its most urgent active alarm, and lies on top with it', () => {
  const alarms = alarmsByDevice([
    alarm({ id: '1', device: 'cam', priority: 'low' }), alarm({ id: '2', device: 'cam', priority: 'high' }),
    alarm({ id: '3', device: 'cam', priority: 'critical', condition: 'normal' }), alarm({ id: '4', device: null }),
  ]);
  expect([...alarms]).toEqual([['cam', 'high']]);
  const features = deviceFeatures([device({ id: 'cam' }), device({ id: 'other' })], () => 'live', alarms).features;
  expect(features[0]?.properties?.['alarm']).toBe('alarm-high');
  expect(features[0]?.properties?.['order']).toBeGreaterThan(features[1]?.properties?.['order'] as number);
});

test('the picture changes with a state or an alarm and with nothing else', () => {
  const devices = [device({ id: 'cam' })];
  const calm = fingerprint(devices, () => 'live', new Map());
  expect(fingerprint(devices, () => 'live', new Map())).toBe(calm);
  expect(fingerprint(devices, () => 'silent', new Map())).not.toBe(calm);
  expect(fingerprint(devices, () => 'live', new Map([['cam', 'low']]))).not.toBe(calm);
});
