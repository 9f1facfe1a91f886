/**
 * One group's place in one partition of a stream. Its owner gets the records in order and settles them in any order:
 *
 *      floor                   position                end
 *   ─────┼─── leased, settled ────┼── to be handed out ──┼──
 *
 * A record that is to be delivered again takes the position back to itself: everything from it on that is not settled
 * is handed out again, in order, and who has it leased now loses it.
 */
import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/logger.js";
import type { Log } from "../log/log.js";
import type { RecordView } from "../log/batch/record.js";
import type { Partition } from "../log/partition/partition.js";
import type { GroupSource, Retrying } from "./group-source.js";
import { ProgressJournal, type ProgressListener } from "./journal.js";
import { GroupLane } from "./lane.js";
import { LeasedRecord } from "./leases.js";
import type { Progress } from "./progress.js";
import { RecordStream } from "./record-lookup.js";

export interface CursorHome {
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly channel: string;
  readonly group: string;
  /** Leases of one partition at once. */
  readonly windowMax: number;
  /** It can hand out again what it held back. */
  ready(): void;
  failed(error: Error): void;
}

export class PartitionCursor extends GroupLane implements ProgressListener {
  /** Who reads it; undefined while the group has no member. */
  owner: GroupSource | undefined;
  /** Who reads it once the owner's leases have ended. */
  heir: GroupSource | undefined;
  /** Hands nothing out because it is on its way from owner to heir. */
  moving = false;
  readonly source: Partition;
  readonly #home: CursorHome;
  readonly #journal: ProgressJournal;
  readonly #stream: RecordStream;
  /** Monotonic times before which a record must not be delivered again. */
  readonly #delays = new Map<number, number>();
  #position: number;
  #inFlight = 0;
  #heldUntilPeriod = 0;
  #nextDueMs = Infinity;
  #redelivered = 0;

  constructor(home: CursorHome, partition: Partition, progress: Progress) {
    super(home.channel, partition.index, progress);
    this.#home = home;
    this.source = partition;
    progress.fitTo(partition.nextOffset);
    this.#journal = new ProgressJournal(home.log, progress, this);
    this.#position = progress.floor;
    this.#stream = new RecordStream(partition, progress.floor);
    const aheadMs = home.clock.monotonicMs() - home.clock.nowMs();
    for (const { offset, dueAtMs } of progress.delays()) this.#delays.set(offset, dueAtMs + aheadMs);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get redelivered(): number {
    return this.#redelivered;
  }

  /** So much is leased that it hands out nothing more until some is settled. */
  get full(): boolean {
    return this.#inFlight >= this.#home.windowMax;
  }

  /** Why it hands nothing out now, if time will change that. */
  get nextDueMs(): number {
    return this.#nextDueMs;
  }

