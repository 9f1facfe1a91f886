/**
 * The wall clock, for decisions that cannot be taken back: what is too old is deleted for good.
 *
 * A wall clock is set by people and by time servers, and now and then wrongly. One that is suddenly ahead of what the monotonic clock
 * says must have passed is not believed for a day: until then time goes on as it did before. An error is corrected long before that; a
 * correction (a machine that began in 1970) takes effect a day late. Going back is believed at once: it deletes nothing.
 *
 * A machine that sleeps looks like a clock that jumps: what would have expired meanwhile is kept a day longer.
 */
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/logger.js";

/** How far a clock may drift between two looks, or be slewed. */
const driftMsMax = 60_000;

const doubtMs = 86_400_000;

export class TrustedWall {
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Both clocks when they were last believed together. */
  #wallMs: number;
  #monotonicMs: number;
  #doubtedSinceMs: number | undefined;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
    this.#wallMs = clock.nowMs();
    this.#monotonicMs = clock.monotonicMs();
  }

  nowMs(): number {
    const wallMs = this.#clock.nowMs();
    const monotonicMs = this.#clock.monotonicMs();
    const expectedMs = this.#wallMs + (monotonicMs - this.#monotonicMs);
    const aheadMs = wallMs - expectedMs;
    if (aheadMs <= driftMsMax || this.#hasInsisted(aheadMs, monotonicMs)) {
      this.#wallMs = wallMs;
      this.#monotonicMs = monotonicMs;
      this.#doubtedSinceMs = undefined;
      return wallMs;
    }
    return expectedMs;
  }

  /** Whether it has been ahead for so long that it must be right. */
  #hasInsisted(aheadMs: number, monotonicMs: number): boolean {
    if (this.#doubtedSinceMs === undefined) {
      this.#doubtedSinceMs = monotonicMs;
      this.#logger.warn(
        { aheadMs: Math.round(aheadMs) },
        "the wall clock is suddenly ahead: nothing is deleted for its age by that time until it has been so for a day",
      );
    }
    return monotonicMs - this.#doubtedSinceMs >= doubtMs;
  }
}
