/**
 * Messages of a queue that were sent with a delay, all of one priority: each is fresh once its time has come, earliest first.
 * They have a partition to themselves, so that nobody who reads messages in order has to pass over what is not due.
 *
 * What was delivered is no prefix of such a partition, so each delivery is counted (`Delivered`): what was delivered is not fresh again,
 * even where the index, as it was written down last, still has it.
 */
import type { Partition } from "../log/partition/partition.js";
import type { DueIndex } from "./due-index.js";
import { LeasedRecord } from "./leases.js";
import type { Progress } from "./progress.js";
import { RecordLookup } from "./record-lookup.js";
import { WorkLane, type WorkLaneHome } from "./work-lane.js";

export interface DelayedPlace {
  readonly source: Partition;
  readonly timeline: Partition;
  readonly index: DueIndex;
  readonly inMemoryMax: number;
}

export class DelayLane extends WorkLane {
  readonly #index: DueIndex;
  readonly #lookup: RecordLookup;
  #askedAtMs = -Infinity;

  constructor(home: WorkLaneHome, progress: Progress, place: DelayedPlace) {
    super(home, place.source, progress);
    const { source, timeline, index, inMemoryMax } = place;
    const { log, clock } = home;
    progress.countEach();
    this.#lookup = new RecordLookup(source);
    this.#index = index;
    index.attach({
      log,
      clock,
      source,
      timeline,
      inMemoryMax,
      dueAtMs: (record) => record.dueAtMs ?? 0,
      isPast: (offset) => progress.settled.has(offset) || progress.delivered.has(offset),
    });
  }

  override get hasFresh(): boolean {
    return this.#index.firstDueMs <= this.home.clock.monotonicMs();
  }

  override get delayed(): number {
    const { each } = this.progress.delivered;
    const fresh = each === undefined ? 0 : this.source.nextOffset - each.floor - each.above;
    return super.delayed + Math.max(0, fresh - this.#index.countDue(this.home.clock.monotonicMs()));
  }

  override get nextDueMs(): number {
    const { firstDueMs } = this.#index;
    return Math.min(super.nextDueMs, firstDueMs > this.#askedAtMs ? firstDueMs : Infinity);
  }

  /** For how long the first message that is due has been so; undefined: none is. */
  get overdueMs(): number | undefined {
    const overdueMs = this.home.clock.monotonicMs() - this.#index.firstDueMs;
    return overdueMs < 0 ? undefined : overdueMs;
  }

  /** A message for the lane has been stored. */
  stored(offset: number, delayMs: number): void {
    // Whole milliseconds: what is due at one time comes in the order it was sent in, and is found with one look.
    this.#index.add(offset, Math.ceil(this.home.clock.monotonicMs() + delayMs));
  }

  /** Messages of the lane have been committed. */
  committed(): void {
    this.#index.settleDown();
  }

  override take(leases: LeasedRecord[], count: number, freshToo: boolean): void {
    this.#askedAtMs = this.home.clock.monotonicMs();
    super.take(leases, count, freshToo);
  }

  /** Queues are not moved. */
  protected override freshFrom(_offset: number): void {}

  protected override deliverFresh(leases: LeasedRecord[], count: number): void {
    while (leases.length < count) {
      const offset = this.#index.next(this.#askedAtMs);
      if (offset === undefined) return;
      const record = this.#lookup.find(offset);
      if (record === undefined) this.vanish(offset, offset + 1);
      else if (this.expiry?.isExpired(record) !== true)
        leases.push(new LeasedRecord(record, this, this.progress.deliver(offset)));
      this.#index.pop();
    }
  }
}
