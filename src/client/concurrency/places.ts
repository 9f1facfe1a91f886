import type { Clock } from "../../base/clock.js";

/** How many handlers of one source may run at once now; and, where that can change, what it is decided by. */
export class Places {
  now: number;
  readonly #clock: Clock | undefined;
  #completed = 0;
  #busyMs = 0;

  /** @param clock undefined where the number is fixed: then nothing is measured */
  constructor(now: number, clock?: Clock) {
    this.now = now;
    this.#clock = clock;
  }

  /** A handler that began then has ended. */
  ended(startedAtMs: number): void {
    // 0: it never began.
    if (this.#clock === undefined || startedAtMs === 0) return;
    this.#completed += 1;
    this.#busyMs += this.#clock.monotonicMs() - startedAtMs;
  }

  /** What was measured since the last time. */
  take(): { readonly completed: number; readonly busyMs: number } {
    const taken = { completed: this.#completed, busyMs: this.#busyMs };
    this.#completed = 0;
    this.#busyMs = 0;
    return taken;
  }
}
