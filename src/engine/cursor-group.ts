/**
 * A group that reads a stream: its members share the partitions, each partition is read by one of them.
 *
 * When a member joins, leaves, stops or stalls, the partitions are assigned anew. One that changes hands is no longer handed out
 * by its owner, and moves once the owner's leases in it have ended; the others go on meanwhile.
 * A member stalls when a lease of its ends unsettled and it does not ask for more: its partitions move to members
 * that work. It is one of them again as soon as it takes or prolongs.
 */
import type { Clock } from "../base/clock.js";
import type { Limits } from "../base/limits.js";
import type { Logger } from "../base/logger.js";
import type { Log } from "../log/log.js";
import type { Partition } from "../log/partition/partition.js";
import { Alarm } from "./alarm.js";
import type { DoneMark, DoneMarks } from "./dedup/done-marks.js";
import type { Dispenser, GroupSource, Retrying, SourceOptions } from "./group-source.js";
import { moveBytesMax } from "./handled-before.js";
import type { LeasedRecord } from "./leases.js";
import type { Staged } from "./message.js";
import { type CursorHome, PartitionCursor } from "./partition-cursor.js";
import type { Progress } from "./progress.js";
import type { Rebalance } from "./rebalances.js";
import { Sharing } from "./sharing.js";
import { Takers, tellLost } from "./takers.js";

export interface CursorGroupHome {
  readonly log: Log;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly logger: Logger;
  readonly channel: string;
  readonly isCompacted: boolean;
  readonly partitions: readonly Partition[];
  stage(sends: readonly Staged[], alongside: () => void): void;
  failed(error: Error): void;
  readonly marks: DoneMarks;
}

export class CursorGroup implements Dispenser {
  readonly clock: Clock;
  readonly group: string;
  readonly marks: DoneMarks;
  readonly cursors: PartitionCursor[] = [];
  readonly #home: CursorGroupHome;
  readonly #takers = new Takers();
  readonly #alarm: Alarm;
  readonly #sharing: Sharing;
  /** Where each source goes on in its round through its partitions. */
  readonly #turns = new WeakMap<GroupSource, number>();
  #failure: Error | undefined;
  #settledCount = 0;

