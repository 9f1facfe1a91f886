/**
 * When the records of a partition were sent, on the monotonic clock of this process: so that a wall clock that is set makes no record older
 * or younger than it is. A record bears the wall time at which it was sent; how far that is ahead of the monotonic clock is
 * remembered from each offset on where it changed. Of records from before this process, its wall clock has the say.
 */

/** A wall clock that goes slowly over to another time is followed in such steps. */
const stepMs = 2;

/** A clock that is set more often than this is not followed further back. */
const changesMax = 1_000;

export class SentClock {
  readonly #from: number[] = [0];
  readonly #aheadMs: number[];

  constructor(wallMs: number, monotonicMs: number) {
    this.#aheadMs = [wallMs - monotonicMs];
  }

  /** A record is sent now. */
  note(offset: number, wallMs: number, monotonicMs: number): void {
    const aheadMs = wallMs - monotonicMs;
    if (Math.abs(aheadMs - (this.#aheadMs.at(-1) as number)) < stepMs) return;
    this.#from.push(offset);
    this.#aheadMs.push(aheadMs);
    if (this.#from.length <= changesMax) return;
    this.#from.splice(1, 1);
    this.#aheadMs.shift();
  }

  /** A wall time in the record at `offset`, on the monotonic clock. */
  monotonicMs(offset: number, wallMs: number): number {
    let at = this.#from.length - 1;
    while (at > 0 && (this.#from[at] as number) > offset) at--;
    return wallMs - (this.#aheadMs[at] as number);
  }
}