  /** Adds the next records to `leases`, until there are `count` of them. */
  take(leases: LeasedRecord[], count: number): void {
    this.#nextDueMs = Infinity;
    if (this.moving || this.#heldUntilPeriod > 0) return;
    while (leases.length < count && this.#inFlight < this.#home.windowMax) {
      const record = this.#stream.peek();
      this.#passGap(record?.offset ?? Math.min(this.#stream.position, this.source.endOffset));
      if (record === undefined || this.#isDelayed(record.offset)) return;
      this.#stream.next();
      this.#position = record.offset + 1;
      if (!this.progress.settled.has(record.offset)) leases.push(this.#lease(record));
    }
  }

  done(offset: number): void {
    this.#inFlight--;
    this.#journal.touch();
    this.progress.settle(offset);
  }

  /**
   * From `lease` on everything is handed out again, this one not before its delay. Returns what others have leased of
   * it: their leases are over, without an attempt being counted.
   */
  retry(lease: LeasedRecord, retrying: Retrying): LeasedRecord[] {
    const { offset } = lease.record;
    const behind = [...(this.owner?.leases ?? [])].filter((each) => each.lane === this && each.record.offset > offset);
    this.#rewind(offset);
    this.#remember(lease, retrying);
    for (const each of behind) {
      each.list?.remove(each);
      this.#remember(each, { delayMs: 0, counts: false });
    }
    return behind;
  }

  /** Leases that have ended by themselves: each counts as an attempt. The lowest comes first. */
  expire(leases: readonly LeasedRecord[]): LeasedRecord[] {
    const [first, ...rest] = leases;
    if (first === undefined) return [];
    for (const lease of rest) this.#remember(lease, { delayMs: 0, counts: true });
    return this.retry(first, { delayMs: 0, counts: true });
  }

  /** Goes on at `offset`, once that is durable; all leases have been ended. */
  moveTo(offset: number): void {
    this.#inFlight = 0;
    this.#delays.clear();
    this.#position = offset;
    this.#stream.seek(offset);
    this.#heldUntilPeriod = this.#journal.touch();
    this.progress.moveTo(offset);
  }

  progressDurable(period: number): void {
    if (this.#heldUntilPeriod === 0 || this.#heldUntilPeriod > period) return;
    this.#heldUntilPeriod = 0;
    this.#home.ready();
  }

  progressFailed(error: Error): void {
    this.#home.failed(error);
  }

  /** Retention has taken records that the group has not read. */
  passExpired(): void {
    this.#passGap(this.source.startOffset);
  }

  #lease(record: RecordView): LeasedRecord {
    const { offset } = record;
    this.#inFlight++;
    this.#journal.touch();
    if (offset >= this.progress.deliveredHigh && this.progress.retry(offset) === undefined) {
      this.progress.reach(offset + 1);
      return new LeasedRecord(record, this, 1);
    }
    const firstFailedAtMs = this.progress.retry(offset)?.firstFailedAtMs ?? 0;
    const lease = new LeasedRecord(record, this, this.progress.deliver(offset));
    if (firstFailedAtMs > 0) lease.firstFailedAtMs = firstFailedAtMs;
    this.progress.reach(offset + 1);
    this.#delays.delete(offset);
    this.#redelivered++;
    return lease;
  }

  #isDelayed(offset: number): boolean {
    const dueMs = this.#delays.get(offset);
    if (dueMs === undefined || dueMs <= this.#home.clock.monotonicMs()) return false;
    this.#nextDueMs = dueMs;
    return true;
  }

  #rewind(offset: number): void {
    if (offset < this.#position) {
      this.#position = offset;
      this.#stream.seek(offset);
    }
    this.progress.rewind(offset);
  }

  /** It was leased and comes again. Only after the log holds its count, so that a crash cannot make it go down. */
  #remember(lease: LeasedRecord, { delayMs, counts }: Retrying): void {
    const { clock } = this.#home;
    const { offset } = lease.record;
    const wallMs = Math.floor(clock.nowMs());
    this.#inFlight--;
    this.#heldUntilPeriod = this.#journal.touch();
    this.progress.remember(offset, {
      attempts: counts ? lease.attempt : lease.attempt - 1,
      dueAtMs: delayMs > 0 ? Math.ceil(wallMs + delayMs) : 0,
      firstFailedAtMs: lease.firstFailedAtMs ?? (counts ? wallMs : 0),
    });
    if (delayMs > 0) this.#delays.set(offset, clock.monotonicMs() + delayMs);
    else this.#delays.delete(offset);
  }

  /** Offsets up to `to` that were not handed out do not exist (any more): expired, or damaged. */
  #passGap(to: number): void {
    if (to <= this.#position) return;
    this.#journal.touch();
    const missed = this.progress.settleRange(this.#position, to);
    this.progress.reach(to);
    this.#position = to;
    if (this.#stream.position < to) this.#stream.seek(to);
    if (missed === 0) return;
    const { channel, group } = this.#home;
    const fields = { channel, group, partition: this.partition, messages: missed };
    this.#home.logger.warn(fields, "messages were gone before the group had read them: expired, or damaged");
  }
}
