import type { IncomingDelivery } from "../driver.js";
import { Ahead } from "./ahead.js";
import { HeldDelivery } from "./held-delivery.js";
import type { HeldList } from "./held-list.js";
import { Lane } from "./lane.js";
import type { Scheduler, SchedulerParts } from "./scheduler.js";
import { Slices } from "./slices.js";
import { Work } from "./work.js";

/**
 * The partitions of a stream: within each, strictly one call after the other in order; up to `concurrency` of them at once.
 * A message that fails goes back to the driver, and with it everything behind it in its partition, or, where it is parked, of its key: it comes again when
 * its pause is over, and then the others. Other partitions go on meanwhile.
 */
export class LaneScheduler<T> implements Scheduler<T> {
  readonly #parts: SchedulerParts<T>;
  readonly #work: Work<T>;
  readonly #slices: Slices;
  readonly #ahead: Ahead;
  readonly #lanes = new Map<number | undefined, Lane<T>>();
  /** Lanes whose next call can be made, in turn. */
  readonly #ready: Lane<T>[] = [];
  /** Deliveries that have not ended. */
  #held = 0;
  #calling = 0;

  constructor(parts: SchedulerParts<T>) {
    this.#parts = parts;
    const { size, concurrency, channel } = parts.handling;
    this.#ahead = new Ahead(parts.clock, 2 * size * Math.min(concurrency, channel.spec.partitions));
    this.#slices = new Slices(parts.clock, () => this.#beginNext());
    this.#work = new Work(parts, {
      ended: (held) => {
        this.#held -= 1;
        this.#ahead.ended();
        this.#decided(this.#lane(held.incoming.partition));
      },
      keep: (held, verdict) => {
        const lane = this.#lane(held.incoming.partition);
        lane.failed.push({ held, verdict });
        this.#decided(lane);
      },
    });
  }

  get begun(): HeldList<T> {
    return this.#work.begun;
  }

  /** Asks in few, larger portions: not before half of what it may hold is through. */
  room(): number {
    const { most } = this.#ahead;
    return this.#held > most / 2 ? 0 : most - this.#held;
  }

  add(deliveries: readonly IncomingDelivery[]): void {
    this.#ahead.adapt();
    for (const incoming of deliveries) {
      const lane = this.#lane(incoming.partition);
      lane.push(incoming);
      this.#held += 1;
      if (lane.mode === "idle" || lane.mode === "filling") this.#fill(lane);
    }
    this.#slices.run();
  }

  waiting(): IncomingDelivery[] {
    return [...this.#lanes.values()].flatMap((lane) => lane.waiting());
  }

  forget(gone: (delivery: IncomingDelivery) => boolean): void {
    for (const lane of this.#lanes.values()) {
      const before = lane.length;
      lane.forget(gone);
      this.#held -= before - lane.length;
    }
  }

  grown(): void {
    this.#slices.run();
  }

  expire(held: HeldDelivery<T>): void {
    this.#work.expire(held);
  }

  #lane(partition: number | undefined): Lane<T> {
    const known = this.#lanes.get(partition);
    if (known !== undefined) return known;
    const lane = new Lane<T>();
    this.#lanes.set(partition, lane);
    return lane;
  }

  /** Ready at once when its next call is full, or need not be; else when `within` is over. */
  #fill(lane: Lane<T>): void {
    const { size, withinMs } = this.#parts.handling;
    if (withinMs === 0 || lane.length >= size) return this.#makeReady(lane);
    if (lane.mode === "filling") return;
    lane.mode = "filling";
    lane.timer = this.#parts.clock.after(withinMs, () => {
      this.#makeReady(lane);
      this.#slices.run();
    });
  }

  #makeReady(lane: Lane<T>): void {
    lane.timer?.cancel();
    lane.timer = undefined;
    lane.mode = "ready";
    this.#ready.push(lane);
  }

  #beginNext(): boolean {
    const { size, policy } = this.#parts.handling;
    if (this.#calling >= this.#parts.places.now) return false;
    const lane = this.#ready.shift();
    if (lane === undefined) return false;
    const taken = lane.take(size, policy.attempts);
    lane.mode = taken.length === 0 ? "idle" : "calling";
    if (taken.length === 0) return true;
    lane.open = taken.length;
    this.#calling += 1;
    const batch = taken.map((incoming) => new HeldDelivery(incoming, incoming.attempt, this.#parts.holder));
    this.#work.begin(batch, this.#slices.startMs);
    return true;
  }

  /** One more of the lane's call is decided; with the last of them the call has ended. */
  #decided(lane: Lane<T>): void {
    lane.open -= 1;
    if (lane.open > 0) return;
    this.#calling -= 1;
    lane.mode = "idle";
    if (lane.failed.length > 0) this.#giveBack(lane);
    if (lane.length > 0) this.#fill(lane);
    if (this.#ready.length > 0) this.#slices.run();
    this.#parts.events.freed();
  }

  /**
   * The last that failed first: each takes what is behind it along, and by then those have had their say. What waited
   * here is behind all of them; a driver tells us that it is lost, and if not we let go of it.
   */
  #giveBack(lane: Lane<T>): void {
    const failed = lane.failed.sort((one, other) => (isBefore(one.held, other.held) ? 1 : -1));
    lane.failed = [];
    for (const { held, verdict } of failed) this.#work.settleKept(held, verdict);
    this.#held -= failed.length;
    // What is behind it of its key is lost, as the driver tells us; the rest goes on.
    if (this.#parts.handling.reading?.onFailure === "park") return;
    const behind = new Set(lane.waiting());
    for (const each of [...behind].toReversed()) this.#work.releaseWaiting(each);
    this.forget((delivery) => behind.has(delivery));
  }
}

function isBefore<T>(one: HeldDelivery<T>, other: HeldDelivery<T>): boolean {
  return (one.incoming.offset ?? 0n) < (other.incoming.offset ?? 0n);
}