  constructor(home: CursorGroupHome, group: string, progress: readonly Progress[]) {
    this.#home = home;
    this.group = group;
    this.clock = home.clock;
    this.marks = home.marks;
    this.#alarm = new Alarm(home.clock, { ring: () => this.#ring(), failed: (error) => home.failed(error) });
    const { clock, logger, channel } = home;
    this.#sharing = new Sharing({
      clock,
      logger,
      channel,
      group,
      cursors: this.cursors,
      sources: this.#takers.sources,
    });
    this.extendTo(progress);
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  get members(): number {
    return this.#takers.sources.size;
  }

  get lanes(): readonly PartitionCursor[] {
    return this.cursors;
  }

  get inFlight(): number {
    return this.cursors.reduce((sum, cursor) => sum + cursor.inFlight, 0);
  }

  get settledCount(): number {
    return this.#settledCount;
  }

  get redeliveredCount(): number {
    return this.cursors.reduce((sum, cursor) => sum + cursor.redelivered, 0);
  }

  /** The stream has more partitions than before: these begin at their first record. */
  extendTo(progress: readonly Progress[]): void {
    const home: CursorHome = {
      log: this.#home.log,
      clock: this.clock,
      logger: this.#home.logger,
      channel: this.#home.channel,
      group: this.group,
      isCompacted: this.#home.isCompacted,
      windowMax: Math.max(1, Math.floor(this.#home.limits.inFlightMax / progress.length)),
      parkedMax: Math.max(1, Math.floor(this.#home.limits.retriesMax / progress.length)),
      ready: () => this.committed(),
      failed: (error) => this.#home.failed(error),
    };
    for (const [index, partition] of this.#home.partitions.entries()) {
      const known = progress[index];
      if (index < this.cursors.length || known === undefined) continue;
      this.cursors.push(new PartitionCursor(home, partition, known));
    }
    if (this.members === 0) return;
    this.#sharing.rebalance("partitions");
    this.committed();
  }

  /** @throws MillraceError GROUP_MISMATCH when it does not fit the members that are there */
  refuseOther(options: SourceOptions): void {
    this.#sharing.refuseOther(options);
  }

  join(source: GroupSource): void {
    this.#takers.sources.add(source);
    this.#sharing.joined(source);
    this.committed();
  }

  /** How its partitions came to be shared as they are, the oldest first. */
  get rebalances(): readonly Rebalance[] {
    return this.#sharing.history;
  }

  committed(): void {
    this.#takers.serveEach();
    this.#setAlarm();
  }

  take(source: GroupSource, max: number): LeasedRecord[] {
    this.#revive(source);
    const leases: LeasedRecord[] = [];
    const cursors = this.cursors.filter((cursor) => cursor.owner === source);
    try {
      this.#takeFairly(source, cursors, { leases, max });
    } catch (error) {
      // What was taken before the log could not be read is delivered; the next take meets the error again.
      if (leases.length === 0) throw error;
    }
    if (leases.length === 0) return leases;
    const deadlineMs = this.clock.monotonicMs() + source.options.leaseMs;
    for (const lease of leases) source.leases.add(lease, deadlineMs);
    this.#alarm.setBy(deadlineMs);
    return leases;
  }

  wait(source: GroupSource): void {
    this.#takers.add(source);
    this.#setAlarm();
  }

  done(lease: LeasedRecord): void {
    const { full } = cursorOf(lease);
    this.#settle(lease);
    this.#afterLease(lease, full);
  }

  doneWith(lease: LeasedRecord, sends: readonly Staged[], mark: DoneMark | undefined): void {
    const { full } = cursorOf(lease);
    this.#home.stage(sends, () => {
      lease.list?.remove(lease);
      this.#settle(lease);
      if (mark !== undefined) this.marks.add(mark);
    });
    this.#afterLease(lease, full);
  }

  retry(lease: LeasedRecord, retrying: Retrying): void {
    const cursor = cursorOf(lease);
    const owner = cursor.owner;
    const lost = cursor.retry(lease, retrying);
    if (owner !== undefined) tellLost(owner, lost, this.#home.logger);
    this.#afterLease(lease, false);
  }

  giveBack(leases: readonly LeasedRecord[]): void {
    for (const lease of leases) this.retry(lease, { delayMs: 0, counts: false });
  }

  prolonged(source: GroupSource): void {
    this.#revive(source);
    this.#alarm.setBy(source.leases.firstDeadlineMs);
  }

  flush(): Promise<void> {
    return this.#failure === undefined ? this.#home.log.flush() : Promise.reject(this.#failure);
  }

  stopped(source: GroupSource): void {
    this.#takers.remove(source);
    this.#sharing.rebalance("left", source);
    this.committed();
  }

  left(source: GroupSource): void {
    this.#takers.sources.delete(source);
    this.#sharing.left(source);
    this.committed();
  }

  /** Goes on at these offsets, by partition; undefined stays as it is. All of it is one commit. */
  moveTo(offsets: readonly (number | undefined)[]): void {
    this.#home.log.atomically(offsets.length * moveBytesMax, () => {
      for (const [index, offset] of offsets.entries()) if (offset !== undefined) this.cursors[index]?.moveTo(offset);
    });
    for (const [index, cursor] of this.cursors.entries()) {
      if (offsets[index] === undefined) continue;
      const { owner } = cursor;
      const lost = owner?.leases.takeOf(cursor) ?? [];
      if (cursor.moving) this.#sharing.move(cursor);
      if (owner !== undefined) tellLost(owner, lost, this.#home.logger);
    }
  }

  /** Retention has taken records away. */
  passExpired(): void {
    for (const cursor of this.cursors) cursor.passExpired();
  }

  *leases(): Generator<LeasedRecord> {
    for (const source of this.#takers.sources) yield* source.leases;
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.#alarm.cancel();
    this.#takers.fail(error);
  }

  async close(): Promise<void> {
    this.#alarm.cancel();
    for (const source of this.#takers.sources) await source.close();
  }

  /** A fair share of each partition first, then whatever is left of any. The next take begins one partition further. */
  #takeFairly(
    source: GroupSource,
    cursors: readonly PartitionCursor[],
    into: { leases: LeasedRecord[]; max: number },
  ): void {
    const { leases, max } = into;
    const turn = this.#turns.get(source) ?? 0;
    this.#turns.set(source, turn + 1);
    const share = Math.max(1, Math.floor(max / Math.max(1, cursors.length)));
    for (const most of [share, max]) {
      for (let index = 0; index < cursors.length && leases.length < max; index++) {
        const cursor = cursors[(turn + index) % cursors.length];
        cursor?.take(leases, Math.min(max, leases.length + most));
      }
    }
  }

  #settle(lease: LeasedRecord): void {
    this.#settledCount++;
    cursorOf(lease).done(lease.record.offset);
  }

  /** A lease is over: its partition may be able to move, or its window, if that was full, to go on. */
  #afterLease(lease: LeasedRecord, wasFull: boolean): void {
    const cursor = cursorOf(lease);
    const moves = cursor.moving && cursor.inFlight === 0;
    if (moves) this.#sharing.move(cursor);
    if ((moves || wasFull) && this.#takers.size > 0) this.committed();
  }

  #revive(source: GroupSource): void {
    if (this.#sharing.revived(source)) this.committed();
  }

  #ring(): void {
    const nowMs = this.clock.monotonicMs();
    const stalled: GroupSource[] = [];
    for (const source of this.#takers.sources) {
      const expired = source.leases.takeExpired(nowMs);
      if (expired.length === 0) continue;
      this.#expire(source, expired);
      if (!source.waiting) stalled.push(source);
    }
    this.#sharing.stalled(stalled);
    this.committed();
  }

  #expire(source: GroupSource, expired: readonly LeasedRecord[]): void {
    const lost = [...expired];
    for (const cursor of this.cursors) {
      const own = expired.filter((lease) => lease.lane === cursor);
      lost.push(...cursor.expire(own.sort((one, other) => one.record.offset - other.record.offset)));
    }
    tellLost(source, lost, this.#home.logger);
  }

  #setAlarm(): void {
    if (this.#failure !== undefined) return;
    this.#alarm.setBy(this.#takers.firstDeadlineMs());
    // A time that has come since its owner looked counts too. Who does not wait will look by himself.
    for (const { nextDueMs, owner } of this.cursors) if (owner?.waiting === true) this.#alarm.setBy(nextDueMs);
  }
}

function cursorOf(lease: LeasedRecord): PartitionCursor {
  return lease.lane as PartitionCursor;
}
