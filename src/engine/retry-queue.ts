/**
 * Offsets that wait for their time, earliest first; of the same time the lowest offset first.
 * A binary heap over two arrays of numbers: 16 bytes an entry and no object.
 * Times are those of the monotonic clock, so that a jump of the wall clock fires nothing early.
 */
import { assert } from "../base/assert.js";

export class RetryQueue {
  readonly #dueMs: number[] = [];
  readonly #offsets: number[] = [];

  get size(): number {
    return this.#offsets.length;
  }

  /** When the first is due; Infinity when there is none. */
  get firstDueMs(): number {
    return this.#dueMs[0] ?? Infinity;
  }

  /** The one that `pop` will take. */
  get firstOffset(): number {
    const first = this.#offsets[0];
    assert(first !== undefined, "an empty queue has no first");
    return first;
  }

  /** Takes all out, in the order in which `pop` would have given them. */
  drain(): { readonly offsets: readonly number[]; readonly dueMs: readonly number[] } {
    const order = Array.from(this.#offsets.keys()).sort((one, other) => (this.#before(one, other) ? -1 : 1));
    const offsets = order.map((at) => this.#offsets[at] as number);
    const dueMs = order.map((at) => this.#dueMs[at] as number);
    this.#offsets.length = 0;
    this.#dueMs.length = 0;
    return { offsets, dueMs };
  }

  /** Forgets those that are not wanted. */
  keepOnly(wanted: (offset: number) => boolean): void {
    const { offsets, dueMs } = this.drain();
    // In order, they are a heap.
    for (const [at, offset] of offsets.entries()) {
      if (!wanted(offset)) continue;
      this.#offsets.push(offset);
      this.#dueMs.push(dueMs[at] as number);
    }
  }

  /** In no order. */
  *entries(): Generator<readonly [offset: number, dueMs: number]> {
    for (const [at, offset] of this.#offsets.entries()) yield [offset, this.#dueMs[at] as number];
  }

  push(offset: number, dueMs: number): void {
    let at = this.#offsets.length;
    this.#offsets.push(offset);
    this.#dueMs.push(dueMs);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!this.#before(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Takes the first one out. */
  pop(): number {
    const first = this.firstOffset;
    const lastOffset = this.#offsets.pop() as number;
    const lastDueMs = this.#dueMs.pop() as number;
    if (this.#offsets.length > 0) {
      this.#offsets[0] = lastOffset;
      this.#dueMs[0] = lastDueMs;
      this.#sink();
    }
    return first;
  }

  #sink(): void {
    const size = this.#offsets.length;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= size) return;
      const right = left + 1;
      const child = right < size && this.#before(right, left) ? right : left;
      if (!this.#before(child, at)) return;
      this.#swap(child, at);
      at = child;
    }
  }

  #before(one: number, other: number): boolean {
    const oneDueMs = this.#dueMs[one] as number;
    const otherDueMs = this.#dueMs[other] as number;
    if (oneDueMs !== otherDueMs) return oneDueMs < otherDueMs;
    return (this.#offsets[one] as number) < (this.#offsets[other] as number);
  }

  #swap(one: number, other: number): void {
    const offset = this.#offsets[one] as number;
    const dueMs = this.#dueMs[one] as number;
    this.#offsets[one] = this.#offsets[other] as number;
    this.#dueMs[one] = this.#dueMs[other] as number;
    this.#offsets[other] = offset;
    this.#dueMs[other] = dueMs;
  }
}
