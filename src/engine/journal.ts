/**
 * Carries one group's progress on one partition into the write-ahead log, and tells when it got there. Changes are gathered in
 * periods; the log drains a period into the commit group it seals, and says later that the group is durable:
 *
 *   changes ─▶ touch ─▶ … ─▶ drain: the period ends ─▶ … ─▶ durable: `progressDurable(period)`
 *
 * Nobody waits for it on the usual way. It is waited for where memory alone must not decide: before a message is delivered
 * again, because its count must not go down in a crash.
 */
import { assert } from "../base/assert.js";
import type { Log } from "../log/log.js";
import type { CommitWaiter, StateSource, StateWriter } from "../log/state.js";
import type { Progress } from "./progress.js";

export interface ProgressListener {
  /** Every change up to the end of `period` is durable. */
  progressDurable(period: number): void;
  /** The log takes nothing any more. */
  progressFailed(error: Error): void;
}

export class ProgressJournal implements StateSource, CommitWaiter {
  readonly #log: Log;
  readonly #progress: Progress;
  readonly #listener: ProgressListener;
  #period = 1;
  #touched = false;
  #durablePeriod = 0;

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
    this.#progress.drain(writer);
  }

  durable(): void {
    this.#durablePeriod++;
    assert(this.#durablePeriod < this.#period, "a period is drained before it is durable");
    this.#listener.progressDurable(this.#durablePeriod);
  }

  failed(error: Error): void {
    this.#listener.progressFailed(error);
  }
}
