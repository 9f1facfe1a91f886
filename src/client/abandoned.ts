import type { HeldDelivery } from "./held-delivery.js";

/**
 * Calls of a consumer's handler that are still running though nobody waits for them any more: their time was over, or their source
 * failed. Nothing can end them but themselves, and each keeps what it has in memory. So there is a bound to how many
 * there may be, for all sources of a consumer together; when it is reached, the consumer begins no others.
 */
export class Abandoned<T> {
  readonly #max: number;
  readonly #changed: () => void;
  #count = 0;

  /** @param changed called when it has become full, or is full no more */
  constructor(max: number, changed: () => void) {
    this.#max = max;
    this.#changed = changed;
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= this.#max;
  }

  /** Its handler is given up. Of those that came in one call, it is one handler. */
  add(held: HeldDelivery<T>): void {
    const head = held.head ?? held;
    if (head.isAbandoned) return;
    head.isAbandoned = true;
    this.#count += 1;
    if (this.#count === this.#max) this.#changed();
  }

  /** Its handler has returned after all. Nothing when it was not given up. */
  returned(held: HeldDelivery<T>): void {
    const head = held.head ?? held;
    if (!head.isAbandoned) return;
    head.isAbandoned = false;
    this.#count -= 1;
    if (this.#count === this.#max - 1) this.#changed();
  }
}
