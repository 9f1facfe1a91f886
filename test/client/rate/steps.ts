import type { Clock, Timer } from "../../../src/base/clock.js";

/** Time for those who only look at it and wait: moved without a turn for anybody else, so that years pass in a moment. */
export class StepClock implements Clock {
  #ms = 0;
  #timers: { readonly dueMs: number; readonly run: () => void }[] = [];
  /** Timers that were set, ever. */
  set = 0;

  get timers(): number {
    return this.#timers.length;
  }

  nowMs(): number {
    throw new Error("a limit must not look at the wall clock");
  }

  monotonicMs(): number {
    return this.#ms;
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = { dueMs: this.#ms + delayMs, run };
    this.#timers.push(timer);
    this.set += 1;
    return { cancel: () => void (this.#timers = this.#timers.filter((each) => each !== timer)) };
  }

  soon(): void {
    throw new Error("a limit does nothing soon");
  }

  advance(ms: number): void {
    const endMs = this.#ms + ms;
    for (;;) {
      const next = this.#timers.toSorted((one, other) => one.dueMs - other.dueMs)[0];
      if (next === undefined || next.dueMs > endMs) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#ms = Math.max(this.#ms, next.dueMs);
      next.run();
    }
    this.#ms = endMs;
  }
}
