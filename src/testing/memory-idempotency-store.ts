import type { IdempotencyStore, Message } from "../index.js";

/**
 * Remembers in memory what was done, for tests of handlers with `once`: a key is noted when its effect has resolved, and of two calls
 * with one key at once the second waits for the first. It forgets nothing, and ends with the process.
 */
export class MemoryIdempotencyStore<T = unknown> implements IdempotencyStore<T> {
  readonly by: ((message: Message<T>) => string) | undefined;
  readonly #done = new Set<string>();
  readonly #underWay = new Map<string, Promise<void>>();

  /** @param by what makes two messages the same; default: the message's id */
  constructor(by?: (message: Message<T>) => string) {
    this.by = by;
  }

  /** Whether the effect of this key has happened. */
  has(key: string): boolean {
    return this.#done.has(key);
  }

  async once(key: string, effect: () => Promise<void>): Promise<boolean> {
    for (let other = this.#underWay.get(key); other !== undefined; other = this.#underWay.get(key)) {
      await other.catch(() => {});
    }
    if (this.#done.has(key)) return false;
    const doing = effect();
    this.#underWay.set(key, doing);
    try {
      await doing;
    } finally {
      this.#underWay.delete(key);
    }
    this.#done.add(key);
    return true;
  }
}
