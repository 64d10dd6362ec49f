/** The one place that talks HTTP. Every failure becomes an `ApiError` that says what, where and what to do. */

import type {
  Alarm, City, CityEntry, Device, HandlingBody, Job, Latest, Problem, RearView, Session, Violation, Window,
} from './types';

export const ROOT = '/api/v1';

/** No answer of the API takes longer than this unless something is broken; then the page says so. */
const TIMEOUT_MS = 20_000;

export class ApiError extends Error {
  readonly status: number;
  readonly title: string;

  constructor(status: number, title: string, detail: string) {
    super(detail || title);
    this.status = status;
    this.title = title;
  }

  /** The request never got an answer: the network or the server is away. */
  get unreachable(): boolean {
    return this.status === 0;
  }
}

export type Query = Record<string, string | number | undefined | null>;

/** A path of the API with its query; empty members are left out. */
export function address(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') parameters.set(key, String(value));
  }
  const text = parameters.toString();
  return `${ROOT}${path}${text ? `?${text}` : ''}`;
}

async function request<T>(method: string, path: string, query?: Query, body?: unknown): Promise<T> {
  let answer: globalThis.Response;
  try {
    answer = await fetch(address(path, query), {
      method,
      credentials: 'same-origin',
      headers: body === undefined ? { Accept: 'application/json' }
        : { Accept: 'application/json', 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (cause) {
    throw new ApiError(0, 'No answer', cause instanceof Error ? cause.message : String(cause));
  }
  if (!answer.ok) throw await failure(answer);
  if (answer.status === 204) return undefined as T;
  return (await answer.json()) as T;
}

async function failure(answer: globalThis.Response): Promise<ApiError> {
  let problem: Problem = {};
  try {
    problem = (await answer.json()) as Problem;
  } catch {
    // A proxy's HTML page says nothing that the status does not.
  }
  return new ApiError(answer.status, problem.title ?? answer.statusText, problem.detail ?? '');
}

export interface ViolationFilter extends Query {
  from?: string;
  to?: string;
  zone?: string;
  rule?: string;
  standing?: string;
  device?: string;
  limit?: number;
  cursor?: string;
  purpose?: string;
  case?: string;
}

interface Page<T> {
  items: T[];
  next?: string | null;
}

export const api = {
  session: () => request<Session>('GET', '/session'),
  signIn: (username: string, password: string) => request<Session>('POST', '/session', {}, { username, password }),
  signOut: () => request<void>('DELETE', '/session'),
  cities: async () => (await request<Page<CityEntry>>('GET', '/cities')).items,
  city: (id: string) => request<City>('GET', `/cities/${encodeURIComponent(id)}`),
  devices: async (city: string) => (await request<Page<Device>>('GET', '/devices', { city })).items,
  latest: (query: Query = {}) => request<Latest>('GET', '/latest', query),
  windows: async (query: Query) => (await request<Page<Window>>('GET', '/windows', query)).items,
  violations: (filter: ViolationFilter) => request<Page<Violation>>('GET', '/violations', filter),
  alarms: async (query: Query = {}) => (await request<Page<Alarm>>('GET', '/alarms', query)).items,
  handle: (alarm: string, body: HandlingBody) =>
    request<Alarm>('POST', `/alarms/${encodeURIComponent(alarm)}/handling`, {}, body),
  rearViews: async (query: Query) => (await request<Page<RearView>>('GET', '/rear-views', query)).items,
  jobs: async () => (await request<Page<Job>>('GET', '/jobs')).items,
  cancelJob: (id: string) => request<unknown>('POST', `/jobs/${encodeURIComponent(id)}/cancel`, {}, {}),
};

export function basemapAddress(city: string, name: string): string {
  return address(`/cities/${encodeURIComponent(city)}/basemap/${name}`);
}
