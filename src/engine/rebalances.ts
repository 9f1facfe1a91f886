/** What happened to the sharing of a group's partitions: why, what moved, and how long that took. The last so many, in memory only. */
import type { Clock } from "../base/clock.js";

/** What made the partitions be shared out anew. "back": a member that had stalled works again. "partitions": there are more of them. */
export type RebalanceCause = "joined" | "left" | "stalled" | "back" | "partitions";

export interface PartitionHandover {
  readonly partition: number;
  /** A member's name, or of one without a name "#" and the number of its joining. */
  readonly from: string | undefined;
  readonly to: string | undefined;
}

export interface Rebalance {
  readonly atMs: number;
  readonly cause: RebalanceCause;
  /** Who joined, left, stalled or is back. */
  readonly member: string | undefined;
  readonly moved: readonly PartitionHandover[];
  /** Until the last of them was handed over; undefined while a lease of an old owner is waited for. */
  readonly tookMs: number | undefined;
}

/** A group keeps so many. */
const keptMax = 50;

class Running implements Rebalance {
  readonly atMs: number;
  readonly cause: RebalanceCause;
  readonly member: string | undefined;
  moved: PartitionHandover[] = [];
  tookMs: number | undefined;
  readonly beganMs: number;
  /** Partitions that wait for leases of their old owner. */
  readonly open = new Set<number>();

  constructor(clock: Clock, cause: RebalanceCause, member: string | undefined) {
    this.atMs = clock.nowMs();
    this.beganMs = clock.monotonicMs();
    this.cause = cause;
    this.member = member;
  }
}

export class Rebalances {
  readonly #clock: Clock;
  readonly #completed: (rebalance: Rebalance) => void;
  readonly #kept: Running[] = [];
  #running: Running | undefined;

  constructor(clock: Clock, completed: (rebalance: Rebalance) => void) {
    this.#clock = clock;
    this.#completed = completed;
  }

  /** The oldest first. */
  get history(): readonly Rebalance[] {
    return this.#kept.map(({ atMs, cause, member, moved, tookMs }) => ({
      atMs,
      cause,
      member,
      moved: [...moved],
      tookMs,
    }));
  }

  begin(cause: RebalanceCause, member: string | undefined): void {
    this.#running = new Running(this.#clock, cause, member);
    this.#kept.push(this.#running);
    if (this.#kept.length > keptMax) this.#kept.shift();
  }

  /** A partition is to move. If it was to move to somebody else before, that will not happen any more. */
  plan(handover: PartitionHandover): void {
    this.cancel(handover.partition);
    this.#running?.moved.push(handover);
    this.#running?.open.add(handover.partition);
  }

  /** A partition stays with its owner, although it was to move before. */
  cancel(partition: number): void {
    const waiting = this.#waitingFor(partition);
    if (waiting === undefined) return;
    waiting.moved = waiting.moved.filter((each) => each.partition !== partition);
    this.#close(waiting, partition);
  }

  handedOver(partition: number): void {
    const waiting = this.#waitingFor(partition);
    if (waiting !== undefined) this.#close(waiting, partition);
  }

  /** All that moves is planned. */
  planned(): void {
    const running = this.#running;
    this.#running = undefined;
    if (running !== undefined && running.open.size === 0) this.#complete(running);
  }

  #waitingFor(partition: number): Running | undefined {
    return this.#kept.findLast((each) => each.open.has(partition));
  }

  #close(waiting: Running, partition: number): void {
    waiting.open.delete(partition);
    // One that is still being planned ends with its plan.
    if (waiting.open.size === 0 && waiting !== this.#running) this.#complete(waiting);
  }

  #complete(rebalance: Running): void {
    rebalance.tookMs = this.#clock.monotonicMs() - rebalance.beganMs;
    this.#completed(rebalance);
  }
}
