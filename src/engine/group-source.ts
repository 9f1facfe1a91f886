/**
 * One consumer's side of a group: waits for messages, holds their leases, settles them.
 *
 *   open ──▶ stopped ──▶ closed          stopped: takes nothing more, settles what it has. closed: has given the rest back
 *
 * The same for queues, topics and streams; what is handed out next, and what becomes of it, is the dispenser's.
 */
import { assert } from "../base/assert.js";
import type { Clock } from "../base/clock.js";
import { LeasedRecord, LeaseList } from "./leases.js";
import type { Claim, DoneMark, DoneMarks } from "./dedup/done-marks.js";
import type { Delivery, Settlement, Source, Staged, StreamReading } from "./message.js";

/** How one delivery ends, other than by being done. */
export interface Retrying {
  readonly delayMs: number;
  readonly counts: boolean;
}

/** What hands out a group's messages to its sources, and takes them back. Leases have left their list when it is told. */
export interface Dispenser {
  /** Why nothing will be handed out any more. */
  readonly failure: Error | undefined;
  readonly marks: DoneMarks;
  readonly clock: Clock;
  /** Leases what is there now to this source, `max` at most; nothing when others have waited longer. */
  take(source: GroupSource, max: number): LeasedRecord[];
  /** `take` found nothing: `serve` the source when there is something. */
  wait(source: GroupSource): void;
  done(lease: LeasedRecord): void;
  /** Done, in one commit with the messages and the mark. Throws, with nothing changed, when these cannot be stored. */
  doneWith(lease: LeasedRecord, sends: readonly Staged[], mark: DoneMark | undefined): void;
  retry(lease: LeasedRecord, retrying: Retrying): void;
  giveBack(leases: readonly LeasedRecord[]): void;
  prolonged(source: GroupSource): void;
  flush(): Promise<void>;
  /** It takes nothing more. */
  stopped(source: GroupSource): void;
  left(source: GroupSource): void;
}

export interface SourceOptions {
  readonly leaseMs: number;
  readonly member: string | undefined;
  readonly stream?: StreamReading | undefined;
  readonly onLost: (deliveries: readonly Delivery[]) => void;
}

interface Waiting {
  readonly max: number;
  readonly resolve: (deliveries: readonly LeasedRecord[]) => void;
  readonly reject: (error: unknown) => void;
}

const nothing: readonly LeasedRecord[] = [];

/** Leases and delays: 100 years. */
const spanMsMax = 100 * 366 * 86_400_000;

export class GroupSource implements Source {
  readonly leases: LeaseList = new LeaseList();
  readonly options: SourceOptions;
  readonly #dispenser: Dispenser;
  #waiting: Waiting | undefined;
  #mode: "open" | "stopped" | "closed" = "open";

  constructor(dispenser: Dispenser, options: SourceOptions) {
    assertSpan(options.leaseMs);
    this.#dispenser = dispenser;
    this.options = options;
  }

  get open(): boolean {
    return this.#mode === "open";
  }

  /** Whether a `take` waits for something to be there. */
  get waiting(): boolean {
    return this.#waiting !== undefined;
  }

  take(max: number): Promise<readonly LeasedRecord[]> {
    assert(this.#waiting === undefined, "one take at a time");
    assert(max >= 1, "a take asks for at least one message");
    if (this.#mode !== "open") return Promise.resolve(nothing);
    const { failure } = this.#dispenser;
    if (failure !== undefined) return Promise.reject(failure);
    try {
      const leases = this.#dispenser.take(this, max);
      if (leases.length > 0) return Promise.resolve(leases);
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { max, resolve, reject };
      this.#dispenser.wait(this);
    });
  }

  /** There may be something for the waiting `take`. Returns whether it was served. */
  serve(): boolean {
    const waiting = this.#waiting;
    assert(waiting !== undefined, "only a source that waits is served");
    try {
      const leases = this.#dispenser.take(this, waiting.max);
      if (leases.length === 0) return false;
      this.#waiting = undefined;
      waiting.resolve(leases);
    } catch (error) {
      this.fail(error as Error);
    }
    return true;
  }

  /** Ends a waiting `take` with what makes it hopeless. */
  fail(error: Error): void {
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }

  settle(delivery: Delivery, settlement: Settlement): boolean {
    if (!(delivery instanceof LeasedRecord) || delivery.list !== this.leases) return false;
    if (settlement.kind === "done") {
      const { sends, mark } = settlement;
      if (sends.length === 0 && mark === undefined) {
        this.leases.remove(delivery);
        this.#dispenser.done(delivery);
      } else {
        this.#dispenser.doneWith(delivery, sends, mark);
      }
      return true;
    }
    if (settlement.kind === "retry") assertSpan(settlement.delayMs);
    this.leases.remove(delivery);
    if (settlement.kind === "retry") this.#dispenser.retry(delivery, settlement);
    else this.#dispenser.giveBack([delivery]);
    return true;
  }

  claim(delivery: Delivery, mark: DoneMark): Claim {
    // Of one that is no longer its own nothing will be settled: somebody else has to do it.
    if (!(delivery instanceof LeasedRecord) || delivery.list !== this.leases) return "taken";
    return this.#dispenser.marks.claim(delivery, mark);
  }

  extend(deliveries: readonly Delivery[], leaseMs: number): void {
    assertSpan(leaseMs);
    const deadlineMs = this.#dispenser.clock.monotonicMs() + leaseMs;
    for (const delivery of deliveries) {
      if (!(delivery instanceof LeasedRecord) || delivery.list !== this.leases) continue;
      this.leases.remove(delivery);
      this.leases.add(delivery, deadlineMs);
    }
    this.#dispenser.prolonged(this);
  }

  flush(): Promise<void> {
    return this.#dispenser.flush();
  }

  stop(): void {
    if (this.#mode !== "open") return;
    this.#mode = "stopped";
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#dispenser.stopped(this);
    waiting?.resolve(nothing);
  }

  async close(): Promise<void> {
    this.stop();
    if (this.#mode === "closed") return;
    this.#mode = "closed";
    const leases = [...this.leases];
    for (const lease of leases) this.leases.remove(lease);
    // A log that takes nothing any more forgets the leases with the process.
    if (leases.length > 0 && this.#dispenser.failure === undefined) this.#dispenser.giveBack(leases);
    this.#dispenser.left(this);
  }
}

/** A time that never comes could be neither waited for nor written down. */
function assertSpan(ms: number): void {
  assert(ms >= 0 && ms <= spanMsMax, `${ms} ms is not a time to wait`);
}
