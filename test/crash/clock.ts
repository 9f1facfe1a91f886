import type { Clock, Timer } from "../../src/base/clock.js";

/** Moves only when told to. `soon` runs in the next turn of the microtask queue, so a whole run takes no real time. */
export class StepClock implements Clock {
  #nowMs = 1_700_000_000_000;
  #timers: { dueMs: number; run: () => void }[] = [];

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
    void Promise.resolve().then(() => Promise.resolve()).then(run);
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

/** Lets everything that needs no time happen. */
export async function rest(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await Promise.resolve();
}
