import type { IncomingDelivery } from "../driver.js";
import { HeldDelivery } from "./held-delivery.js";
import type { HeldList } from "./held-list.js";
import type { Scheduler, SchedulerParts } from "./scheduler.js";
import { Slices } from "./slices.js";
import { Work } from "./work.js";

/** One message a call, in any order, up to `concurrency` at once. It fetches no more than it can begin. */
export class QueueScheduler<T> implements Scheduler<T> {
  readonly #parts: SchedulerParts<T>;
  readonly #work: Work<T>;
  readonly #slices: Slices;
  #waiting: readonly IncomingDelivery[] = [];
  #next = 0;
  #running = 0;

  constructor(parts: SchedulerParts<T>) {
    this.#parts = parts;
    this.#slices = new Slices(parts.clock, () => this.#beginNext());
    this.#work = new Work(parts, {
      ended: () => {
        this.#running -= 1;
        if (this.#next < this.#waiting.length) this.#slices.run();
        parts.events.freed();
      },
    });
  }

  get begun(): HeldList<T> {
    return this.#work.begun;
  }

  room(): number {
    return this.#next < this.#waiting.length ? 0 : Math.max(0, this.#parts.places.now - this.#running);
  }

  add(deliveries: readonly IncomingDelivery[]): void {
    this.#waiting = this.#next < this.#waiting.length ? [...this.waiting(), ...deliveries] : deliveries;
    this.#next = 0;
    this.#slices.run();
  }

  grown(): void {
    this.#slices.run();
  }

  waiting(): IncomingDelivery[] {
    return this.#waiting.slice(this.#next);
  }

  forget(gone: (delivery: IncomingDelivery) => boolean): void {
    this.#waiting = this.waiting().filter((delivery) => !gone(delivery));
    this.#next = 0;
  }

  expire(held: HeldDelivery<T>): void {
    this.#work.expire(held);
  }

  #beginNext(): boolean {
    const { holder } = this.#parts;
    const incoming = this.#waiting[this.#next];
    if (incoming === undefined) return false;
    this.#next += 1;
    this.#running += 1;
    this.#work.begin([new HeldDelivery(incoming, incoming.attempt, holder)], this.#slices.startMs);
    return true;
  }
}
