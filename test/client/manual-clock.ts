import type { Clock, Timer } from "../../src/base/clock.js";

/** Time that moves only when a test says so. `soon` is the real thing: others have their turn first. */
export class ManualClock implements Clock {
  #nowMs = Date.parse("2026-01-01T00:00:00Z");
  #timers: { readonly dueMs: number; readonly run: () => void }[] = [];

  get timers(): number {
    return this.#timers.length;
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
    return { cancel: () => void (this.#timers = this.#timers.filter((each) => each !== timer)) };
  }

  soon(run: () => void): void {
    setImmediate(run);
  }

  /** Moves time without a timer firing, as a blocked event loop does. */
  block(ms: number): void {
    this.#nowMs += ms;
  }

  /** Lets time pass: every timer that is due on the way fires in order, and what it starts comes to rest. */
  async advance(ms: number): Promise<void> {
    await rest();
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = this.#timers
        .filter((each) => each.dueMs <= endMs)
        .toSorted((one, other) => one.dueMs - other.dueMs)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== due);
      this.#nowMs = Math.max(this.#nowMs, due.dueMs);
      due.run();
      await rest();
    }
    this.#nowMs = endMs;
    await rest();
  }
}

/** Lets everything happen that needs no time. */
export async function rest(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
