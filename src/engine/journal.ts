/**
 * Carries one group's progress on one partition into the write-ahead log, and tells when it got there. Changes are gathered in
 * periods; the log drains a period into the commit group it seals, and says later that the group is durable:
 *
 *   changes ─▶ touch ─▶ … ─▶ drain: the period ends ─▶ … ─▶ durable: `progressDurable(period, floor)`
 *
 * Nobody waits for it on the usual way. It is waited for where memory alone must not decide: before a message is delivered
 * again (its count must not go down in a crash), and before settled records are given up.
 */
import { assert } from "../base/assert.js";
import type { MillraceError } from "../base/errors.js";
import type { Log } from "../log/log.js";
import type { CommitWaiter, StateSource, StateWriter } from "../log/state.js";
import type { Progress } from "./progress.js";

export interface ProgressListener {
  /** Every change up to the end of `period` is durable; the floor was `floor` then. */
  progressDurable(period: number, floor: number): void;
  /** The log takes nothing any more. */
  progressFailed(error: MillraceError): void;
}

export class ProgressJournal implements StateSource, CommitWaiter {
  readonly #log: Log;
  readonly #progress: Progress;
  readonly #listener: ProgressListener;
  #period = 1;
  #touched = false;
  #durablePeriod = 0;
  /** The floor at the end of each period that is on its way. */
  readonly #floors: number[] = [];

  constructor(log: Log, progress: Progress, listener: ProgressListener) {
    this.#log = log;
    this.#progress = progress;
    this.#listener = listener;
  }

  /** The progress has changed, or is about to within this turn. Returns the period that the change belongs to. */
  touch(): number {
    if (!this.#touched) {
      this.#touched = true;
      this.#log.touch(this);
      this.#log.onDurable(this);
    }
    return this.#period;
  }

  drain(writer: StateWriter): void {
    assert(this.#touched, "the log drains what was touched");
    this.#touched = false;
    this.#period++;
    this.#floors.push(this.#progress.floor);
    this.#progress.drain(writer);
  }

  durable(): void {
    const floor = this.#floors.shift();
    assert(floor !== undefined, "a period is drained before it is durable");
    this.#listener.progressDurable(++this.#durablePeriod, floor);
  }

  failed(error: MillraceError): void {
    this.#listener.progressFailed(error);
  }
}
