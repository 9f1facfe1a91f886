const chunkBytes = 256 * 1024;
const chunkBytesMin = 512;

/**
 * Bytes that grow without ever being copied as a whole: chunks of 256 KiB, of which the first grows by doubling so
 * that small files stay small. A chunk that is missing or short stands for zeros.
 */
export class Chunks {
  readonly #chunks: (Uint8Array | undefined)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  read(into: Uint8Array, position: number): number {
    const length = Math.min(into.length, this.#size - position);
    if (length <= 0) return 0;
    let done = 0;
    while (done < length) {
      const start = (position + done) % chunkBytes;
      const part = Math.min(length - done, chunkBytes - start);
      const chunk = this.#chunks[Math.floor((position + done) / chunkBytes)];
      const stored = chunk === undefined ? 0 : Math.max(0, Math.min(part, chunk.length - start));
      if (stored > 0) into.set((chunk as Uint8Array).subarray(start, start + stored), done);
      if (stored < part) into.fill(0, done + stored, done + part);
      done += part;
    }
    return length;
  }

  write(bytes: Uint8Array, position: number): void {
    let done = 0;
    while (done < bytes.length) {
      const start = (position + done) % chunkBytes;
      const part = Math.min(bytes.length - done, chunkBytes - start);
      const chunk = this.#chunkFor(Math.floor((position + done) / chunkBytes), start + part);
      chunk.set(part === bytes.length ? bytes : bytes.subarray(done, done + part), start);
      done += part;
    }
    this.#size = Math.max(this.#size, position + bytes.length);
  }

  /** Cuts, and gives the memory back; or extends with zeros, which take none. */
  truncate(size: number): void {
    if (size < this.#size) {
      this.#chunks.length = Math.min(this.#chunks.length, Math.ceil(size / chunkBytes));
      const kept = size % chunkBytes;
      const last = Math.floor(size / chunkBytes);
      const chunk = this.#chunks[last];
      // The rest must read as zeros when the file grows again.
      if (kept > 0 && chunk !== undefined && chunk.length > kept) this.#chunks[last] = chunk.slice(0, kept);
    }
    this.#size = size;
  }

  #chunkFor(index: number, length: number): Uint8Array {
    const chunk = this.#chunks[index];
    if (chunk !== undefined && chunk.length >= length) return chunk;
    const grown = new Uint8Array(index > 0 ? chunkBytes : capacityFor(length));
    if (chunk !== undefined) grown.set(chunk);
    this.#chunks[index] = grown;
    return grown;
  }
}

function capacityFor(length: number): number {
  let capacity = chunkBytesMin;
  while (capacity < length) capacity *= 2;
  return capacity;
}
