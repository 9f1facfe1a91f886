import type { BatchView } from "../batch/view.js";

/** Memory that the tails of all partitions take together. */
export interface TailBudget {
  bytes: number;
  /** Partitions that have a tail. */
  count: number;
}

/** Committed batches of a partition that its segments do not have yet, oldest first. */
export class Tail {
  readonly #budget: TailBudget;
  #batches: (BatchView | undefined)[] = [];
  /** Batches before this index were dropped; the array is cut when they are many. */
  #head = 0;
  #bytes = 0;

  constructor(budget: TailBudget) {
    this.#budget = budget;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#batches.length - this.#head;
  }

  get first(): BatchView | undefined {
    return this.#batches[this.#head];
  }

  push(batch: BatchView): void {
    this.#batches.push(batch);
    this.#grow(batch.bytes.length);
  }

  /** The oldest batches that have room in so many bytes; one, if not even that has. */
  upTo(bytesMax: number): readonly BatchView[] {
    const batches: BatchView[] = [];
    let bytes = 0;
    for (let index = this.#head; index < this.#batches.length; index++) {
      const batch = this.#batches[index] as BatchView;
      bytes += batch.bytes.length;
      if (bytes > bytesMax && batches.length > 0) break;
      batches.push(batch);
    }
    return batches;
  }

  dropFirst(): void {
    const first = this.#batches[this.#head];
    if (first === undefined) return;
    this.#grow(-first.bytes.length);
    // The dropped batch is freed at once, not when the array is cut.
    this.#batches[this.#head++] = undefined;
    if (this.#head < 64 || this.#head * 2 < this.#batches.length) return;
    this.#batches = this.#batches.slice(this.#head);
    this.#head = 0;
  }

  dropBelow(offset: number): void {
    for (let first = this.first; first !== undefined && first.lastOffset < offset; first = this.first) this.dropFirst();
  }

  /** The first batch that holds an offset of at least `offset`. */
  find(offset: number): BatchView | undefined {
    let low = this.#head;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#batches[middle] as BatchView).lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    return this.#batches[low];
  }

  all(): readonly BatchView[] {
    return this.#batches.slice(this.#head) as BatchView[];
  }

  #grow(bytes: number): void {
    const before = this.#bytes;
    this.#bytes += bytes;
    this.#budget.bytes += bytes;
    if (before === 0) this.#budget.count++;
    if (this.#bytes === 0) this.#budget.count--;
  }
}
