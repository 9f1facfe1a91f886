import type { Clock } from "../base/clock.js";
import type { Output } from "./output.js";
import { formatCount, formatMs, formatRate } from "./units.js";

const repaintMs = 100;

/** How far a long piece of work is: how many, how fast, and when it will be done. On a terminal only. */
export class Progress {
  readonly #clock: Clock;
  readonly #notes: Output;
  readonly #what: string;
  readonly #startedMs: number;
  #paintedMs: number;
  #painted = false;

  constructor(clock: Clock, notes: Output, what: string) {
    this.#clock = clock;
    this.#notes = notes;
    this.#what = what;
    this.#startedMs = clock.monotonicMs();
    // Work that is done at once shows no progress.
    this.#paintedMs = this.#startedMs;
  }

  /** @param share of the work that is done, from 0 to 1, where the whole is known. */
  async at(count: number, share?: number): Promise<void> {
    if (!this.#notes.isTerminal) return;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#paintedMs < repaintMs) return;
    this.#paintedMs = nowMs;
    this.#painted = true;
    const elapsedMs = nowMs - this.#startedMs;
    const parts = [`${formatCount(count)} ${this.#what}`, formatRate(count, elapsedMs)];
    if (share !== undefined && share > 0) {
      parts.push(`${Math.floor(share * 100)} %`, `${formatMs((elapsedMs * (1 - share)) / share)} left`);
    }
    await this.#notes.write(`\r\u001B[K${parts.join(", ")}`);
  }

  /** Takes the line away, so that what follows stands alone. */
  async clear(): Promise<void> {
    if (this.#painted) await this.#notes.write("\r\u001B[K");
    this.#painted = false;
  }

  /** " in 2.5 s, 12,000/s", for the last word about work that took long enough to be measured. */
  tally(count: number): string {
    const elapsedMs = this.#clock.monotonicMs() - this.#startedMs;
    return elapsedMs < repaintMs ? "" : ` in ${formatMs(elapsedMs)}, ${formatRate(count, elapsedMs)}`;
  }
}
