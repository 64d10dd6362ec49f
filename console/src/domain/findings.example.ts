/** Findings as the API sends them, for tests. */

import type { Alarm, Handling, Violation } from '../api/types';

export function alarm(change: Partial<Alarm> = {}): Alarm {
  return {
    id: 'a', revision: 1, kind: 'pm25-24h', subject: 'air-03', device: 'air-03', zone: 'sakhu', priority: 'medium',
    condition: 'active', onset_at: '2026-11-22T03:00:00Z', changed_at: '2026-11-22T03:00:00Z', response: null, handling: null,
    because: { measured: 41.27, limit: 37.5, threshold: 37.5, margin: 3.77, unit: 'ug/m3', needed: 'mean_24h <= 35.0' },
    says: { en: 'PM2.5 is 41.3.', th: 'PM2.5 41.3' }, ...change,
  };
}

export function violation(change: Partial<Violation> = {}): Violation {
  return {
    id: 'v', revision: 1, rule: 'speeding', rule_version: 1, offence: 'speeding', occurred_at: '2026-11-22T03:00:00Z',
    device: 'cam-402-07', call_sign: '402-07', place_en: 'Thep Krasattri Road', place_th: 'ถ.เทพกระษัตรี', zone: 'si-sunthon',
    lane: 1, direction: 'forward', vehicle: 'car', speed_kmh: 131, limit_kmh: 60, threshold_kmh: 70, margin_kmh: 61, chargeable: true,
    reason: '', plate: null, plate_state: 'clear', recorded_at: '2026-11-22T03:00:01Z', space: 'live', standing: 'chargeable',
    because: { measured: 131, limit: 60, threshold: 70, margin: 61, unit: 'km/h', needed: 'speed_kmh <= 70' },
    says: { en: 'A car measured at 131 km/h.', th: 'รถยนต์วัดความเร็วได้ 131 กม./ชม.' }, ...change,
  };
}

export function handling(change: Partial<Handling> = {}): Handling {
  return {
    acknowledged_by: null, acknowledged_at: null, shelved_until: null, assigned_to: null, note: '', changed_by: 'somchai',
    changed_at: '2026-11-22T03:10:00Z', ...change,
  };
}
