import type { BatchFacts } from "./segment.js";
import { OffsetIndex } from "./offset-index.js";
import { TimeIndex } from "./time-index.js";

/** As in Kafka: at most one entry for this much of the segment. A look-up reads about so much more than it needs. */
const intervalBytes = 4096;

/**
 * The two indexes of a segment. Derived from it, never evidence: whoever looks something up checks what is found there
 * against the segment itself, and builds the indexes anew when they disagree.
 */
export class SegmentIndexes {
  readonly offsets: OffsetIndex;
  readonly times: TimeIndex;
  #sinceEntryBytes = 0;
  #maxTimestampMs = -1;
  #maxTimestampAt = 0;

  constructor(offsets: OffsetIndex = new OffsetIndex(), times: TimeIndex = new TimeIndex()) {
    this.offsets = offsets;
    this.times = times;
  }

  /** Takes up the next batch of the segment that begins with `baseOffset`. */
  add(batch: BatchFacts, place: { position: number; bytes: number; baseOffset: number }): void {
    const relativeOffset = batch.lastOffset - place.baseOffset;
    if (batch.maxTimestampMs > this.#maxTimestampMs) {
      this.#maxTimestampMs = batch.maxTimestampMs;
      this.#maxTimestampAt = relativeOffset;
    }
    if (this.#sinceEntryBytes >= intervalBytes) {
      this.offsets.append(relativeOffset, place.position);
      this.times.append(this.#maxTimestampMs, this.#maxTimestampAt);
      this.#sinceEntryBytes = 0;
    }
    this.#sinceEntryBytes += place.bytes;
  }

  /** The segment gets no more batches: the last time entry covers all of it. */
  finish(): void {
    if (this.#maxTimestampMs >= 0) this.times.append(this.#maxTimestampMs, this.#maxTimestampAt);
  }
}
