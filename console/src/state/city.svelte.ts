/** The live picture of one city: loaded whole, then kept current by the stream. */

import { api, ApiError } from '../api/client';
import { devicesOf } from '../domain/alarm-marks';
import { count, type Counters } from '../live/counters';
import { Alarms, Violations } from '../live/findings';
import { Board } from '../live/board';
import { Frames } from '../live/frames';
import { Stream, type EventKind, type LinkState } from '../live/stream';
import { parse } from '../format/time';
import { session } from './session.svelte';
import type { Alarm, City, Device, DeviceState, Job, LiveValues, Space, Violation } from '../api/types';

export type Link = LinkState | 'catching_up' | 'quiet';

/** A city of a hundred devices says something every second; this long without anything is worth saying. */
const QUIET_MS = 15_000;
/** So far behind the wall clock, what comes is the past being caught up with. */
const BEHIND_MS = 30_000;
/** Farther than this it is not lag but another time: a replay or a simulated space with its own clock. */
const OTHER_TIME_MS = 86_400_000;
/** What the server derives (device states, handling of alarms) is asked for again so often. */
const RECONCILE_MS = 60_000;
/** Newest violations and alarms asked for at the start: more than anybody scrolls through beside a map. */
const FINDINGS_AT_START = 100;

type Arrival = { kind: EventKind; data: unknown };

class CityState {
  city = $state.raw<City | null>(null);
  devices = $state.raw<Device[]>([]);
  alarms = $state.raw<Alarm[]>([]);
  violations = $state.raw<Violation[]>([]);
  jobs = $state.raw<Job[]>([]);
  counters = $state.raw<Counters | null>(null);
  problem = $state<string | null>(null);
  linked = $state<LinkState>('connecting');
  /** The page's clock, once a second; everything that ages reads it. */
  now_ms = $state(Date.now());
  /** Moves at most four times a second while values come; whoever shows values reads it. */
  tick = $state(0);
  arrived_ms = $state(0);
  /** How far what came last lay behind the wall clock. */
  behind_ms = $state(0);

  readonly board = new Board();
  readonly #alarms = new Alarms();
  readonly #violations = new Violations();
  readonly #byId = new Map<string, Device>();
  readonly #passages = new Set<(device: string) => void>();
  #silent = new Set<string>();
  #stream: Stream | null = null;
  #clock: ReturnType<typeof setInterval> | undefined;
  #reconcile: ReturnType<typeof setInterval> | undefined;
  #ticked_ms = 0;
  #linked_ms = 0;
  readonly #frames = new Frames<Arrival>((arrivals) => this.#take(arrivals));

