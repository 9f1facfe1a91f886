/**
 * One group's work on a queue or a durable topic: hands out the messages of its lanes to its sources and takes them back.
 *
 *   WorkGroup ─ WorkLane, one a partition ─ Progress         what is handed out next, and what becomes of each message
 *      └─────── GroupSource, one a consumer ─ leases
 *
 * Memory is O(leased + returned): both have a limit, and where it is reached no fresh message is handed out.
 */
import type { Clock } from "../base/clock.js";
import type { Limits } from "../base/limits.js";
import type { Logger } from "../base/logger.js";
import type { Log } from "../log/log.js";
import type { RecordView } from "../log/batch/record.js";
import { Alarm } from "./alarm.js";
import type { DoneMark, DoneMarks } from "./dedup/done-marks.js";
import type { Dispenser, GroupSource, Retrying } from "./group-source.js";
import { moveBytesMax } from "./handled-before.js";
import type { LeasedRecord } from "./leases.js";
import type { Staged } from "./message.js";
import { type GroupLanes, RankedLanes } from "./ranked-lanes.js";
import { Takers, tellLost } from "./takers.js";
import type { Limit, WorkLane } from "./work-lane.js";

/** The channel that a work group belongs to. */
export interface WorkGroupHome {
  readonly log: Log;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly logger: Logger;
  /** Its name. */
  readonly channel: string;
  /** Stores the messages in one commit with what `alongside` changes. */
  stage(sends: readonly Staged[], alongside: () => void): void;
  failed(error: Error): void;
  readonly marks: DoneMarks;
}

export class WorkGroup implements Dispenser {
  readonly clock: Clock;
  readonly group: string;
  readonly marks: DoneMarks;
  readonly #lanes: GroupLanes;
  readonly #home: WorkGroupHome;
  readonly #takers = new Takers();
  readonly #alarm: Alarm;
  #inFlight = 0;
  #heldBack: Limit | undefined;
  /** A message that waited for another one can be handed out since that was settled. */
  #opened = false;
  #failure: Error | undefined;
  #settledCount = 0;

  constructor(home: WorkGroupHome, group: string, lanes: GroupLanes = new RankedLanes()) {
    this.#home = home;
    this.#lanes = lanes;
    this.group = group;
    this.clock = home.clock;
    this.marks = home.marks;
    this.#alarm = new Alarm(home.clock, { ring: () => this.#ring(), failed: (error) => home.failed(error) });
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

  /** The most urgent first. */
  get lanes(): readonly WorkLane[] {
    return this.#lanes.all;
  }

  /** Messages that wait for their time. */
  get delayed(): number {
    return this.lanes.reduce((sum, lane) => sum + lane.delayed, 0);
  }

  /** Messages known to wait behind another one of their key. */
  get parked(): number {
    return this.lanes.reduce((sum, lane) => sum + lane.parked, 0);
  }

  /** Messages that are not settled, those on their way to the disk included. */
  get depth(): number {
    let depth = 0;
    for (const lane of this.#lanes.all) depth += lane.depth;
    return depth;
  }

  /** What a queue with a bound on bytes holds. One number for all lanes: the first that was added keeps it. */
  get bytes(): number {
    return this.#lanes.first.progress.bytes;
  }

  /** Why no fresh message is handed out although there are some. */
  get heldBack(): Limit | undefined {
    return this.#heldBack ?? this.lanes.find((lane) => lane.heldBack !== undefined)?.heldBack;
  }

  get settledCount(): number {
    return this.#settledCount;
  }

  get redeliveredCount(): number {
    return this.lanes.reduce((sum, lane) => sum + lane.redelivered, 0);
  }

  /** Whether any of its messages expires. */
  get expires(): boolean {
    for (const lane of this.#lanes.all) if (lane.expiry !== undefined) return true;
    return false;
  }

  /** Which part of the deliveries goes to the lowest lanes first, 0 to 1. */
  set share(share: number) {
    this.#lanes.share = share;
  }

  add(lane: WorkLane, priority: number): void {
    this.#lanes.add(lane, priority);
  }

  join(source: GroupSource): void {
    this.#takers.sources.add(source);
  }

  /** There may be more to hand out than before. */
  ready(): void {
    this.#takers.serve();
    this.#setAlarm();
  }

  /** A partition has more records than before. */
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
    const freshToo = !this.#holdsBack(count);
    const leases: LeasedRecord[] = [];
    try {
      this.#lanes.take(leases, count, freshToo);
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

  doneWith(lease: LeasedRecord, sends: readonly Staged[], mark: DoneMark | undefined): void {
    this.#home.stage(sends, () => {
      lease.list?.remove(lease);
      this.#settle(lease);
      if (mark !== undefined) this.marks.add(mark);
    });
    this.#afterSettling();
  }

  retry(lease: LeasedRecord, retrying: Retrying): void {
    laneOf(lease).retry(lease, retrying);
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
  remove(partition: number, record: RecordView): void {
    const lane = this.lanes.find((each) => each.partition === partition);
    if (lane?.remove(record) === true) this.#settledCount++;
  }

  /** Goes on at these offsets, by partition; undefined stays as it is. All of it is one commit. */
  moveTo(offsets: readonly (number | undefined)[]): void {
    this.#home.log.atomically(offsets.length * moveBytesMax, () => {
      for (const lane of this.lanes) {
        const offset = offsets[lane.partition];
        if (offset !== undefined) lane.moveTo(offset);
      }
    });
    for (const source of this.#takers.sources) {
      const lost = this.lanes.flatMap((lane) =>
        offsets[lane.partition] === undefined ? [] : source.leases.takeOf(lane),
      );
      this.#inFlight -= lost.length;
      tellLost(source, lost, this.#home.logger);
    }
  }

  countBytes(bytes: number): void {
    this.#lanes.first.countBytes(bytes);
  }

  /** A limit keeps fresh messages where they are. */
  warnOf(limit: Limit): void {
    const fields = { channel: this.#home.channel, group: this.group, limit, most: this.#home.limits[limit] };
    this.#home.logger.warn(fields, "no fresh message is handed out until others are settled: a limit is reached");
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
    this.#alarm.setBy(deadlineMs);
  }

  /** Whether a limit keeps fresh messages where they are. Says so once, when it begins to matter. */
  #holdsBack(count: number): boolean {
    const { limits } = this.#home;
    const wasSaid = this.#heldBack !== undefined;
    this.#heldBack = undefined;
    if (count <= 0) this.#heldBack = "inFlightMax";
    else if (this.#retries() >= limits.retriesMax) this.#heldBack = "retriesMax";
    if (this.#heldBack === undefined) return false;
    if (!wasSaid && this.lanes.some((lane) => lane.hasFresh)) this.warnOf(this.#heldBack);
    return true;
  }

  #retries(): number {
    let retries = 0;
    for (const lane of this.#lanes.all) retries += lane.progress.retries;
    return retries;
  }

  #settle(lease: LeasedRecord): void {
    this.#inFlight--;
    this.#settledCount++;
    if (laneOf(lease).done(lease)) this.#opened = true;
  }

  #afterSettling(): void {
    const serves = this.#heldBack !== undefined || this.#opened;
    this.#opened = false;
    if (serves && this.#takers.size > 0) this.#takers.serve();
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
    if (this.#takers.size === 0) return;
    for (const lane of this.lanes) this.#alarm.setBy(lane.nextDueMs);
  }
}

function laneOf(lease: LeasedRecord): WorkLane {
  return lease.lane as WorkLane;
}
