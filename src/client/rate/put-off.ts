import { DueHeap } from "./heap.js";
import type { Due } from "./heap.js";

interface Entry extends Due {
  readonly key: string;
}

/** Messages that were given back until their key has tokens: how many, of which key, and when the first is due. */
export class PutOff {
  readonly #entries = new DueHeap<Entry>();
  readonly #ofKey = new Map<string, number>();

  get firstDueMs(): number {
    return this.#entries.first?.dueAt ?? Infinity;
  }

  add(key: string, dueMs: number): void {
    this.#entries.set({ key, dueAt: dueMs, place: -1 }, dueMs);
    this.#ofKey.set(key, (this.#ofKey.get(key) ?? 0) + 1);
  }

  count(nowMs: number): number {
    this.#forgetDue(nowMs);
    return this.#entries.size;
  }

  /** How many of this key come before one that is put off now. */
  ahead(key: string, nowMs: number): number {
    this.#forgetDue(nowMs);
    return this.#ofKey.get(key) ?? 0;
  }

  #forgetDue(nowMs: number): void {
    for (let first = this.#entries.first; first !== undefined && first.dueAt <= nowMs; first = this.#entries.first) {
      this.#entries.remove(first);
      const left = (this.#ofKey.get(first.key) ?? 0) - 1;
      if (left > 0) this.#ofKey.set(first.key, left);
      else this.#ofKey.delete(first.key);
    }
  }
}
