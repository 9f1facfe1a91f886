/**
 * One group's work on a queue or a durable topic: every message has its own state.
 *
 *                 take                         done
 *     ready ─────────────▶ leased ───────────────────────────▶ settled
 *       ▲                    │ retry, give back, lease ended
 *       │ due                ▼
 *       └─────────────── returning, once its count is durable; then delayed until due
 *
 * Ready are the messages from `deliveredHigh` on, read ahead from the log, and those that came back, in a heap of
 * offsets. Memory is O(leased + returned): both have a limit, and where it is reached no fresh message is handed out.
 * A message comes back only once the log holds its count, so that no crash can make a delivery count go down.
 */
import type { Clock } from "../base/clock.js";
import type { Limits } from "../base/limits.js";
import type { Logger } from "../base/logger.js";
import type { Log } from "../log/log.js";
import type { RecordView } from "../log/batch/record.js";
import type { Partition } from "../log/partition/partition.js";
import { Alarm } from "./alarm.js";
import type { Dispenser, GroupSource, Retrying } from "./group-source.js";
import { ProgressJournal, type ProgressListener } from "./journal.js";
import type { Lane } from "./lane.js";
import { LeasedRecord } from "./leases.js";
import type { Staged } from "./message.js";
import type { Progress } from "./progress.js";
import { RecordLookup, RecordStream } from "./record-lookup.js";
import { RetryQueue } from "./retry-queue.js";
import { Takers, tellLost } from "./takers.js";

/** The channel that a work set belongs to. */
export interface WorkSetHome {
  readonly log: Log;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly logger: Logger;
  readonly partition: Partition;
  readonly lane: Lane;
  /** Its name. */
  readonly channel: string;
  /** Stores the messages in one commit with what `alongside` changes. */
  stage(sends: readonly Staged[], alongside: () => void): void;
  /** A message is gone, so there may be room for another. undefined: some that could not be read. */
  settled(record: RecordView | undefined): void;
  failed(error: Error): void;
}

interface Returning {
  readonly offset: number;
  readonly dueMs: number;
  /** It may be delivered again once this period of the journal is durable. */
  readonly period: number;
}

/** Why no fresh message is handed out although there are some. */
export type HeldBack = "inFlightMax" | "retriesMax" | undefined;

export class WorkSet implements Dispenser, ProgressListener {
  readonly progress: Progress;
  readonly clock: Clock;
  readonly group: string;
  readonly #home: WorkSetHome;
  readonly #journal: ProgressJournal;
  readonly #takers = new Takers();
  readonly #alarm: Alarm;
  readonly #returned = new RetryQueue();
  #returning: Returning[] = [];
  #fresh: RecordStream | undefined;
  #lookup: RecordLookup | undefined;
  #inFlight = 0;
  /** When a take last looked for messages that are due again. */
  #lookedAtMs = -Infinity;
  #heldBack: HeldBack;
  #failure: Error | undefined;
  #settledCount = 0;
  #redeliveredCount = 0;