  async start(): Promise<void> {
    this.problem = null;
    try {
      const [first] = await api.cities();
      if (!first) throw new Error('No city has been imported yet: run `andaman city import cities/phuket`.');
      this.city = { ...await api.city(first.id), ...(first.space ? { space: first.space } : {}) };
      this.#setDevices(await api.devices(first.id));
    } catch (problem) {
      this.#failed(problem);
      return;
    }
    this.#clock = setInterval(() => this.#second(), 1000);
    this.#reconcile = setInterval(() => { void this.#picture(false).catch(() => undefined); }, RECONCILE_MS);
    this.#stream = new Stream({
      onEvent: (kind, data) => this.#frames.add({ kind, data }),
      onState: (state) => {
        if (state === 'live') this.#linked_ms = Date.now();
        this.linked = state;
      },
      onFresh: () => this.#picture(true),
    });
    this.#stream.start();
  }

  stop(): void {
    this.#stream?.stop();
    this.#stream = null;
    clearInterval(this.#clock);
    clearInterval(this.#reconcile);
    this.#alarms.clear();
    this.#violations.clear();
    this.city = null;
    this.devices = [];
    this.alarms = [];
    this.violations = [];
    this.jobs = [];
    this.counters = null;
    this.linked = 'connecting';
  }

  /** Everything that is shown, asked for anew. */
  async #picture(withValues: boolean): Promise<void> {
    const city = this.city;
    if (!city) return;
    try {
      const sees = session.sees;
      const [devices, active, suppressed, alarms, violations, jobs, latest] = await Promise.all([
        api.devices(city.id),
        sees.alarms ? api.alarms({ limit: FINDINGS_AT_START, condition: 'active' }) : [],
        sees.alarms ? api.alarms({ limit: FINDINGS_AT_START, condition: 'suppressed' }) : [],
        sees.alarms ? api.alarms({ limit: FINDINGS_AT_START }) : [],
        sees.violations ? api.violations({ limit: FINDINGS_AT_START }) : null,
        sees.jobs ? api.jobs() : [],
        withValues && sees.values ? api.latest() : null,
      ]);
      if (latest) this.board.whole(latest);
      for (const alarm of [...alarms, ...suppressed, ...active]) this.#alarms.take(alarm);
      for (const violation of violations?.items ?? []) this.#violations.take(violation);
      this.jobs = jobs;
      this.#setDevices(devices);
      this.#showFindings();
      this.#second();
      this.tick += 1;
    } catch (problem) {
      if (problem instanceof ApiError && problem.status === 401) session.ended();
      throw problem;
    }
  }

  #take(arrivals: Arrival[]): void {
    const now_ms = Date.now();
    let findings = false;
    let values = 0;
    for (const { kind, data } of arrivals) {
      if (kind === 'values') values += this.#takeValues(data as Partial<LiveValues>);
      else if (kind === 'alarm') findings = this.#alarms.take(data as Alarm) || findings;
      else if (kind === 'violation') findings = this.#violations.take(data as Violation) || findings;
      else this.#takeJob(data as Job);
    }
    this.arrived_ms = now_ms;
    if (values) {
      this.board.arrived(values, now_ms);
      this.behind_ms = now_ms - this.board.newest_ms;
    }
    if (findings) this.#showFindings();
    if (now_ms - this.#ticked_ms >= 250) {
      this.#ticked_ms = now_ms;
      this.tick += 1;
    }
  }

  #takeValues(data: Partial<LiveValues>): number {
    const values = data.values ?? [];
    const records = data.records ?? [];
    for (const value of values) this.board.value(value);
    for (const record of records) {
      if (this.board.record(record) && record.kind === 'passage') {
        for (const listener of this.#passages) listener(record.device);
      }
    }
    return values.length + records.length;
  }

  #takeJob(job: Job): void {
    const known = this.jobs.find((one) => one.id === job.id);
    this.jobs = known ? this.jobs.map((one) => (one === known ? { ...one, ...job } : one)) : [job, ...this.jobs];
  }

  #showFindings(): void {
    this.alarms = this.#alarms.sorted();
    this.violations = this.#violations.sorted();
    this.#silent = new Set(
      this.alarms.filter((alarm) => alarm.condition === 'active').flatMap((alarm) =>
        (alarm.kind === 'silence' && alarm.device ? [alarm.device] : alarm.kind === 'outage' ? devicesOf(alarm).ids : [])),
    );
  }

  #setDevices(devices: Device[]): void {
    this.devices = devices;
    this.#byId.clear();
    for (const device of devices) this.#byId.set(device.id, device);
  }

  #second(): void {
    this.now_ms = Date.now();
    this.counters = count(this.devices, (device) => this.stateOf(device), this.board, this.cityNow_ms(), this.now_ms);
  }

  #failed(problem: unknown): void {
    if (problem instanceof ApiError && problem.status === 401) session.ended();
    else this.problem = problem instanceof Error ? problem.message : String(problem);
  }

  device(id: string | null): Device | undefined {
    void this.devices; // The index is not reactive; the list beside it is.
    return id ? this.#byId.get(id) : undefined;
  }

  /** An alarm as the server answered after somebody handled it. */
  takeAlarm(alarm: Alarm): void {
    if (this.#alarms.take(alarm)) this.#showFindings();
  }

  /** Called for every passage that comes in; returns what ends that. */
  onPassage(listener: (device: string) => void): () => void {
    this.#passages.add(listener);
    return () => this.#passages.delete(listener);
  }

  /** The moment that ages are counted from: the wall clock, or the city's own where it runs on another time. */
  cityNow_ms(): number {
    const newest = this.board.newest_ms;
    const now = Date.now();
    if (newest === 0 || Math.abs(now - newest) < OTHER_TIME_MS) return Math.max(now, newest);
    return newest;
  }

  heard_ms(device: Device): number {
    return Math.max(parse(device.last_heard), this.board.heard_ms(device.id));
  }

  /** The server's word, corrected by what has come or stayed away since. */
  stateOf(device: Device): DeviceState {
    const heard = this.heard_ms(device);
    if (heard === 0) return 'never';
    if (this.#silent.has(device.id)) return 'silent';
    const allowed_s = device.silent_after_s || 0;
    if (allowed_s > 0) return this.cityNow_ms() - heard > allowed_s * 1000 ? 'silent' : 'live';
    return heard > parse(device.last_heard) ? 'live' : device.state;
  }

  get link(): Link {
    if (this.linked !== 'live' || !session.sees.values) return this.linked;
    if (this.now_ms - Math.max(this.arrived_ms, this.#linked_ms) > QUIET_MS) return 'quiet';
    return this.behind_ms > BEHIND_MS && this.behind_ms < OTHER_TIME_MS ? 'catching_up' : 'live';
  }

  /** The space that everything shown belongs to, where that is not the real city. */
  get space(): 'simulated' | 'replay' | null {
    const space = this.city?.space;
    return space === 'simulated' || space === 'replay' ? space : null;
  }

  /** The space of one finding, where it is not that of the whole page. */
  otherSpace(space: Space | undefined): 'simulated' | 'replay' | null {
    if (!space || space === 'live' || space === this.space) return null;
    return space;
  }
}

export const live = new CityState();
