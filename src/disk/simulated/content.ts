const capacityMin = 256;
const nothing = new Uint8Array(0);

/**
 * The bytes of a file, copied on write: `share` costs nothing, and whoever writes first after it takes the copy. So a
 * disk can be forked at every call.
 */
export class Content {
  /** Zeros from `#size` on, unless shared. */
  #bytes: Uint8Array = nothing;
  #size = 0;
  #shared = false;

  get size(): number {
    return this.#size;
  }

  share(): Content {
    const other = new Content();
    other.#bytes = this.#bytes;
    other.#size = this.#size;
    other.#shared = true;
    this.#shared = true;
    return other;
  }

  read(into: Uint8Array, position: number): number {
    const length = Math.min(into.length, this.#size - position);
    if (length <= 0) return 0;
    into.set(this.#bytes.subarray(position, position + length));
    return length;
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    const end = position + bytes.length;
    this.#own(end);
    this.#bytes.set(bytes, position);
    if (end > this.#size) this.#size = end;
  }

  truncate(size: number): void {
    if (size > this.#size) this.#own(size);
    else if (!this.#shared) this.#bytes.fill(0, size, this.#size);
    this.#size = size;
  }

  /** A view; not to be written, and not to be kept. */
  slice(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(start, Math.min(end, this.#size));
  }

  #own(capacity: number): void {
    if (!this.#shared && capacity <= this.#bytes.length) return;
    const grows = capacity > this.#bytes.length;
    const spare = grows ? Math.max(capacityMin, 2 * this.#bytes.length) : this.#size;
    const own = new Uint8Array(Math.max(capacity, spare));
    own.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = own;
    this.#shared = false;
  }
}
