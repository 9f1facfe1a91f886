import type { IncomingDelivery } from "../driver.js";
import { Ahead } from "./ahead.js";
import { HeldDelivery } from "./held-delivery.js";
import type { HeldList } from "./held-list.js";
import type { Scheduler, SchedulerParts } from "./scheduler.js";
import { Slices } from "./slices.js";
import { Work } from "./work.js";

/** The deliveries of one key of one partition, in order; of those without a key, one alone. */
interface KeyLane {
  /** undefined: its messages have no key, so it is known to nobody. */
  readonly name: string | undefined;
  waiting: IncomingDelivery[];
  mode: "idle" | "ready" | "calling";
}

/**
 * The keys of a stream: one call after the other for each key, in order, and up to `concurrency` of them at once, also within one partition.
 * A message that fails goes back to the driver, and with it what is behind it of its key; what that means for others of its
 * partition is the driver's.
 */
export class KeyScheduler<T> implements Scheduler<T> {
  readonly #parts: SchedulerParts<T>;
  readonly #work: Work<T>;
  readonly #slices: Slices;
  readonly #ahead: Ahead;
  /** Those that hold something, by partition and key. */
  readonly #lanes = new Map<string, KeyLane>();
  /** Lanes whose next call can be made, in turn. */
  readonly #ready: KeyLane[] = [];
  readonly #calling = new Map<HeldDelivery<T>, KeyLane>();
  /** Deliveries that have not begun. */
  #waiting = 0;

  constructor(parts: SchedulerParts<T>) {
    this.#parts = parts;
    this.#ahead = new Ahead(parts.clock, 2 * parts.handling.concurrency);
    this.#slices = new Slices(parts.clock, () => this.#beginNext());
    this.#work = new Work(parts, { ended: (held) => this.#ended(held) });
  }

  get begun(): HeldList<T> {
    return this.#work.begun;
  }

  /**
   * Asks in few, larger portions: not before half of what it may hold is through. When all it holds is of keys that are at work already, it
   * looks further for others, as far as a limit allows.
   */
  room(): number {
    const held = this.#waiting + this.#calling.size;
    const { most, limit } = this.#ahead;
    const isIdle = this.#ready.length === 0 && this.#calling.size < this.#parts.places.now;
    if (held <= most / 2) return most - held;
    return isIdle && held < limit ? Math.min(most, limit - held) : 0;
  }

  add(deliveries: readonly IncomingDelivery[]): void {
    this.#ahead.adapt();
    for (const incoming of deliveries) {
      const lane = this.#lane(incoming);
      lane.waiting.push(incoming);
      this.#waiting += 1;
      if (lane.mode === "idle") this.#makeReady(lane);
    }
    this.#slices.run();
  }

  /** In the order of each partition. */
  waiting(): IncomingDelivery[] {
    const lanes = new Set([...this.#lanes.values(), ...this.#ready]);
    const waiting = [...lanes].flatMap((lane) => lane.waiting);
    return waiting.sort((one, other) => Number((one.offset ?? 0n) - (other.offset ?? 0n)));
  }

  forget(gone: (delivery: IncomingDelivery) => boolean): void {
    for (const lane of new Set([...this.#lanes.values(), ...this.#ready])) {
      const kept = lane.waiting.filter((each) => !gone(each));
      this.#waiting -= lane.waiting.length - kept.length;
      lane.waiting = kept;
      if (lane.mode === "idle") this.#rest(lane);
    }
  }

  grown(): void {
    this.#slices.run();
  }

  expire(held: HeldDelivery<T>): void {
    this.#work.expire(held);
  }

  #lane({ partition, key }: IncomingDelivery): KeyLane {
    if (key === undefined) return { name: undefined, waiting: [], mode: "idle" };
    const name = `${partition}/${key}`;
    let lane = this.#lanes.get(name);
    if (lane === undefined) this.#lanes.set(name, (lane = { name, waiting: [], mode: "idle" }));
    return lane;
  }

  #makeReady(lane: KeyLane): void {
    lane.mode = "ready";
    this.#ready.push(lane);
  }

  #beginNext(): boolean {
    if (this.#calling.size >= this.#parts.places.now) return false;
    const lane = this.#ready.shift();
    if (lane === undefined) return false;
    const incoming = lane.waiting.shift();
    if (incoming === undefined) {
      this.#rest(lane);
      return true;
    }
    this.#waiting -= 1;
    lane.mode = "calling";
    const held = new HeldDelivery(incoming, incoming.attempt, this.#parts.holder);
    this.#calling.set(held, lane);
    this.#work.begin([held], this.#slices.startMs);
    return true;
  }

  #ended(held: HeldDelivery<T>): void {
    const lane = this.#calling.get(held);
    this.#calling.delete(held);
    this.#ahead.ended();
    if (lane !== undefined) this.#rest(lane);
    if (this.#ready.length > 0) this.#slices.run();
    this.#parts.events.freed();
  }

  /** Its call is over: its next one is ready, or it is forgotten. */
  #rest(lane: KeyLane): void {
    lane.mode = "idle";
    if (lane.waiting.length > 0) this.#makeReady(lane);
    else if (lane.name !== undefined) this.#lanes.delete(lane.name);
  }
}
