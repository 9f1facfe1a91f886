/** A list that is taken from at the front: a ring that grows with what it holds. */
import { assert } from "../base/assert.js";

const sizeMin = 16;

export class Deque<T> {
  #ring: (T | undefined)[] = [];
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get first(): T | undefined {
    return this.#length === 0 ? undefined : this.#ring[this.#head];
  }

  push(item: T): void {
    if (this.#length === this.#ring.length) this.#resize(Math.max(sizeMin, this.#length * 2));
    this.#ring[(this.#head + this.#length) & (this.#ring.length - 1)] = item;
    this.#length++;
  }

  /** Puts it before the first. */
  unshift(item: T): void {
    if (this.#length === this.#ring.length) this.#resize(Math.max(sizeMin, this.#length * 2));
    this.#head = (this.#head - 1) & (this.#ring.length - 1);
    this.#ring[this.#head] = item;
    this.#length++;
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#length--;
    // Gives back what a peak took, once it is mostly empty.
    if (this.#length * 8 < this.#ring.length && this.#ring.length > 1024) this.#resize(this.#ring.length / 2);
    return item;
  }

  /** Takes out what stands at `index`, counted from the first. */
  takeAt(index: number): T | undefined {
    assert(index >= 0 && index < this.#length, `there is nothing at ${index}`);
    const mask = this.#ring.length - 1;
    const item = this.#ring[(this.#head + index) & mask];
    for (let at = index; at > 0; at--) this.#ring[(this.#head + at) & mask] = this.#ring[(this.#head + at - 1) & mask];
    this.shift();
    return item;
  }

  /** Takes `item` out, wherever it is; nothing when it is not there. */
  remove(item: T): void {
    const rest = [...this].filter((each) => each !== item);
    if (rest.length === this.#length) return;
    this.clear();
    for (const each of rest) this.push(each);
  }

  /** Takes all of it out. */
  drain(): T[] {
    const items = [...this];
    this.clear();
    return items;
  }

  clear(): void {
    this.#ring = [];
    this.#head = 0;
    this.#length = 0;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let index = 0; index < this.#length; index++) {
      yield this.#ring[(this.#head + index) & (this.#ring.length - 1)] as T;
    }
  }

  #resize(size: number): void {
    assert(size >= this.#length && (size & (size - 1)) === 0, "a ring's size is a power of two");
    const ring: (T | undefined)[] = [...this];
    ring.length = size;
    this.#ring = ring.fill(undefined, this.#length);
    this.#head = 0;
  }
}
