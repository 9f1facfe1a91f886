import type { Clock, Timer } from "../../src/base/clock.js";

export const simulationBeginsMs = 1_700_000_000_000;

/** Moves only when told to. `soon` runs in the next turn of the microtask queue, so a whole run takes no real time. */
export class StepClock implements Clock {
  #nowMs: number;
  #timers: { dueMs: number; run: () => void }[] = [];

  constructor(nowMs = simulationBeginsMs) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = { dueMs: this.#nowMs + delayMs, run };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((each) => each !== timer);
      },
    };
  }

  soon(run: () => void): void {
    void Promise.resolve()
      .then(() => {})
      .then(run);
  }

  /** Fires what is due on the way, in order, and lets what it starts come to rest. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#nowMs = Math.max(this.#nowMs, due.dueMs);
      due.run();
      await rest();
    }
    this.#nowMs = endMs;
    await rest();
  }
}

/**
 * Lets everything that needs no time happen: on a simulated disk with a clock that stands, all work is microtasks, and
 * these run to their end before an immediate has its turn.
 */
export function rest(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
