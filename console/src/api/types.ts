/** What the HTTP API says, as `docs/api.md` describes it. Times are ISO 8601 with Z, ids are strings. */

export type Role = 'operator' | 'police' | 'developer' | 'admin';
export type Space = 'live' | 'simulated' | 'replay';
export type DeviceType = 'camera' | 'air' | 'noise' | 'weather' | 'rain' | 'water';
export type DeviceState = 'live' | 'silent' | 'never';
export type Priority = 'low' | 'medium' | 'high' | 'critical';

export interface Session {
  name: string;
  role: Role;
}

export interface CityEntry {
  id: string;
  name_en: string;
  name_th: string;
  lon: number;
  lat: number;
  zoom: number;
  time_zone: string;
  credits: string[];
  version: number;
  /** Where the data come from; an older server leaves it out. */
  space?: Space;
}

export interface Zone {
  id: string;
  level: 'district' | 'subdistrict';
  name_en: string;
  name_th: string;
  lon: number;
  lat: number;
  parent?: string | null;
}

export interface Metric {
  key: string;
  unit: string;
  name_en: string;
  name_th: string;
  decimals?: number;
}

export interface Rule {
  id: string;
  kind: string;
  version?: number;
  offence?: string;
  law?: string;
  law_th?: string;
  params?: Record<string, number>;
}

export interface Response {
  kind: string;
  name_en: string;
  name_th: string;
  cause_en: string;
  cause_th: string;
  consequence_en: string;
  consequence_th: string;
  action_en: string;
  action_th: string;
  respond_within_s: number;
  call: string;
  priority: Priority;
}

export interface City extends CityEntry {
  zones: Zone[];
  metrics: Metric[];
  rules: Rule[];
  responses: Response[];
}

export interface Series {
  metric: string;
  lane?: number;
  interval_s: number;
}

export interface Device {
  id: string;
  no: number;
  type: DeviceType;
  zone: string;
  lon: number;
  lat: number;
  name_en: string;
  name_th: string;
  call_sign: string;
  functions: string[];
  faces: string;
  kinds: string[];
  series: Series[];
  verified: boolean;
  note: string;
  state: DeviceState;
  last_heard: string | null;
  junction?: string | null;
  bearing_deg?: number | null;
  silent_after_s?: number;
}

export interface LatestValue {
  device: string;
  metric: string;
  lane: number;
  t: string;
  value: number | null;
  unit?: string;
}

export type RecordKind = 'passage' | 'signal' | 'status' | 'counts';

export interface LatestRecord {
  device: string;
  kind: RecordKind;
  key: string | number;
  t: string;
  content: Record<string, unknown>;
}

export interface Latest {
  values: LatestValue[];
  records: LatestRecord[];
}

export interface Window {
  start: string;
  lane: number;
  revision: number;
  count: number;
  mean: number | null;
  min: number | null;
  max: number | null;
  completeness: number | null;
}

/** Why a finding fired: what was measured against what, and what would have kept it silent. */
export interface Because {
  measured: number;
  limit: number;
  threshold: number;
  margin: number;
  unit: string;
  needed: string;
  source?: string;
  inputs?: Record<string, number | string | boolean | null>;
}

/** A finding's reason in words. */
export interface Says {
  en: string;
  th: string;
}

export interface Violation {
  id: string;
  revision: number;
  rule: string;
  rule_version: number;
  offence: string;
  occurred_at: string;
  device: string;
  call_sign: string;
  place_en: string;
  place_th: string;
  zone: string;
  lane: number;
  direction: string;
  vehicle: string;
  speed_kmh: number | null;
  limit_kmh: number | null;
  threshold_kmh: number | null;
  margin_kmh: number | null;
  chargeable: boolean;
  reason: string;
  plate: string | null;
  plate_state: string;
  because: Because;
  says: Says;
  recorded_at: string;
  space: Space;
}

export interface Alarm {
  id: string;
  revision: number;
  kind: string;
  subject: string;
  device: string | null;
  zone: string;
  priority: Priority;
  condition: 'active' | 'normal' | 'suppressed';
  onset_at: string;
  changed_at: string;
  because: Because;
  says: Says;
  response: Response | null;
  handling: Record<string, unknown> | null;
  space?: Space;
}

/** A durable job; `progress` runs from 0 to 1. Live events may say less than the list does. */
export interface Job {
  id: string;
  kind: string;
  state: string;
  progress: number;
  message: string;
  created_at?: string | null;
  started_at?: string | null;
  finished_at?: string | null;
  error?: string;
}

export interface LiveValues {
  values: LatestValue[];
  records: LatestRecord[];
}

/** RFC 9457. */
export interface Problem {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
}
