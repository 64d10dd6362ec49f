/** Times as people in Phuket read them. Inside the page a moment is milliseconds since 1970, UTC. */

import type { Language } from '../words/words';

const ZONE = 'Asia/Bangkok';
const LOCALE: Record<Language, string> = { en: 'en-GB', th: 'th-TH-u-ca-buddhist' };

function maker(options: Intl.DateTimeFormatOptions): Record<Language, Intl.DateTimeFormat> {
  return {
    en: new Intl.DateTimeFormat(LOCALE.en, { timeZone: ZONE, ...options }),
    th: new Intl.DateTimeFormat(LOCALE.th, { timeZone: ZONE, ...options }),
  };
}

const CLOCK = maker({ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const MINUTE = maker({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const DAY = maker({ day: 'numeric', month: 'short', year: 'numeric' });
const DAY_LONG = maker({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });
const DAY_KEY = new Intl.DateTimeFormat('en-CA', { timeZone: ZONE, year: 'numeric', month: '2-digit', day: '2-digit' });

/** `14:03:27`. */
export function clock(ms: number, language: Language): string {
  return CLOCK[language].format(ms);
}

/** `14:03`. */
export function minute(ms: number, language: Language): string {
  return MINUTE[language].format(ms);
}

/** `Sun, 22 Nov 2026`; in Thai with the Buddhist-era year: `อา. 22 พ.ย. 2569`. */
export function day(ms: number, language: Language): string {
  // The browser writes the era's name into Thai dates; on a clock that shows one era only it is noise.
  return DAY_LONG[language].formatToParts(ms).filter((part) => part.type !== 'era')
    .map((part) => part.value).join('').replace(/\s*พ\.ศ\.\s*/, ' ').trim();
}

/** The time alone when it lies on today's Thai day, else day and time. */
export function moment(ms: number, now_ms: number, language: Language): string {
  if (DAY_KEY.format(ms) === DAY_KEY.format(now_ms)) return clock(ms, language);
  const date = DAY[language].formatToParts(ms).filter((part) => part.type !== 'era')
    .map((part) => part.value).join('').replace(/\s*พ\.ศ\.\s*/, ' ').trim();
  return `${date} ${minute(ms, language)}`;
}

const UNITS: Record<Language, { s: string; min: string; h: string; d: string }> = {
  en: { s: 's', min: 'min', h: 'h', d: 'd' },
  th: { s: 'วิ', min: 'นาที', h: 'ชม.', d: 'วัน' },
};

/** A length of time in its largest sensible unit: `8 s`, `3 min`, `5 h`, `2 d`. Never negative. */
export function span(ms: number, language: Language): string {
  const unit = UNITS[language];
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} ${unit.s}`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} ${unit.min}`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} ${unit.h}`;
  return `${Math.floor(seconds / 86_400)} ${unit.d}`;
}

/** `3 min ago`. */
export function ago(ms: number, language: Language): string {
  return language === 'th' ? `${span(ms, language)}ที่แล้ว` : `${span(ms, language)} ago`;
}

/** What an `<input type="datetime-local">` says, read as Thai time (no daylight saving, always +07:00). */
export function fromThaiInput(text: string): string | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(text)) return undefined;
  const ms = Date.parse(`${text}+07:00`);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

/** The inverse: what to put into such an input for a moment. */
export function toThaiInput(ms: number): string {
  return new Date(ms + 7 * 3_600_000).toISOString().slice(0, 16);
}

/** ISO 8601 to milliseconds; NaN becomes 0, so that a damaged time sorts last and is never shown as now. */
export function parse(text: string | null | undefined): number {
  const ms = text ? Date.parse(text) : NaN;
  return Number.isNaN(ms) ? 0 : ms;
}
