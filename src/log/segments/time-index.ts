import { readInt64, writeInt64 } from "../batch/int64.js";

/**
 * How time goes on in a segment, in Kafka's format, which is also how it is held in memory:
 *
 *   0                                   8                 12
 *   +-----------------------------------+-----------------+
 *   | timestamp                         | last offset     |  … big-endian
 *   +-----------------------------------+-----------------+
 *
 * No record up to this offset is later than the timestamp; the batch that ends with it has a record of just that time.
 */
export const timeEntryBytes = 12;

export interface TimeEntry {
  readonly timestampMs: number;
  /** Less the segment's base offset. */
  readonly relativeOffset: number;
}

export class TimeIndex {
  #bytes: Buffer;
  #count: number;

  constructor(bytes: Buffer = Buffer.alloc(timeEntryBytes * 8), count = 0) {
    this.#bytes = bytes;
    this.#count = count;
  }

  get count(): number {
    return this.#count;
  }

  /** As it is stored. A view. */
  get stored(): Buffer {
    return this.#bytes.subarray(0, this.#count * timeEntryBytes);
  }

  entry(index: number): TimeEntry {
    const at = index * timeEntryBytes;
    return { timestampMs: readInt64(this.#bytes, at), relativeOffset: this.#bytes.readUInt32BE(at + 8) };
  }

  /** Nothing when the last entry says as much already. */
  append(timestampMs: number, relativeOffset: number): void {
    if (this.#count > 0 && this.entry(this.#count - 1).timestampMs >= timestampMs) return;
    const at = this.#count * timeEntryBytes;
    if (at === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], at * 2);
    writeInt64(this.#bytes, timestampMs, at);
    this.#bytes.writeUInt32BE(relativeOffset, at + 8);
    this.#count += 1;
  }

  /** The last entry earlier than `timestampMs`: nothing up to its offset is at or after that time. */
  before(timestampMs: number): TimeEntry | undefined {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.entry(middle).timestampMs < timestampMs) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : this.entry(low - 1);
  }
}

/** What a file holds, or undefined when it cannot be the index of a segment with this many offsets and this latest time. */
export function parseTimeIndex(
  bytes: Buffer,
  segment: { offsets: number; maxTimestampMs: number },
): TimeIndex | undefined {
  if (bytes.length % timeEntryBytes !== 0) return undefined;
  const index = new TimeIndex(bytes, bytes.length / timeEntryBytes);
  let last: TimeEntry = { timestampMs: -1, relativeOffset: -1 };
  for (let at = 0; at < index.count; at++) {
    const entry = index.entry(at);
    if (entry.timestampMs <= last.timestampMs || entry.relativeOffset <= last.relativeOffset) return undefined;
    last = entry;
  }
  return last.relativeOffset < segment.offsets && last.timestampMs <= segment.maxTimestampMs ? index : undefined;
}
