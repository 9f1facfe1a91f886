/**
 * One group's place in one partition of a stream. Its owner gets the records in order and settles them in any order:
 *
 *      floor                   position                end
 *   ─────┼─── leased, settled ────┼── to be handed out ──┼──
 *
 * In the order of the partition, a record that is to be delivered again takes the position back to itself: everything from it on that is not
 * settled is handed out again, in order, and who has it leased now loses it. In the order of each key it waits in the `Parking`, with
 * what comes behind it of its key, and the position stays; only what is leased of its key is lost.
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
import type { StreamReading } from "./message.js";
import { Parking } from "./parking.js";
import type { Progress } from "./progress.js";
import { RecordLookup, RecordStream } from "./record-lookup.js";

export interface CursorHome {
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly channel: string;
  readonly group: string;
  /** Records of it go that later ones have replaced, which is nothing to speak of. */
  readonly isCompacted: boolean;
  /** Leases of one partition at once. */
  readonly windowMax: number;
  /** Messages of one partition that wait for others of their key, or for their time, at once. */
  readonly parkedMax: number;
  /** It can hand out again what it held back. */
  ready(): void;
  failed(error: Error): void;
}

/** So many settled records in a row are worth a jump over them. */
const farAhead = 1_000;

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
  #lookup: RecordLookup | undefined;
  /** Monotonic times before which a record must not be delivered again. */
  readonly #delays = new Map<number, number>();
  /** Where each key has its order; undefined where the partition has one. */
  #parking: Parking | undefined;
  /** Whether it hands out nothing more while a message waits to come again. */
  #blocks = true;
  #isFullSaid = false;
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

  /** It has a new owner, and nothing of it is leased. */
  readAs({ order, onFailure }: StreamReading): void {
    const isByKey = order === "key" || onFailure === "park";
    this.#blocks = onFailure === "block";
    if (isByKey === (this.#parking !== undefined)) return;
    // What was to wait for its count goes on waiting.
    if (this.#parking !== undefined) this.#heldUntilPeriod = this.#journal.touch();
    this.#parking = isByKey ? new Parking(this.#delays) : undefined;
    this.#position = this.progress.floor;
    this.#stream.seek(this.#position);
  }

  /** Adds the next records to `leases`, until there are `count` of them. */
  take(leases: LeasedRecord[], count: number): void {
    this.#nextDueMs = Infinity;
    if (this.moving || this.#heldUntilPeriod > 0) return;
    if (this.#parking === undefined) this.#takeInOrder(leases, count);
    else this.#takeByKey(this.#parking, leases, count);
  }

  #takeInOrder(leases: LeasedRecord[], count: number): void {
    while (leases.length < count && this.#inFlight < this.#home.windowMax) {
      const record = this.#peek();
      if (record === undefined || this.#isDelayed(record.offset)) return;
      this.#stream.next();
      this.#position = record.offset + 1;
      if (!this.progress.settled.has(record.offset)) leases.push(this.#lease(record));
    }
  }

  override waitsFor(record: RecordView): number | undefined {
    const { offset, key } = record;
    const first =
      this.#parking === undefined
        ? this.#delayedNext()
        : (this.#parking.frontOf(key) ?? (this.#blocks ? this.#parking.anyFront : undefined));
    return first === undefined || first >= offset ? undefined : first;
  }

  /** The next in the order of the partition, when that has to wait for its time. */
  #delayedNext(): number | undefined {
    const next = this.progress.settled.nextUnsettled(this.#position);
    return (this.#delays.get(next) ?? 0) > this.#home.clock.monotonicMs() ? next : undefined;
  }

  done(offset: number): void {
    this.#inFlight--;
    this.#journal.touch();
    this.progress.settle(offset);
  }

  /**
   * From `lease` on everything of its partition, or of its key, is handed out again, this one not before its delay. Returns what
   * is leased of it: these leases are over, without an attempt being counted.
   */
  retry(lease: LeasedRecord, retrying: Retrying): LeasedRecord[] {
    const { offset } = lease.record;
    const behind = this.#leasedBehind(lease);
    if (this.#parking === undefined) this.#rewind(offset);
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
    if (this.#parking !== undefined) return leases.flatMap((lease) => this.retry(lease, { delayMs: 0, counts: true }));
    for (const lease of rest) this.#remember(lease, { delayMs: 0, counts: true });
    return this.retry(first, { delayMs: 0, counts: true });
  }

  /** Goes on at `offset`, once that is durable; all leases have been ended. */
  moveTo(offset: number): void {
    this.#inFlight = 0;
    this.#delays.clear();
    if (this.#parking !== undefined) this.#parking = new Parking(this.#delays);
    this.#position = offset;
    this.#stream.seek(offset);
    this.#heldUntilPeriod = this.#journal.touch();
    this.progress.moveTo(offset);
  }

  progressDurable(period: number): void {
    const isFree = this.#heldUntilPeriod > 0 && this.#heldUntilPeriod <= period;
    if (isFree) this.#heldUntilPeriod = 0;
    this.history.note(this.progress.floor, this.#home.clock.nowMs());
    if (this.#parking?.durable(period) === true || isFree) this.#home.ready();
  }

  progressFailed(error: Error): void {
    this.#home.failed(error);
  }

  /** Retention has taken records that the group has not read. */
  passExpired(): void {
    this.#passGap(this.source.startOffset);
  }

  /** What has come back and is due, then fresh records of keys that nothing waits of. */
  #takeByKey(parking: Parking, leases: LeasedRecord[], count: number): void {
    if (parking.size > 0) this.#takeParked(parking, leases, count);
    const room = (): boolean => leases.length < count && !this.full;
    while (room() && this.#mayGoOn(parking)) {
      const record = this.#peek();
      if (record === undefined) break;
      this.#stream.next();
      this.#position = record.offset + 1;
      if (this.progress.settled.has(record.offset)) this.#passSettled();
      else if (this.#hasToWait(parking, record)) this.#park(parking, record);
      else leases.push(this.#lease(record));
    }
    // What is due already is taken as soon as there is room again.
    if (parking.firstDueMs > this.#home.clock.monotonicMs()) this.#nextDueMs = parking.firstDueMs;
  }

  #takeParked(parking: Parking, leases: LeasedRecord[], count: number): void {
    const nowMs = this.#home.clock.monotonicMs();
    const lookup = (this.#lookup ??= new RecordLookup(this.source));
    while (leases.length < count && !this.full) {
      const offset = parking.take(nowMs);
      if (offset === undefined) break;
      const record = lookup.find(offset);
      if (record === undefined) this.#passParked(offset);
      else leases.push(this.#lease(record));
    }
    if (parking.size === 0) this.#lookup = undefined;
  }

  /** Whether fresh records may be handed out beside those that wait. Says so once, when a limit keeps them. */
  #mayGoOn(parking: Parking): boolean {
    const isFull = parking.size >= this.#home.parkedMax;
    if (isFull && !this.#isFullSaid) {
      const { channel, group, parkedMax } = this.#home;
      const fields = { channel, group, partition: this.partition, limit: "retriesMax", most: parkedMax };
      this.#home.logger.warn(fields, "so many messages wait for others of their key that the partition waits too");
    }
    this.#isFullSaid = isFull;
    return !isFull && !(this.#blocks && parking.size > 0);
  }

  #hasToWait(parking: Parking, record: RecordView): boolean {
    const dueMs = this.#delays.size === 0 ? undefined : this.#delays.get(record.offset);
    if (dueMs !== undefined && dueMs > this.#home.clock.monotonicMs()) return true;
    return parking.size > 0 && parking.holds(record.key);
  }

  /** It was passed by without being delivered, which has to be said of everything below `deliveredHigh`. */
  #park(parking: Parking, record: RecordView): void {
    const { offset } = record;
    parking.append(record.key, offset);
    if (offset < this.progress.deliveredHigh) return;
    const retry = this.progress.retry(offset) ?? { attempts: 0, dueAtMs: 0, firstFailedAtMs: 0 };
    this.#journal.touch();
    this.progress.reach(offset + 1);
    this.progress.remember(offset, retry);
  }

  /** After a restart there may be much of it between what waits. */
  #passSettled(): void {
    const next = this.progress.settled.nextUnsettled(this.#position);
    if (next - this.#position < farAhead) return;
    this.#position = Math.min(next, this.source.endOffset);
    this.#stream.seek(this.#position);
  }

  #leasedBehind(lease: LeasedRecord): LeasedRecord[] {
    const { offset, key } = lease.record;
    const isByKey = this.#parking !== undefined;
    if (this.owner === undefined || (isByKey && key === undefined)) return [];
    return [...this.owner.leases].filter(
      (each) => each.lane === this && each.record.offset > offset && (!isByKey || each.record.key === key),
    );
  }

  #peek(): RecordView | undefined {
    const record = this.#stream.peek();
    this.#passGap(record?.offset ?? Math.min(this.#stream.position, this.source.endOffset));
    return record;
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
    if (lease.attempt > 1) this.#redelivered++;
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
    // A clock from before 1970 is wrong, and is written down as 1970.
    const wallMs = Math.max(0, Math.floor(clock.nowMs()));
    this.#inFlight--;
    const period = this.#journal.touch();
    this.progress.remember(offset, {
      attempts: counts ? lease.attempt : lease.attempt - 1,
      dueAtMs: delayMs > 0 ? Math.ceil(wallMs + delayMs) : 0,
      firstFailedAtMs: lease.firstFailedAtMs ?? (counts ? wallMs : 0),
    });
    if (delayMs > 0) this.#delays.set(offset, clock.monotonicMs() + delayMs);
    else this.#delays.delete(offset);
    if (this.#parking === undefined) this.#heldUntilPeriod = period;
    else this.#parking.putBack(lease.record.key, offset, period);
  }

  /** Offsets up to `to` that were not handed out do not exist (any more): expired, or damaged. */
  #passGap(to: number): void {
    if (to <= this.#position) return;
    this.#journal.touch();
    const { isCompacted } = this.#home;
    const from = this.#position;
    const expired = isCompacted ? Math.min(Math.max(this.source.startOffset, from), to) : to;
    const missed = this.progress.settleRange(from, expired);
    this.progress.settleRange(expired, to);
    this.progress.reach(to);
    this.#position = to;
    if (this.#stream.position < to) this.#stream.seek(to);
    this.#missed(missed);
  }

  /** What waited there is there no more. */
  #passParked(offset: number): void {
    this.#journal.touch();
    const missed = this.progress.settleRange(offset, offset + 1);
    if (!this.#home.isCompacted) this.#missed(missed);
  }

  #missed(missed: number): void {
    if (missed === 0) return;
    const { channel, group } = this.#home;
    const fields = { channel, group, partition: this.partition, messages: missed };
    this.#home.logger.warn(fields, "messages were gone before the group had read them: expired, or damaged");
  }
}
