/**
 * What expires in one lane, and when: by the age that the queue gives its messages, or by a time of a message's own, whichever is earlier.
 *
 *   age     in the order of the log (AgeCursor)
 *   own     by time (DueIndex)
 *   back    expired while it was leased, and not settled by whoever had it
 *
 * A message that has expired is not delivered any more; it is handed out here, once, to be buried or dropped.
 */
import type { Clock } from "../../base/clock.js";
import type { RecordView } from "../../log/batch/record.js";
import type { Partition } from "../../log/partition/partition.js";
import type { DueIndex } from "../due-index.js";
import type { Progress } from "../progress.js";
import { RecordLookup } from "../record-lookup.js";
import { RetryQueue } from "../retry-queue.js";
import { AgeCursor } from "./age-cursor.js";
import { SentClock } from "./sent-clock.js";

/** The lane whose messages expire. */
export interface ExpiringLane {
  readonly source: Partition;
  readonly progress: Progress;
}

export class LaneExpiry {
  /** Of messages with a time of their own; undefined as long as there was none. */
  own: DueIndex | undefined;
  readonly sent: SentClock;
  readonly #clock: Clock;
  readonly #source: Partition;
  readonly #progress: Progress;
  readonly #lookup: RecordLookup;
  readonly #back = new RetryQueue();
  #byAge: AgeCursor | undefined;
  #askedAtMs = -Infinity;
  /** Everything below has expired, whatever age is given to messages now. */
  #expiredEnd = 0;
  readonly #ready: () => void;

  /** @param ready there is something that has expired */
  constructor(clock: Clock, { source, progress }: ExpiringLane, ready: () => void) {
    this.#ready = ready;
    this.#clock = clock;
    this.#source = source;
    this.#progress = progress;
    this.#lookup = new RecordLookup(source);
    this.sent = new SentClock(clock.nowMs(), clock.monotonicMs());
  }

  /** Messages older than this expire; undefined: none does. What has expired stays so. */
  set ageMs(ageMs: number | undefined) {
    const before = this.#byAge;
    if (ageMs === before?.ageMs) return;
    if (before !== undefined) this.#keepExpired(before);
    const rules = ageMs === undefined ? undefined : { ageMs, sent: this.sent };
    this.#byAge = rules && new AgeCursor(this.#source, this.#progress, rules);
    this.#askedAtMs = -Infinity;
  }

  /** When the next one expires. What had expired when it was last asked needs no alarm. */
  get nextMs(): number {
    const firstMs = Math.min(this.#byAge?.firstMs ?? Infinity, this.own?.firstDueMs ?? Infinity, this.#back.firstDueMs);
    return firstMs > this.#askedAtMs ? firstMs : Infinity;
  }

  isExpired(record: RecordView): boolean {
    if (record.offset < this.#expiredEnd) return true;
    const nowMs = this.#clock.monotonicMs();
    if (this.#byAge !== undefined && this.#byAge.expiresMs(record) <= nowMs) return true;
    if (this.own === undefined) return false;
    const { expiresAtMs } = record;
    return expiresAtMs !== undefined && this.sent.monotonicMs(record.offset, expiresAtMs) <= nowMs;
  }

  /** Whoever had it leased has not settled it. Whether it has expired meanwhile: then it is ours. */
  cameBack(record: RecordView, delayMs = 0): boolean {
    if (!this.isExpired(record)) return false;
    this.#back.push(record.offset, this.#clock.monotonicMs() + delayMs);
    this.#ready();
    return true;
  }

  /** The next message that has expired, except those that are leased: these come back. */
  next(leased: ReadonlySet<number>): RecordView | undefined {
    const nowMs = this.#clock.monotonicMs();
    this.#askedAtMs = nowMs;
    for (;;) {
      const offset = this.#nextOffset(nowMs);
      if (offset === undefined) return undefined;
      if (this.#progress.settled.has(offset) || leased.has(offset)) continue;
      const record = this.#lookup.find(offset);
      if (record !== undefined) return record;
    }
  }

  #keepExpired(before: AgeCursor): void {
    const nowMs = this.#clock.monotonicMs();
    for (let offset = before.next(nowMs); offset !== undefined; offset = before.next(nowMs)) {
      this.#back.push(offset, nowMs);
    }
    this.#expiredEnd = before.position;
  }

  #nextOffset(nowMs: number): number | undefined {
    if (this.#back.firstDueMs <= nowMs) return this.#back.pop();
    const offset = this.own?.next(nowMs);
    if (offset === undefined) return this.#byAge?.next(nowMs);
    this.own?.handOut();
    return offset;
  }
}
