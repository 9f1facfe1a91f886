/**
 * Hands out what has expired in a queue, to whoever buries it; or drops it, where the queue says so. Beside the group's own work:
 * it has sources and leases of its own, and takes nothing that somebody has leased.
 */
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { Log } from "../../log/log.js";
import { Alarm } from "../alarm.js";
import type { DoneMarks } from "../dedup/done-marks.js";
import { type Dispenser, GroupSource, type Retrying, type SourceOptions } from "../group-source.js";
import { LeasedRecord } from "../leases.js";
import type { Staged } from "../message.js";
import { Takers, tellLost } from "../takers.js";
import type { WorkGroup } from "../work-group.js";
import type { WorkLane } from "../work-lane.js";

export interface ExpiredHome {
  readonly log: Log;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly work: WorkGroup;
  stage(sends: readonly Staged[], alongside: () => void): void;
  failed(error: Error): void;
}

/** So many are dropped at once; then others have their turn. */
const dropsAtOnce = 1_000;

export class ExpiredMessages implements Dispenser {
  readonly clock: Clock;
  /** Whether they are dropped instead of handed out. */
  drops = false;
  readonly #home: ExpiredHome;
  readonly #takers = new Takers();
  readonly #alarm: Alarm;
  #failure: Error | undefined;
  #dropped = 0;

  constructor(home: ExpiredHome) {
    this.#home = home;
    this.clock = home.clock;
    this.#alarm = new Alarm(home.clock, { ring: () => this.#ring(), failed: (error) => home.failed(error) });
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Those of the group: what is buried was not done. */
  get marks(): DoneMarks {
    return this.#home.work.marks;
  }

  get dropped(): number {
    return this.#dropped;
  }

  join(options: SourceOptions): GroupSource {
    const source = new GroupSource(this, options);
    this.#takers.sources.add(source);
    return source;
  }

  /** There may be more that expires, or sooner. */
  ready(): void {
    if (this.#failure !== undefined) return;
    if (this.drops) this.#drop();
    else this.#takers.serve();
    this.#setAlarm();
  }

  take(source: GroupSource, max: number): LeasedRecord[] {
    if (this.#takers.precede(source) || this.drops) return [];
    const leases: LeasedRecord[] = [];
    const deadlineMs = this.clock.monotonicMs() + source.options.leaseMs;
    for (const lane of this.#lanes()) {
      const leased = this.#leasedIn(lane);
      while (leases.length < max) {
        const record = lane.expiry?.next(leased);
        if (record === undefined) break;
        leased.add(record.offset);
        const lease = new LeasedRecord(record, lane, lane.progress.attempts(record.offset));
        source.leases.add(lease, deadlineMs);
        leases.push(lease);
      }
    }
    if (leases.length > 0) this.#alarm.setBy(deadlineMs);
    return leases;
  }

  wait(source: GroupSource): void {
    this.#takers.add(source);
    this.#setAlarm();
  }

  done(lease: LeasedRecord): void {
    (lease.lane as WorkLane).remove(lease.record);
  }

  doneWith(lease: LeasedRecord, sends: readonly Staged[]): void {
    const isSettled = (lease.lane as WorkLane).progress.settled.has(lease.record.offset);
    // Removed meanwhile by an operator, or for want of room: there is nothing to be buried any more.
    this.#home.stage(isSettled ? [] : sends, () => {
      lease.list?.remove(lease);
      this.done(lease);
    });
  }

  retry(lease: LeasedRecord, { delayMs }: Retrying): void {
    (lease.lane as WorkLane).expiry?.cameBack(lease.record, delayMs);
    this.#setAlarm();
  }

  giveBack(leases: readonly LeasedRecord[]): void {
    for (const lease of leases) this.retry(lease, { delayMs: 0, counts: false });
  }

  prolonged(source: GroupSource): void {
    this.#alarm.setBy(source.leases.firstDeadlineMs);
  }

  flush(): Promise<void> {
    return this.#failure === undefined ? this.#home.log.flush() : Promise.reject(this.#failure);
  }

  stopped(source: GroupSource): void {
    this.#takers.remove(source);
    this.ready();
  }

  left(source: GroupSource): void {
    this.#takers.sources.delete(source);
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

  #lanes(): WorkLane[] {
    return this.#home.work.lanes.filter((lane) => lane.expiry !== undefined);
  }

  #leasedIn(lane: WorkLane): Set<number> {
    const leased = new Set<number>();
    for (const lease of this.#home.work.leases()) if (lease.lane === lane) leased.add(lease.record.offset);
    for (const source of this.#takers.sources) {
      for (const lease of source.leases) if (lease.lane === lane) leased.add(lease.record.offset);
    }
    return leased;
  }

  #drop(): void {
    let left = dropsAtOnce;
    for (const lane of this.#lanes()) {
      const leased = this.#leasedIn(lane);
      for (; left > 0; left--) {
        const record = lane.expiry?.next(leased);
        if (record === undefined) break;
        if (lane.remove(record)) this.#dropped++;
      }
    }
    if (left === 0) this.clock.soon(() => this.ready());
  }

  #ring(): void {
    const nowMs = this.clock.monotonicMs();
    for (const source of this.#takers.sources) {
      const lost = source.leases.takeExpired(nowMs);
      this.giveBack(lost);
      tellLost(source, lost, this.#home.logger);
    }
    this.ready();
  }

  #setAlarm(): void {
    if (this.#failure !== undefined) return;
    this.#alarm.setBy(this.#takers.firstDeadlineMs());
    if (this.#takers.size === 0 && !this.drops) return;
    for (const lane of this.#lanes()) this.#alarm.setBy(lane.expiry?.nextMs ?? Infinity);
  }
}
