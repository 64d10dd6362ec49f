/**
 * A short ring around a camera when a vehicle passes.
 *
 * Drawn on a canvas of its own above the map: a ring every few milliseconds must not make MapLibre render the city again.
 */

/** How long a ring lives: long enough to be noticed at the edge of sight, gone before the next vehicle. */
const LIFE_MS = 900;
/** Rings at once; beyond it the oldest goes. A whole city of 1,200 cameras stays below it at rush hour. */
const RINGS_MAX = 400;
/** A second vehicle at the same camera within this time adds nothing an eye could see. */
const SAME_CAMERA_MS = 250;
/** Rings are drawn so often: smooth enough for a ring, and a wall of screens without graphics cards keeps up. */
const DRAW_EVERY_MS = 45;

export interface Spot {
  x: number;
  y: number;
}

export class Pulses {
  readonly #born = new Map<string, number>();
  readonly #context: CanvasRenderingContext2D | null;
  #running = false;
  #drawn = 0;
  colour = '#ffffff';
  /** With reduced motion a steady dot appears and goes; nothing grows. */
  still = false;

  constructor(private readonly canvas: HTMLCanvasElement, private readonly place: (device: string) => Spot | undefined) {
    this.#context = canvas.getContext('2d');
  }

  resize(width: number, height: number): void {
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    this.#context?.setTransform(scale, 0, 0, scale, 0, 0);
  }

  clear(): void {
    this.#born.clear();
    this.#context?.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  add(device: string): void {
    const now = performance.now();
    if (now - (this.#born.get(device) ?? -Infinity) < SAME_CAMERA_MS) return;
    this.#born.delete(device);
    this.#born.set(device, now);
    if (this.#born.size > RINGS_MAX) {
      const oldest = this.#born.keys().next().value;
      if (oldest !== undefined) this.#born.delete(oldest);
    }
    if (!this.#running) {
      this.#running = true;
      requestAnimationFrame((at) => this.#draw(at));
    }
  }

  #draw(now: number): void {
    const context = this.#context;
    if (!context) return;
    if (now - this.#drawn < DRAW_EVERY_MS) {
      requestAnimationFrame((at) => this.#draw(at));
      return;
    }
    this.#drawn = now;
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (const [device, born] of this.#born) {
      const age = (now - born) / LIFE_MS;
      if (age >= 1) {
        this.#born.delete(device);
        continue;
      }
      const spot = this.place(device);
      if (spot) this.#ring(context, spot, Math.max(0, age));
    }
    if (this.#born.size > 0) requestAnimationFrame((at) => this.#draw(at));
    else {
      this.#running = false;
      context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    }
  }

  #ring(context: CanvasRenderingContext2D, spot: Spot, age: number): void {
    context.globalAlpha = this.still ? 0.6 : 0.75 * (1 - age) ** 1.5;
    context.strokeStyle = this.colour;
    context.lineWidth = 1.75;
    context.beginPath();
    context.arc(spot.x, spot.y, this.still ? 10 : 6 + 13 * (1 - (1 - age) ** 2), 0, 2 * Math.PI);
    context.stroke();
    context.globalAlpha = 1;
  }
}
