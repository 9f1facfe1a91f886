import type { Clock } from "../base/clock.js";
import { sleep } from "../base/clock.js";

/** Portions at a rate are this far apart, or as far as one needs. */
const portionMs = 100;

/** Spreads work over time: never more than `perSecond`, counted from the beginning. Without a rate it lets everything pass. */
export class Pace {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #startMs: number;
  #done = 0;

  constructor(clock: Clock, perSecond: number | undefined) {
    this.#clock = clock;
    this.#perSecond = perSecond ?? Infinity;
    this.#startMs = clock.monotonicMs();
  }

  /** How many to do at once, of at most `max`. */
  portion(max: number): number {
    return Math.min(max, Math.max(1, Math.floor((this.#perSecond * portionMs) / 1_000)));
  }

  /** Resolves when the time of what comes after all that was done has come. */
  async turn(): Promise<void> {
    const dueMs = this.#startMs + (this.#done * 1_000) / this.#perSecond;
    const leftMs = dueMs - this.#clock.monotonicMs();
    if (leftMs > 0) await sleep(this.#clock, leftMs);
  }

  count(done: number): void {
    this.#done += done;
  }
}
