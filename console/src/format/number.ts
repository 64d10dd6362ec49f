/** Numbers and units as operators read them. */

import type { Language } from '../words/words';

const MAKERS = new Map<string, Intl.NumberFormat>();

/** A number with a fixed count of decimals and a thin thousands mark; a dash where there is none. */
export function number(value: number | null | undefined, decimals = 0): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const key = String(decimals);
  let maker = MAKERS.get(key);
  if (!maker) {
    maker = new Intl.NumberFormat('en-GB', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    MAKERS.set(key, maker);
  }
  return maker.format(value).replace('-', '−');
}

/** As many decimals as the value itself has, two at most: limits are whole or carry one decimal. */
export function plain(value: number): string {
  return number(value, Number.isInteger(value) ? 0 : Number.isInteger(Math.round(value * 100) / 10) ? 1 : 2);
}

const UNITS: Record<string, { en: string; th: string }> = {
  'km/h': { en: 'km/h', th: 'กม./ชม.' },
  'ug/m3': { en: 'µg/m³', th: 'มคก./ลบ.ม.' },
  'mg/m3': { en: 'mg/m³', th: 'มก./ลบ.ม.' },
  degC: { en: '°C', th: '°ซ.' },
  dBA: { en: 'dBA', th: 'dBA' },
  'm/s': { en: 'm/s', th: 'ม./วิ' },
  m: { en: 'm', th: 'ม.' },
  mm: { en: 'mm', th: 'มม.' },
  'mm/h': { en: 'mm/h', th: 'มม./ชม.' },
  deg: { en: '°', th: '°' },
  veh: { en: 'veh.', th: 'คัน' },
  s: { en: 's', th: 'วินาที' },
  h: { en: 'h', th: 'ชม.' },
  index: { en: '', th: '' },
  '1': { en: '', th: '' },
};

/** A unit of the city file as it is written for people; unknown ones as they are. */
export function unit(key: string | undefined, language: Language): string {
  if (!key) return '';
  return UNITS[key]?.[language] ?? key;
}
