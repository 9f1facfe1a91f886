/** A clock that stands still until a test moves it. */
import type { Clock, Timer } from "../base/clock.js";
import { systemClock } from "../base/clock.js";

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** 2026-01-01, so that times in a failure read like times. */
const startMs = 1_767_225_600_000;

export class ManualClock implements Clock {
  #wallMs: number;
  #monotonicMs = 0;
  #order = 0;
  #pending: Pending[] = [];

  constructor(nowMs: number = startMs) {
    this.#wallMs = nowMs;
  }

  nowMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const pending = { dueMs: this.#monotonicMs + Math.max(0, delayMs), order: this.#order++, run };
    this.#pending.push(pending);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((each) => each !== pending);
      },
    };
  }

  /** In order, and without waiting for anybody to move the clock: as a microtask. */
  soon(run: () => void): void {
    queueMicrotask(run);
  }

  /** Timers that have not fired. */
  get timers(): number {
    return this.#pending.length;
  }

  /** Moves both clocks, and fires every timer that comes due, each at its own time. Resolves once all they set off has had its turn. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms;
    for (let next = this.#due(untilMs); next !== undefined; next = this.#due(untilMs)) {
      this.#moveTo(Math.max(next.dueMs, this.#monotonicMs));
      next.run();
      await turn();
    }
    this.#moveTo(untilMs);
    await turn();
  }

  /** The wall clock is set, by a person or a time server; no time passes. */
  jump(ms: number): void {
    this.#wallMs += ms;
  }

  #moveTo(monotonicMs: number): void {
    this.#wallMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }

  /** Takes out the timer that is due first. */
  #due(untilMs: number): Pending | undefined {
    const due = this.#pending.filter((each) => each.dueMs <= untilMs);
    const [first] = due.sort((one, other) => one.dueMs - other.dueMs || one.order - other.order);
    if (first !== undefined) this.#pending = this.#pending.filter((each) => each !== first);
    return first;
  }
}

/** Everything that is ready now, promises and the disk included, has its turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => systemClock.soon(resolve));
}