  constructor(home: WorkSetHome, group: string, progress: Progress) {
    this.#home = home;
    this.group = group;
    this.clock = home.clock;
    this.progress = progress;
    progress.fitTo(home.partition.nextOffset);
    this.#journal = new ProgressJournal(home.log, progress, this);
    this.#alarm = new Alarm(home.clock, { ring: () => this.#ring(), failed: (error) => home.failed(error) });
    const wallMs = home.clock.nowMs();
    const nowMs = home.clock.monotonicMs();
    for (const { offset, dueAtMs } of progress.delivered()) {
      this.#returned.push(offset, dueAtMs === 0 ? 0 : nowMs + Math.max(0, dueAtMs - wallMs));
    }
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  get members(): number {
    return this.#takers.sources.size;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Messages that wait for their time. */
  get delayed(): number {
    const nowMs = this.clock.monotonicMs();
    return this.#returned.countAfter(nowMs) + this.#returning.filter((each) => each.dueMs > nowMs).length;
  }

  get heldBack(): HeldBack {
    return this.#heldBack;
  }

  get settledCount(): number {
    return this.#settledCount;
  }

  get redeliveredCount(): number {
    return this.#redeliveredCount;
  }

  join(source: GroupSource): void {
    this.#takers.sources.add(source);
  }

  /** The partition has more records than before. */
  committed(): void {
    this.#takers.serve();
  }

  /** What is leased now. */
  *leases(): Generator<LeasedRecord> {
    for (const source of this.#takers.sources) yield* source.leases;
  }

  take(source: GroupSource, max: number): LeasedRecord[] {
    if (this.#takers.precede(source)) return [];
    const count = Math.min(max, this.#home.limits.inFlightMax - this.#inFlight);
    const leases: LeasedRecord[] = [];
    try {
      this.#redeliver(leases, count);
      if (leases.length < count || count === 0) this.#deliverFresh(leases, count);
    } catch (error) {
      // What was taken before the log could not be read is delivered; the next take meets the error again.
      if (leases.length === 0) throw error;
    }
    if (leases.length > 0) this.#lease(source, leases);
    return leases;
  }

  wait(source: GroupSource): void {
    this.#takers.add(source);
    this.#setAlarm();
  }

  done(lease: LeasedRecord): void {
    this.#settle(lease);
    this.#afterSettling();
  }

  doneWith(lease: LeasedRecord, sends: readonly Staged[]): void {
    this.#home.stage(sends, () => {
      lease.list?.remove(lease);
      this.#settle(lease);
    });
    this.#afterSettling();
  }

  retry(lease: LeasedRecord, { delayMs, counts }: Retrying): void {
    const wallMs = Math.floor(this.clock.nowMs());
    const period = this.#journal.touch();
    this.progress.remember(lease.record.offset, {
      attempts: counts ? lease.attempt : lease.attempt - 1,
      dueAtMs: delayMs > 0 ? Math.ceil(wallMs + delayMs) : 0,
      firstFailedAtMs: lease.firstFailedAtMs ?? (counts ? wallMs : 0),
    });
    const dueMs = delayMs > 0 ? this.clock.monotonicMs() + delayMs : 0;
    this.#returning.push({ offset: lease.record.offset, dueMs, period });
    this.#inFlight--;
  }

  giveBack(leases: readonly LeasedRecord[]): void {
    for (const lease of leases) this.retry(lease, { delayMs: 0, counts: false });
  }

  prolonged(source: GroupSource): void {
    // Sooner than before, when the leases were made shorter.
    this.#alarm.setBy(source.leases.firstDeadlineMs);
  }

  flush(): Promise<void> {
    return this.#failure === undefined ? this.#home.log.flush() : Promise.reject(this.#failure);
  }

  stopped(source: GroupSource): void {
    this.#takers.remove(source);
    this.#takers.serve();
  }

  left(source: GroupSource): void {
    this.#takers.sources.delete(source);
  }

  /** Settles a message that nobody has leased. */
  remove(record: RecordView): void {
    this.#journal.touch();
    if (!this.progress.settle(record.offset)) return;
    this.#settledCount++;
    this.#home.settled(record);
  }

  /** What the queue holds, in bytes; survives a restart. */
  countBytes(bytes: number): void {
    this.#journal.touch();
    this.progress.setBytes(bytes);
  }

  progressDurable(period: number): void {
    if (this.#returning.length > 0) this.#takeBack(period);
  }

  progressFailed(error: Error): void {
    this.#home.failed(error);
  }

  /** Nothing is handed out any more. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#alarm.cancel();
    this.#takers.fail(error);
  }

  async close(): Promise<void> {
    this.#alarm.cancel();
    for (const source of this.#takers.sources) await source.close();
  }

  #lease(source: GroupSource, leases: readonly LeasedRecord[]): void {
    const deadlineMs = this.clock.monotonicMs() + source.options.leaseMs;
    for (const lease of leases) source.leases.add(lease, deadlineMs);
    this.#inFlight += leases.length;
    this.#journal.touch();
    this.#alarm.setBy(deadlineMs);
  }

  #redeliver(leases: LeasedRecord[], count: number): void {
    if (this.#returned.size === 0) return;
    const nowMs = this.clock.monotonicMs();
    this.#lookedAtMs = nowMs;
    this.#lookup ??= new RecordLookup(this.#home.partition);
    while (leases.length < count && this.#returned.firstDueMs <= nowMs) {
      const offset = this.#returned.firstOffset;
      if (!this.progress.settled.has(offset)) {
        const record = this.#lookup.find(offset);
        if (record === undefined) this.#vanish(offset, offset + 1);
        else leases.push(this.#again(record));
      }
      this.#returned.pop();
    }
    if (this.#returned.size === 0) this.#lookup = undefined;
  }

  #again(record: RecordView): LeasedRecord {
    const firstFailedAtMs = this.progress.retry(record.offset)?.firstFailedAtMs ?? 0;
    const lease = new LeasedRecord(record, this.#home.lane, this.progress.deliver(record.offset));
    if (firstFailedAtMs > 0) lease.firstFailedAtMs = firstFailedAtMs;
    this.#redeliveredCount++;
    return lease;
  }

  #deliverFresh(leases: LeasedRecord[], count: number): void {
    const { progress } = this;
    const fresh = (this.#fresh ??= new RecordStream(this.#home.partition, progress.deliveredHigh));
    if (this.#holdsBack(count, fresh)) return;
    let reached = progress.deliveredHigh;
    try {
      while (leases.length < count) {
        const record = fresh.next();
        const at = record?.offset ?? Math.min(fresh.position, this.#home.partition.endOffset);
        if (at > reached) this.#vanish(reached, at);
        reached = Math.max(reached, at);
        if (record === undefined) break;
        reached = at + 1;
        if (!progress.settled.has(at)) leases.push(new LeasedRecord(record, this.#home.lane, 1));
      }
    } finally {
      // Also when the log could not be read on: what was handed out must not be taken for a gap next time.
      progress.reach(reached);
    }
  }

  /** Whether a limit keeps fresh messages where they are. Says so once, when it begins to matter. */
  #holdsBack(count: number, fresh: RecordStream): boolean {
    const { limits } = this.#home;
    const wasSaid = this.#heldBack !== undefined;
    this.#heldBack = undefined;
    if (count <= 0) this.#heldBack = "inFlightMax";
    else if (this.progress.retries >= limits.retriesMax) this.#heldBack = "retriesMax";
    const limit = this.#heldBack;
    if (limit === undefined) return false;
    if (!wasSaid && fresh.peek() !== undefined) {
      const fields = { channel: this.#home.channel, group: this.group, limit, most: limits[limit] };
      this.#home.logger.warn(fields, "no fresh message is handed out until others are settled: a limit is reached");
    }
    return true;
  }

  /** These offsets do not exist (any more): damaged, or cleaned away. They must not hold up the floor. */
  #vanish(from: number, to: number): void {
    this.#journal.touch();
    this.progress.settleRange(from, to);
    this.#home.settled(undefined);
  }

  #settle(lease: LeasedRecord): void {
    this.#inFlight--;
    this.#settledCount++;
    this.#journal.touch();
    this.progress.settle(lease.record.offset);
    this.#home.settled(lease.record);
  }

  #afterSettling(): void {
    if (this.#heldBack !== undefined && this.#takers.size > 0) this.#takers.serve();
  }

  #takeBack(period: number): void {
    this.#returning = this.#returning.filter((each) => {
      if (each.period > period) return true;
      this.#returned.push(each.offset, each.dueMs);
      return false;
    });
    this.#takers.serve();
    this.#setAlarm();
  }

  #ring(): void {
    const nowMs = this.clock.monotonicMs();
    for (const source of this.#takers.sources) {
      const expired = source.leases.takeExpired(nowMs);
      for (const lease of expired) this.retry(lease, { delayMs: 0, counts: true });
      tellLost(source, expired, this.#home.logger);
    }
    this.#takers.serve();
    this.#setAlarm();
  }

  #setAlarm(): void {
    if (this.#failure !== undefined) return;
    this.#alarm.setBy(this.#takers.firstDeadlineMs());
    // What was due at the last look needs no alarm. What has become due since needs one: time goes on between the two.
    if (this.#takers.size > 0 && this.#returned.firstDueMs > this.#lookedAtMs) {
      this.#alarm.setBy(this.#returned.firstDueMs);
    }
  }
}
