import type { Clock } from "../../base/clock.js";
import { defaults } from "../defaults.js";

interface Sample {
  readonly atMs: number;
  readonly settled: number;
}

/** Samples of one channel, not more than these: others in between would change little. */
const samplesMax = 60;

/**
 * How fast a channel gets done, from a number that goes up: seen by whoever looks, over the time that was looked at. Nothing runs
 * by itself for it.
 */
export class Drain {
  readonly #clock: Clock;
  #samples: Sample[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Settled a second; undefined while it is too early to say. */
  perSecond(settled: number): number | undefined {
    const { atLeastMs, nothingAfterMs } = defaults.pressure;
    const nowMs = this.#clock.monotonicMs();
    const first = this.#note({ atMs: nowMs, settled });
    const elapsedMs = nowMs - first.atMs;
    const done = settled - first.settled;
    if (elapsedMs < (done > 0 ? atLeastMs : nothingAfterMs)) return undefined;
    return (done / elapsedMs) * 1_000;
  }

  /** Returns the sample to compare with: the last from before the window, so that it is full, or else the first there is. */
  #note(now: Sample): Sample {
    const { windowMs } = defaults.pressure;
    const last = this.#samples.at(-1);
    // The engine was opened anew, or a group was moved back.
    if (last !== undefined && now.settled < last.settled) this.#samples = [];
    const [known] = this.#samples;
    if (known === undefined || last === undefined || now.atMs - last.atMs >= windowMs / samplesMax) {
      this.#samples.push(now);
    }
    const begins = this.#samples.findLastIndex(({ atMs }) => atMs <= now.atMs - windowMs);
    if (begins > 0) this.#samples.splice(0, begins);
    return this.#samples[0] ?? now;
  }
}
