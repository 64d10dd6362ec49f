/** A finding's reason as one sentence. The data stay the server's; only the grammar is ours. */

import { plain, unit } from '../format/number';
import { span } from '../format/time';
import { term, type Language } from '../words/words';
import type { Alarm, Because, Violation } from '../api/types';

/** Why a violation was raised, and what would have kept it from being raised. */
export function violationSentence(violation: Violation, language: Language): string {
  const because = violation.because;
  const vehicle = term('vehicle', violation.vehicle || 'unknown', language);
  const u = unit(because.unit, language);
  const over = plain(Math.round((because.measured - because.limit) * 10) / 10);
  if (language === 'th') {
    return `วัดได้ ${plain(because.measured)} ${u} ในที่ซึ่งจำกัด ${plain(because.limit)} ${u} สำหรับ${vehicle} เกินกำหนด ${over} ${u}`
      + ` หากไม่เกิน ${plain(because.threshold)} ${u} จะไม่ถูกเสนอ`;
  }
  return `Measured ${plain(because.measured)} ${u} where the limit for a ${vehicle} is ${plain(because.limit)} ${u}: `
    + `${over} ${u} over. At ${plain(because.threshold)} ${u} or less it would not have been raised.`;
}

/** Why an alarm is active. */
export function alarmSentence(alarm: Alarm, language: Language): string {
  const because = alarm.because;
  if (alarm.kind === 'silence') return silence(because, language);
  // What our own house reports has no measure, but words.
  const detail = because.inputs?.['detail'];
  if (!because.unit && typeof detail === 'string') return detail;
  const u = unit(because.unit, language);
  const measured = `${plain(round(because.measured))} ${u}`.trim();
  const limit = `${plain(round(because.limit))} ${u}`.trim();
  const margin = `${because.margin >= 0 ? '+' : '−'}${plain(Math.abs(round(because.margin)))}`;
  const active = alarm.condition === 'active';
  if (language === 'th') {
    return `วัดได้ ${measured} เกณฑ์ ${limit} (${margin})${active && because.needed ? ` จะกลับสู่ปกติเมื่อ ${needed(because)}` : ''}`;
  }
  return `Measured ${measured} against ${limit} (${margin}).`
    + (active && because.needed ? ` It ends at ${needed(because)}.` : '');
}

function silence(because: Because, language: Language): string {
  const heard = length(because.measured, language);
  const due = length(because.threshold, language);
  return language === 'th' ? `ไม่ได้รับข้อมูล ${heard} ตามปกติต้องได้รับภายใน ${due}`
    : `Nothing heard for ${heard}; a healthy one speaks at least every ${due}.`;
}

/** Seconds as they are while minutes would hide the difference between measured and allowed. */
function length(seconds: number, language: Language): string {
  return seconds < 180 ? `${Math.round(seconds)} ${unit('s', language)}` : span(seconds * 1000, language);
}

function needed(because: Because): string {
  return because.needed.replaceAll('<=', '≤').replaceAll('>=', '≥').replaceAll('_', ' ');
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
