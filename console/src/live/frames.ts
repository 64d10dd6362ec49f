/** Gathers what arrives and hands it over once an animation frame, so that thousands of values cost one rendering. */

/** A hidden page gets no frames; then what has gathered is handed over when this much waits, to bound the memory. */
export const GATHERED_MAX = 5_000;

export class Frames<T> {
  #waiting: T[] = [];
  #asked = false;

  constructor(
    private readonly deliver: (items: T[]) => void,
    private readonly request: (callback: () => void) => void = (callback) => { requestAnimationFrame(callback); },
  ) {}

  add(item: T): void {
    this.#waiting.push(item);
    if (this.#waiting.length >= GATHERED_MAX) this.flush();
    else if (!this.#asked) {
      this.#asked = true;
      this.request(() => { this.#asked = false; this.flush(); });
    }
  }

  flush(): void {
    if (this.#waiting.length === 0) return;
    const items = this.#waiting;
    this.#waiting = [];
    this.deliver(items);
  }
}
