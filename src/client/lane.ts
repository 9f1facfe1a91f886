import type { Timer } from "../base/clock.js";
import type { IncomingDelivery } from "../driver.js";
import type { HeldDelivery } from "./held-delivery.js";
import type { Retry } from "./verdict.js";

/** A delivery that failed, kept until its whole call has ended. */
export interface Failed<T> {
  readonly held: HeldDelivery<T>;
  readonly verdict: Retry;
}

/**
 * The deliveries of one partition, in order. One call at a time.
 *
 *   idle ──▶ ready ──▶ calling ──▶ idle
 *    └──▶ filling ──▶ ready           a batch waits to be full, or for its time
 */
export class Lane<T> {
  mode: "idle" | "filling" | "ready" | "calling" = "idle";
  timer: Timer | undefined;
  /** Messages of the call under way that have not ended. */
  open = 0;
  /** Those of them that failed. */
  failed: Failed<T>[] = [];
  #waiting: IncomingDelivery[] = [];
  /** Where `waiting` begins: what is before it is cut off only now and then, because that moves the rest. */
  #next = 0;

  get length(): number {
    return this.#waiting.length - this.#next;
  }

  push(incoming: IncomingDelivery): void {
    this.#waiting.push(incoming);
  }

  /** The next call: `size` at most. One on its last attempt goes alone, unless all have but one attempt. */
  take(size: number, attemptsMax: number): readonly IncomingDelivery[] {
    let end = Math.min(this.#next + size, this.#waiting.length);
    for (let index = this.#next; attemptsMax > 1 && index < end; index++) {
      if ((this.#waiting[index]?.attempt ?? 1) >= attemptsMax) end = Math.max(this.#next + 1, index);
    }
    const taken = this.#waiting.slice(this.#next, end);
    this.#next = end;
    if (this.#next === this.#waiting.length || this.#next >= cutAfter) this.#cut();
    return taken;
  }

  waiting(): IncomingDelivery[] {
    return this.#waiting.slice(this.#next);
  }

  forget(gone: (delivery: IncomingDelivery) => boolean): void {
    this.#cut();
    this.#waiting = this.#waiting.filter((each) => !gone(each));
  }

  #cut(): void {
    this.#waiting.splice(0, this.#next);
    this.#next = 0;
  }
}

const cutAfter = 256;
