/**
 * Which messages of a lane wait: neither settled nor held, which is leased or already chosen to be dropped. Kept only where a full
 * queue drops messages: everybody else need not know by offset what is leased.
 */
import { assert } from "../base/assert.js";
import type { Random } from "../base/random.js";
import type { Progress } from "./progress.js";

/** After so many that were held, the messages that wait are counted through. */
const triesMax = 64;

export class WaitingOffsets {
  readonly #progress: Progress;
  readonly #end: () => number;
  readonly #held = new Set<number>();
  /** No message below it waits. */
  #from = 0;

  /** @param end the offset that the next message gets */
  constructor(progress: Progress, end: () => number) {
    this.#progress = progress;
    this.#end = end;
  }

  get count(): number {
    return this.#progress.unsettled(this.#end()) - this.#held.size;
  }

  hold(offset: number): void {
    this.#held.add(offset);
  }

  settled(offset: number): void {
    this.#held.delete(offset);
  }

  /** It waits again. */
  release(offset: number): void {
    this.#held.delete(offset);
    if (offset < this.#from) this.#from = offset;
  }

  /** The oldest that waits. */
  oldest(): number {
    assert(this.count > 0, "only what waits can be chosen");
    const { settled } = this.#progress;
    let offset = settled.nextUnsettled(this.#from);
    while (this.#held.has(offset)) offset = settled.nextUnsettled(offset + 1);
    this.#from = offset;
    return offset;
  }

  /** Any that waits, each as likely as the others. */
  any(random: Random): number {
    const { count } = this;
    assert(count > 0, "only what waits can be chosen");
    const { settled } = this.#progress;
    const unsettled = count + this.#held.size;
    for (let tries = 0; tries < triesMax; tries++) {
      const offset = settled.unsettledAt(Math.floor(random() * unsettled));
      if (!this.#held.has(offset)) return offset;
    }
    // Nearly all are leased, so there are not many of them.
    let offset = settled.floor;
    for (let left = Math.floor(random() * count); ; offset = settled.nextUnsettled(offset + 1)) {
      if (!this.#held.has(offset) && left-- === 0) return offset;
    }
  }
}
