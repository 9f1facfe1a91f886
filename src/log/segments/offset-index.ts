import { assert } from "../../base/assert.js";

/**
 * Where batches begin in a segment file, in Kafka's format, which is also how it is held in memory:
 *
 *   0                 4                 8
 *   +-----------------+-----------------+
 *   | last offset     | position        |  … one entry for about every 4 KiB of batches; big-endian
 *   +-----------------+-----------------+
 *
 * The offset is that of the batch's last record, less the segment's base offset.
 */
export const offsetEntryBytes = 8;

export class OffsetIndex {
  #bytes: Buffer;
  #count: number;

  constructor(bytes: Buffer = Buffer.alloc(offsetEntryBytes * 8), count = 0) {
    this.#bytes = bytes;
    this.#count = count;
  }

  get count(): number {
    return this.#count;
  }

  /** As it is stored. A view. */
  get stored(): Buffer {
    return this.#bytes.subarray(0, this.#count * offsetEntryBytes);
  }

  lastOffset(entry: number): number {
    return this.#bytes.readUInt32BE(entry * offsetEntryBytes);
  }

  position(entry: number): number {
    return this.#bytes.readUInt32BE(entry * offsetEntryBytes + 4);
  }

  append(relativeOffset: number, position: number): void {
    assert(relativeOffset <= 0x7fff_ffff && position <= 0x7fff_ffff, "a segment is larger than its index can say");
    const at = this.#count * offsetEntryBytes;
    if (at === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], at * 2);
    this.#bytes.writeUInt32BE(relativeOffset, at);
    this.#bytes.writeUInt32BE(position, at + 4);
    this.#count += 1;
  }

  /** The position of the last batch known to end at or before `relativeOffset`; 0 when none is. */
  lookup(relativeOffset: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.lastOffset(middle) <= relativeOffset) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : this.position(low - 1);
  }
}

/** What a file holds, or undefined when it cannot be the index of a segment of this many bytes and offsets. */
export function parseOffsetIndex(bytes: Buffer, segment: { offsets: number; bytes: number }): OffsetIndex | undefined {
  if (bytes.length % offsetEntryBytes !== 0) return undefined;
  const index = new OffsetIndex(bytes, bytes.length / offsetEntryBytes);
  let offset = -1;
  let position = 0;
  for (let entry = 0; entry < index.count; entry++) {
    if (index.lastOffset(entry) <= offset || index.position(entry) <= position) return undefined;
    offset = index.lastOffset(entry);
    position = index.position(entry);
  }
  return offset < segment.offsets && position < Math.max(1, segment.bytes) ? index : undefined;
}
