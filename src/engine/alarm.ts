/** One timer for many deadlines: it rings at the earliest of them, and whoever it wakes looks what is due. */
import type { Clock, Timer } from "../base/clock.js";

export interface AlarmListener {
  ring(): void;
  /** Ringing threw. A timer has no caller who could be told. */
  failed(error: Error): void;
}

export class Alarm {
  readonly #clock: Clock;
  readonly #listener: AlarmListener;
  #timer: Timer | undefined;
  #atMs = Infinity;

  constructor(clock: Clock, listener: AlarmListener) {
    this.#clock = clock;
    this.#listener = listener;
  }

  /** Rings at `atMs` of the monotonic clock, unless it is set to an earlier time already. */
  setBy(atMs: number): void {
    if (atMs >= this.#atMs) return;
    this.cancel();
    this.#atMs = atMs;
    this.#timer = this.#clock.after(Math.max(0, atMs - this.#clock.monotonicMs()), () => this.#rings());
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#atMs = Infinity;
  }

  #rings(): void {
    this.#timer = undefined;
    this.#atMs = Infinity;
    try {
      this.#listener.ring();
    } catch (error) {
      this.#listener.failed(error as Error);
    }
  }
}
