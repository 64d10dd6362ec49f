/**
 * The live stream: one EventSource, opened again after every failure.
 *
 * The browser resumes by itself (`Last-Event-ID`) as long as the server answers. When it gives up, because the answer was
 * an error, a new EventSource starts without a past: then `onFresh` asks for a whole new picture, so nothing is missed.
 */

import { address } from '../api/client';

export type LinkState = 'connecting' | 'live' | 'lost';
export type EventKind = 'values' | 'violation' | 'alarm' | 'job';

const KINDS: readonly EventKind[] = ['values', 'violation', 'alarm', 'job'];

/** First and longest wait before a new try: an operator sees recovery at once, a broken server is not hammered. */
const RETRY_FIRST_MS = 1_000;
const RETRY_LONGEST_MS = 15_000;

export interface Listener {
  onEvent(kind: EventKind, data: unknown): void;
  onState(state: LinkState): void;
  /** The stream begins anew: fetch the whole picture. Rejecting counts as a failed try. */
  onFresh(): Promise<void>;
}

/** What of `EventSource` is used, so that a test can stand in for it. */
export interface Source {
  readonly readyState: number;
  onopen: ((event: Event) => void) | null;
  onerror: ((event: Event) => void) | null;
  addEventListener(kind: string, handler: (event: MessageEvent<string>) => void): void;
  close(): void;
}

const CLOSED = 2;

export class Stream {
  #source: Source | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;
  #stopped = false;

  constructor(
    private readonly listener: Listener,
    private readonly open: (url: string) => Source = (url) => new EventSource(url) as unknown as Source,
  ) {}

  start(): void {
    this.#stopped = false;
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #connect(): void {
    const source = this.open(address('/live'));
    this.#source = source;
    let fresh = true;
    source.onopen = () => {
      if (source !== this.#source) return;
      if (!fresh) {
        this.#tries = 0;
        this.listener.onState('live');
        return;
      }
      fresh = false;
      // The picture is fetched after the stream has begun: what happens in between arrives twice, and never not at all.
      this.listener.onFresh().then(
        () => {
          if (source !== this.#source) return;
          this.#tries = 0;
          this.listener.onState('live');
        },
        () => { if (source === this.#source) this.#again(); },
      );
    };
    source.onerror = () => {
      if (source !== this.#source) return;
      this.listener.onState('lost');
      if (source.readyState === CLOSED) this.#again();
    };
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        if (source !== this.#source) return;
        let data: unknown;
        try {
          data = JSON.parse(event.data);
        } catch {
          return; // A cut event; its successor carries newer values, and findings are fetched again on resuming.
        }
        this.listener.onEvent(kind, data);
      });
    }
  }

  #again(): void {
    this.#source?.close();
    this.#source = null;
    if (this.#stopped) return;
    this.listener.onState('lost');
    const wait = Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** this.#tries);
    this.#tries += 1;
    this.#timer = setTimeout(() => this.#connect(), wait * (0.75 + Math.random() / 2));
  }
}
