/**
 * One group's messages of one partition of a queue or a durable topic; what the partition's messages have in common (their
 * priority, that they are delayed, that each key has its order) is the lane's kind. Every message has its own state:
 *
 *                 take                         done
 *     fresh ─────────────▶ leased ───────────────────────────▶ settled
 *                          ▲    │ retry, give back, lease ended
 *                 take     │    ▼
 *     due ◀──────── returning, once its count is durable; then delayed until due
 *
 * A message comes back only once the log holds its count, so that no crash can make a delivery count go down. Which messages are
 * fresh, and in which order they go out, is the only thing the kinds differ in.
 */
import type { Clock } from "../base/clock.js";
import type { Limits } from "../base/limits.js";
import type { Log } from "../log/log.js";
import type { RecordView } from "../log/batch/record.js";
import type { Partition } from "../log/partition/partition.js";
import type { LaneExpiry } from "./expiry/lane-expiry.js";
import type { Retrying } from "./group-source.js";
import { ProgressJournal, type ProgressListener } from "./journal.js";
import { GroupLane } from "./lane.js";
import { LeasedRecord } from "./leases.js";
import type { Progress } from "./progress.js";
import { RecordLookup } from "./record-lookup.js";
import { RetryQueue } from "./retry-queue.js";
import type { SettledFloor } from "./settled-floor.js";
import { WaitingOffsets } from "./waiting-offsets.js";

/** The group that a lane belongs to. */
export interface WorkLaneHome {
  readonly log: Log;
  readonly clock: Clock;
  readonly limits: Limits;
  /** The channel's name. */
  readonly channel: string;
  /** A message is gone, so there may be room for another. undefined: some that could not be read. */
  settled(lane: WorkLane, record: RecordView | undefined): void;
  /** Of all its lanes. */
  leases(): Iterable<LeasedRecord>;
  /** So many messages were neither settled nor can be read: expired, or damaged. */
  missed(lane: WorkLane, messages: number): void;
  /** It can hand out again what it held back. */
  ready(): void;
  /** A limit keeps fresh messages where they are: to be said once. */
  heldBack(limit: Limit): void;
  failed(error: Error): void;
}

/** Why no fresh message is handed out although there are some. */
export type Limit = "inFlightMax" | "retriesMax" | "parkedBytesMax";

interface Returning {
  readonly offset: number;
  readonly dueMs: number;
  /** It may be delivered again once this period of the journal is durable. */
  readonly period: number;
}

export abstract class WorkLane extends GroupLane implements ProgressListener {
  readonly source: Partition;
  /** What of its partition every group has settled. */
  floor: SettledFloor | undefined;
  /** Which of its messages expires when; undefined as long as none does. */
  expiry: LaneExpiry | undefined;
  /** What keeps it from reading on. */
  heldBack: Limit | undefined;
  protected readonly home: WorkLaneHome;
  protected readonly journal: ProgressJournal;
  #returned = new RetryQueue();
  #returning: Returning[] = [];
  #lookup: RecordLookup | undefined;
  #waiting: WaitingOffsets | undefined;
  /** When a take last looked for messages that are due again. */
  #lookedAtMs = -Infinity;
  #redelivered = 0;
  /** It was moved, and hands out nothing before this period of the journal is durable. */
  #heldUntilPeriod = 0;

  constructor(home: WorkLaneHome, source: Partition, progress: Progress) {
    super(home.channel, source.index, progress);
    this.home = home;
    this.source = source;
    progress.fitTo(source.nextOffset);
    this.journal = new ProgressJournal(home.log, progress, this);
    const wallMs = home.clock.nowMs();
    const nowMs = home.clock.monotonicMs();
    for (const { offset, dueAtMs } of progress.unfinished()) {
      this.#returned.push(offset, dueAtMs === 0 ? 0 : nowMs + Math.max(0, dueAtMs - wallMs));
    }
  }

  /** Messages that are not settled, those on their way to the disk included. */
  get depth(): number {
    return this.progress.unsettled(this.source.nextOffset);
  }

  /** Messages that wait for their time. */
  get delayed(): number {
    const nowMs = this.home.clock.monotonicMs();
    let delayed = this.#returning.filter((each) => each.dueMs > nowMs).length;
    for (const [offset, dueMs] of this.#returned.entries()) {
      if (dueMs > nowMs && !this.progress.settled.has(offset)) delayed++;
    }
    return delayed;
  }

  /** Messages known to wait behind another one of their key. */
  get parked(): number {
    return 0;
  }

  get redelivered(): number {
    return this.#redelivered;
  }

  /** When time alone will make it hand out more; Infinity: it will not. */
  get nextDueMs(): number {
    // What was due at the last look needs no alarm. What has become due since needs one: time goes on between the two.
    const { firstDueMs } = this.#returned;
    return firstDueMs > this.#lookedAtMs ? firstDueMs : Infinity;
  }

