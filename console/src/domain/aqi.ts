/**
 * Bands of the Thai air quality index for PM2.5.
 *
 * Source: Pollution Control Department, Royal Gazette vol. 140 special part 157 ง, 3 July 2566 (2023), pp. 3-6. The
 * bands are for 24 h means; values are rounded half up to one decimal before they are placed. The gazette gives colours
 * by name only, so each band carries its number and name wherever its colour is shown.
 */

import type { Language } from '../words/words';

export interface Band {
  number: 1 | 2 | 3 | 4 | 5;
  upTo_ugm3: number;
  en: string;
  th: string;
}

const BANDS: readonly Band[] = [
  { number: 1, upTo_ugm3: 15.0, en: 'Very good', th: 'ดีมาก' },
  { number: 2, upTo_ugm3: 25.0, en: 'Good', th: 'ดี' },
  { number: 3, upTo_ugm3: 37.5, en: 'Moderate', th: 'ปานกลาง' },
  { number: 4, upTo_ugm3: 75.0, en: 'Starting to affect health', th: 'เริ่มมีผลกระทบต่อสุขภาพ' },
  { number: 5, upTo_ugm3: Infinity, en: 'Affects health', th: 'มีผลกระทบต่อสุขภาพ' },
];

/** The band of a PM2.5 concentration in µg/m³; undefined for what is not a concentration. */
export function pm25Band(value_ugm3: number): Band | undefined {
  if (!Number.isFinite(value_ugm3) || value_ugm3 < 0) return undefined;
  const rounded = Math.floor(value_ugm3 * 10 + 0.5 + 1e-9) / 10;
  return BANDS.find((band) => rounded <= band.upTo_ugm3);
}

export function bandName(band: Band, language: Language): string {
  return language === 'th' ? band.th : band.en;
}
