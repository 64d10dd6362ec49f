import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Stream, type EventKind, type LinkState, type Source } from './stream';

class FakeSource implements Source {
  readyState = 0;
  onopen: ((event: Event) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  closed = false;
  readonly handlers = new Map<string, (event: MessageEvent<string>) => void>();
  addEventListener(kind: string, handler: (event: MessageEvent<string>) => void): void { this.handlers.set(kind, handler); }
  close(): void { this.closed = true; this.readyState = 2; }
  opens(): void { this.readyState = 1; this.onopen?.({} as Event); }
  fails(readyState: number): void { this.readyState = readyState; this.onerror?.({} as Event); }
  says(kind: string, data: string): void { this.handlers.get(kind)?.({ data } as MessageEvent<string>); }
}

function setUp(fresh: () => Promise<void> = () => Promise.resolve()) {
  const sources: FakeSource[] = [];
  const states: LinkState[] = [];
  const events: [EventKind, unknown][] = [];
  const onFresh = vi.fn(fresh);
  const stream = new Stream(
    { onEvent: (kind, data) => events.push([kind, data]), onState: (state) => states.push(state), onFresh },
    () => { const source = new FakeSource(); sources.push(source); return source; },
  );
  stream.start();
  return { stream, sources, states, events, onFresh };
}

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

test('a new stream is live only after the whole picture has been fetched', async () => {
  let finish = (): void => undefined;
  const { sources, states } = setUp(() => new Promise((resolve) => { finish = resolve; }));
  sources[0]?.opens();
  expect(states).toEqual([]);
  finish();
  await vi.advanceTimersByTimeAsync(0);
  expect(states).toEqual(['live']);
});

test('what the browser resumes by itself needs no new picture', async () => {
  const { sources, states, onFresh } = setUp();
  sources[0]?.opens();
  await vi.advanceTimersByTimeAsync(0);
  sources[0]?.fails(0);
  sources[0]?.opens();
  expect(states).toEqual(['live', 'lost', 'live']);
  expect(onFresh).toHaveBeenCalledTimes(1);
  expect(sources).toHaveLength(1);
});

test('when the browser gives up, a new stream begins with a new picture', async () => {
  const { sources, states, onFresh } = setUp();
  sources[0]?.opens();
  await vi.advanceTimersByTimeAsync(0);
  sources[0]?.fails(2);
  await vi.advanceTimersByTimeAsync(2_000);
  sources[1]?.opens();
  await vi.advanceTimersByTimeAsync(0);
  expect(onFresh).toHaveBeenCalledTimes(2);
  expect(states.at(-1)).toBe('live');
});

test('tries grow apart, up to a bound', async () => {
  const { sources } = setUp();
  for (let n = 0; n < 12; n += 1) {
    sources.at(-1)?.fails(2);
    await vi.advanceTimersByTimeAsync(20_000);
  }
  expect(sources).toHaveLength(13);
});

test('a picture that cannot be fetched is a failed try', async () => {
  const { sources, states } = setUp(() => Promise.reject(new Error('away')));
  sources[0]?.opens();
  await vi.advanceTimersByTimeAsync(0);
  expect(sources[0]?.closed).toBe(true);
  expect(states).toEqual(['lost']);
});

test('a cut event is left out and the rest goes on', () => {
  const { sources, events } = setUp();
  sources[0]?.says('values', '{"values":[');
  sources[0]?.says('alarm', '{"id":"a"}');
  expect(events).toEqual([['alarm', { id: 'a' }]]);
});

test('a stopped stream stays silent', async () => {
  const { stream, sources, events, states } = setUp();
  stream.stop();
  sources[0]?.says('alarm', '{}');
  sources[0]?.fails(2);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([events, states, sources.length]).toEqual([[], [], 1]);
});
