import type { HeldDelivery } from "./held-delivery.js";

/**
 * Deliveries whose handler has begun and not ended, in the order they began. A list through the deliveries themselves: there is
 * one coming and going for each message, and a Set would leave a trail of tables behind it.
 */
export class HeldList<T> implements Iterable<HeldDelivery<T>> {
  #first: HeldDelivery<T> | undefined;
  #last: HeldDelivery<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(held: HeldDelivery<T>): void {
    held.isListed = true;
    held.before = this.#last;
    held.after = undefined;
    if (this.#last === undefined) this.#first = held;
    else this.#last.after = held;
    this.#last = held;
    this.#size += 1;
  }

  /** Nothing when it is not in the list. */
  remove(held: HeldDelivery<T>): void {
    if (!held.isListed) return;
    held.isListed = false;
    if (held.before === undefined) this.#first = held.after;
    else held.before.after = held.after;
    if (held.after === undefined) this.#last = held.before;
    else held.after.before = held.before;
    // Who keeps a delivery must not keep all that came after it.
    held.before = undefined;
    held.after = undefined;
    this.#size -= 1;
  }

  /** Those that are in it now, whatever is removed on the way. */
  [Symbol.iterator](): Iterator<HeldDelivery<T>> {
    const all: HeldDelivery<T>[] = [];
    for (let held = this.#first; held !== undefined; held = held.after) all.push(held);
    return all.values();
  }
}
