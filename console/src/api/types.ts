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
  code?: number;
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

/** A series made of others of the same device. */
export interface Derived {
  metric: string;
  of: string;
  method: string;
  period_s: number;
  step_s: number;
  beside?: string | null;
  day_from_hour?: number | null;
}

/** An air quality index, and the metric that keeps which pollutant decided. */
export interface AirIndex {
  metric: string;
  main_metric?: string | null;
  pollutants: { metric: string }[];
}

export interface Grade {
  key: string;
  least: number;
  name_en: string;
  name_th: string;
  colour?: string;
}

/** How people call the figures of a metric, by the dates of the notice. */
export interface Scale {
  metric: string;
  grades: Grade[];
  valid_from?: string | null;
  valid_until?: string | null;
  source?: string;
}

export interface Segment {
  id: string;
  towards_forward?: string;
  towards_backward?: string;
  name_en: string;
  name_th: string;
}

export interface City extends CityEntry {
  derived?: Derived[];
  air_indexes?: AirIndex[];
  scales?: Scale[];
  segments?: Segment[];
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
  segment?: string | null;
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
  last?: number | null;
  p85?: number | null;
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

export type Standing = 'chargeable' | 'second_look' | 'not_chargeable';

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
  standing: Standing;
}

/** What people have done about an alarm: the last word on each point. */
export interface Handling {
  acknowledged_by: string | null;
  acknowledged_at: string | null;
  shelved_until: string | null;
  assigned_to: string | null;
  note: string;
  changed_by: string;
  changed_at: string;
}

export type HandlingAction = 'acknowledge' | 'shelve' | 'unshelve' | 'assign' | 'note';

export interface HandlingBody {
  action: HandlingAction;
  note?: string;
  until?: string;
  to?: string;
}

/** A camera that saw motorcycles from the front only, in a time range. */
export interface RearView {
  device: string;
  call_sign: string;
  place_en: string;
  place_th: string;
  zone: string;
  seen: number;
  cases: number;
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
  handling: Handling | null;
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
