/**
 * The right to work on a message until a deadline. In memory only: leases end with the process.
 * A leased record is the delivery that the consumer sees and, at the same time, a link of its source's list of leases,
 * so that a lease costs one object and no look-up.
 *
 *   new ──▶ leased ──▶ settled, given back, or lost: in no list any more, for ever
 */
import { assert } from "../base/assert.js";
import type { RecordView } from "../log/batch/record.js";
import { type Lane, LoggedMessage } from "./lane.js";
import type { Delivery } from "./message.js";

export class LeasedRecord extends LoggedMessage implements Delivery {
  readonly attempt: number;
  firstFailedAtMs: number | undefined = undefined;
  /** On the monotonic clock. */
  deadlineMs = 0;
  /** Where it is leased; undefined once the lease has ended in any way. */
  list: LeaseList | undefined = undefined;
  before: LeasedRecord | undefined = undefined;
  after: LeasedRecord | undefined = undefined;

  constructor(record: RecordView, lane: Lane, attempt: number) {
    super(record, lane);
    this.attempt = attempt;
  }

  get replay(): boolean {
    return this.lane.replays(this.record.offset);
  }
}

/** Leases of one source, those that end first in front. */
export class LeaseList {
  #first: LeasedRecord | undefined;
  #last: LeasedRecord | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** When the first lease ends; Infinity when there is none. */
  get firstDeadlineMs(): number {
    return this.#first?.deadlineMs ?? Infinity;
  }

  add(lease: LeasedRecord, deadlineMs: number): void {
    assert(lease.list === undefined, "a message is leased once at a time");
    lease.deadlineMs = deadlineMs;
    lease.list = this;
    this.#size++;
    // Nearly always the last: only leases of different lengths overtake one another.
    let before = this.#last;
    while (before !== undefined && before.deadlineMs > deadlineMs) before = before.before;
    const after = before === undefined ? this.#first : before.after;
    lease.before = before;
    lease.after = after;
    if (before === undefined) this.#first = lease;
    else before.after = lease;
    if (after === undefined) this.#last = lease;
    else after.before = lease;
  }

  remove(lease: LeasedRecord): void {
    assert(lease.list === this, "only a lease of this list can end here");
    const { before, after } = lease;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    lease.list = undefined;
    lease.before = undefined;
    lease.after = undefined;
    this.#size--;
  }

  /** Takes out those whose deadline has come. */
  takeExpired(nowMs: number): LeasedRecord[] {
    const expired: LeasedRecord[] = [];
    for (let lease = this.#first; lease !== undefined && lease.deadlineMs <= nowMs; lease = this.#first) {
      this.remove(lease);
      expired.push(lease);
    }
    return expired;
  }

  /** Takes out those of one lane. */
  takeOf(lane: Lane): LeasedRecord[] {
    const taken = [...this].filter((lease) => lease.lane === lane);
    for (const lease of taken) this.remove(lease);
    return taken;
  }

  *[Symbol.iterator](): Generator<LeasedRecord> {
    for (let lease = this.#first; lease !== undefined; lease = lease.after) yield lease;
  }
}