  /** Which messages wait. Known by offset from the first time on that somebody asks. */
  get waiting(): WaitingOffsets {
    if (this.#waiting !== undefined) return this.#waiting;
    this.#waiting = new WaitingOffsets(this.progress, () => this.source.nextOffset);
    for (const { lane, record } of this.home.leases()) if (lane === this) this.#waiting.hold(record.offset);
    return this.#waiting;
  }

  /** Whether there is a fresh message to hand out. */
  abstract get hasFresh(): boolean;

  /** Adds to `leases`, until there are `count` of them: what came back and is due, then, if it may, what is fresh. */
  take(leases: LeasedRecord[], count: number, freshToo: boolean): void {
    if (this.#heldUntilPeriod > 0) return;
    const before = leases.length;
    try {
      if (this.#returned.size > 0) this.#redeliver(leases, count);
      if (freshToo && leases.length < count) this.deliverFresh(leases, count);
    } finally {
      // Their counts go into the commit that gathers.
      if (leases.length > before) this.journal.touch();
      if (this.#waiting !== undefined) for (const { record } of leases.slice(before)) this.#waiting.hold(record.offset);
    }
  }

  /** Whether that opens another message, which waited for this one. */
  done(lease: LeasedRecord): boolean {
    this.journal.touch();
    this.progress.settle(lease.record.offset);
    this.#waiting?.settled(lease.record.offset);
    this.home.settled(this, lease.record);
    return false;
  }

  retry(lease: LeasedRecord, { delayMs, counts }: Retrying): void {
    const { clock } = this.home;
    // A clock from before 1970 is wrong, and is written down as 1970.
    const wallMs = Math.max(0, Math.floor(clock.nowMs()));
    const period = this.journal.touch();
    this.progress.remember(lease.record.offset, {
      attempts: counts ? lease.attempt : lease.attempt - 1,
      dueAtMs: delayMs > 0 ? Math.ceil(wallMs + delayMs) : 0,
      firstFailedAtMs: lease.firstFailedAtMs ?? (counts ? wallMs : 0),
    });
    if (this.expiry?.cameBack(lease.record) === true) return;
    const dueMs = delayMs > 0 ? clock.monotonicMs() + delayMs : 0;
    this.#returning.push({ offset: lease.record.offset, dueMs, period });
    this.#waiting?.release(lease.record.offset);
  }

  /** Settles a message that nobody has leased. Whether it was not settled before. */
  remove(record: RecordView): boolean {
    this.journal.touch();
    if (!this.progress.settle(record.offset)) return false;
    this.home.settled(this, record);
    return true;
  }

  /** Settles a message that waits, without reading it. It may still be on its way to the disk. */
  drop(offset: number): void {
    this.journal.touch();
    this.progress.settle(offset);
    this.#waiting?.settled(offset);
    this.home.settled(this, undefined);
  }

  /** What the queue holds, in bytes; survives a restart. */
  countBytes(bytes: number): void {
    this.journal.touch();
    this.progress.setBytes(bytes);
  }

  /** Goes on at `offset`, once that is durable. All leases of it have ended. */
  moveTo(offset: number): void {
    this.#heldUntilPeriod = this.journal.touch();
    this.progress.moveTo(offset);
    this.#returned = new RetryQueue();
    this.#returning = [];
    this.#lookup = undefined;
    this.#waiting = undefined;
    this.freshFrom(offset);
  }

  /** Retention has taken records away. */
  passExpired(): void {
    const { startOffset } = this.source;
    if (this.progress.floor < startOffset) this.vanish(this.progress.floor, startOffset);
  }

  progressDurable(period: number): void {
    const isMoved = this.#heldUntilPeriod > 0 && this.#heldUntilPeriod <= period;
    if (isMoved) this.#heldUntilPeriod = 0;
    this.history.note(this.progress.floor, this.home.clock.nowMs());
    if (isMoved || this.#returning.length > 0) this.#takeBack(period);
  }

  progressFailed(error: Error): void {
    this.home.failed(error);
  }

  protected abstract deliverFresh(leases: LeasedRecord[], count: number): void;

  /** Something that came back goes out again. */
  protected leaseOf(record: RecordView, attempt: number): LeasedRecord {
    return new LeasedRecord(record, this, attempt);
  }

  /** What was to come back is settled, has expired, or does not exist any more. Whether that opens another message. */
  protected gone(_offset: number): boolean {
    return false;
  }

  /** Nothing below `offset` is fresh any more, and everything from it on. Only groups of topics are moved. */
  protected freshFrom(_offset: number): void {}

  /** These offsets do not exist (any more): damaged, or cleaned away. They must not hold up the floor. */
  protected vanish(from: number, to: number): void {
    this.journal.touch();
    const missed = this.progress.settleRange(from, to);
    this.home.settled(this, undefined);
    if (missed > 0) this.home.missed(this, missed);
  }

  #redeliver(leases: LeasedRecord[], count: number): void {
    const nowMs = this.home.clock.monotonicMs();
    this.#lookedAtMs = nowMs;
    this.#lookup ??= new RecordLookup(this.source);
    while (leases.length < count && this.#returned.firstDueMs <= nowMs) {
      const offset = this.#returned.firstOffset;
      const isSettled = this.progress.settled.has(offset);
      const record = isSettled ? undefined : this.#lookup.find(offset);
      if (record !== undefined) {
        if (this.expiry?.isExpired(record) !== true) leases.push(this.#again(record));
        else this.gone(offset);
      } else {
        if (!isSettled) this.vanish(offset, offset + 1);
        this.gone(offset);
      }
      this.#returned.pop();
    }
    if (this.#returned.size === 0) this.#lookup = undefined;
  }

  #again(record: RecordView): LeasedRecord {
    const firstFailedAtMs = this.progress.retry(record.offset)?.firstFailedAtMs ?? 0;
    const lease = this.leaseOf(record, this.progress.deliver(record.offset));
    if (firstFailedAtMs > 0) lease.firstFailedAtMs = firstFailedAtMs;
    this.#redelivered++;
    return lease;
  }

  #takeBack(period: number): void {
    this.#returning = this.#returning.filter((each) => {
      if (each.period > period) return true;
      this.#returned.push(each.offset, each.dueMs);
      return false;
    });
    this.home.ready();
  }
}
