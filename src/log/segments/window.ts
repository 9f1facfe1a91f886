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
 * The part of a source that is in memory now. What lies in it is never overwritten: views of it may be handed out,
 * and the next part gets memory of its own.
 */
export class Window {
  readonly #source: ByteSource;
  #bytes = noBytes;
  #start = 0;
  #readAheadBytes = readAheadBytesMin;
  #largestBytes = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Where the source's `position` is in `bytes`. */
  at(position: number): number {
    return position - this.#start;
  }

  /** Brings `length` bytes at `position` into memory; returns how many there are, when the source has fewer. */
  load(position: number, length: number): number {
    const wanted = Math.min(length, this.#source.bytes - position);
    const has = this.#start + this.#bytes.length - position;
    if (position >= this.#start && has >= wanted) return wanted;
    // Room for two of the largest: what is asked for next, a header and then its batch, is then read once and not twice.
    this.#largestBytes = Math.max(this.#largestBytes, wanted);
    const readBytes = Math.min(Math.max(2 * this.#largestBytes, this.#readAheadBytes), this.#source.bytes - position);
    const fresh = Buffer.allocUnsafeSlow(Math.max(0, readBytes));
    const got = this.#source.read(fresh, position);
    this.#bytes = fresh.subarray(0, got);
    this.#start = position;
    this.#readAheadBytes = Math.min(this.#readAheadBytes * 2, readAheadBytesMax);
    return Math.min(got, wanted);
  }
}
