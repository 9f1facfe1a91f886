import type { Loan } from "../batch/loan.js";
import { type Lending, LentMemory } from "./lent-memory.js";

/** The first read fetches this much, the next twice as much and so on: looking at one message is cheap, reading on is fast. */
const readAheadBytesMin = 64 * 1024;
const readAheadBytesMax = 1024 * 1024;

const noBytes: Buffer = Buffer.alloc(0);

/** Where batches are read from. */
export interface ByteSource {
  /** How many bytes there are. May grow, never shrinks. */
  readonly bytes: number;
  /** Returns how many bytes were read: fewer than asked when there are no more. */
  read(into: Buffer, position: number): number;
}

/**
 * The part of a source that is in memory now. Views of it may be handed out: what lies in it is never overwritten, and the
 * next part gets memory of its own. Only with `lending` the memory is lent, and used again for the next part.
 *
 * A batch that fills the window leaves nothing for later, so all such windows of a reader share their memory: the processor's
 * cache has room for one of them, not for one of each partition.
 */
export class Window {
  readonly #source: ByteSource;
  readonly #lending: Lending | undefined;
  readonly #own = new LentMemory();
  #loan: Loan | undefined;
  #bytes = noBytes;
  #start = 0;
  #readAheadBytes = readAheadBytesMin;
  #largestBytes = 0;

  constructor(source: ByteSource, lending?: Lending) {
    this.#source = source;
    this.#lending = lending;
  }

  /** After `load`, and before anybody else that shares the memory does the same. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Of `bytes`; undefined when they are handed out for good. */
  get loan(): Loan | undefined {
    return this.#loan;
  }

  /** Where the source's `position` is in `bytes`. */
  at(position: number): number {
    return position - this.#start;
  }

  /** Brings `length` bytes at `position` into memory; returns how many there are, when the source has fewer. */
  load(position: number, length: number): number {
    const wanted = Math.min(length, this.#source.bytes - position);
    const known = this.#knownFrom(position);
    if (known.length >= wanted) return wanted;
    this.#largestBytes = Math.max(this.#largestBytes, wanted);
    const size = Math.max(0, Math.min(Math.max(wanted, this.#readAheadBytes), this.#source.bytes - position));
    const memory = this.#memoryFor(size);
    this.#bytes = noBytes;
    // Moved: cheaper than to read it once more.
    if (known.byteOffset !== memory.byteOffset || known.buffer !== memory.buffer) memory.set(known);
    const got = known.length + this.#source.read(memory.subarray(known.length, size), position + known.length);
    this.#bytes = memory.subarray(0, got);
    this.#start = position;
    this.#readAheadBytes = Math.min(this.#readAheadBytes * 2, readAheadBytesMax);
    return Math.min(got, wanted);
  }

  /** What it has in memory of the source, from `position` on. */
  #knownFrom(position: number): Buffer {
    const from = position - this.#start;
    if (this.#loan?.ended === true || from < 0 || from > this.#bytes.length) return noBytes;
    return this.#bytes.subarray(from);
  }

  #memoryFor(bytes: number): Buffer {
    if (this.#lending === undefined) return Buffer.allocUnsafeSlow(bytes);
    const { shared, readAgain } = this.#lending;
    const from = this.#largestBytes > readAheadBytesMax / 2 ? shared : this.#own;
    const { memory, loan } = from.take(bytes, readAgain);
    this.#loan = loan;
    return memory;
  }
}
