import type { BatchView } from "../batch/view.js";
import type { LentMemory } from "../segments/lent-memory.js";
import type { Segment, SegmentReader } from "../segments/segment.js";
import type { Partition } from "./partition.js";

/**
 * Reads the committed batches of a partition in order, from its segments and then from memory. With `lent`, what comes from
 * a segment lies in memory that is used again by the next call of `next` (see `Loan`): for readers that go through much
 * and keep little. Those of several partitions may share it.
 */
export class PartitionReader {
  readonly #partition: Partition;
  readonly #lent: LentMemory | undefined;
  #position: number;
  #segment: Segment | undefined;
  #segmentReader: SegmentReader | undefined;

  constructor(partition: Partition, fromOffset: number, lent?: LentMemory) {
    this.#lent = lent;
    this.#partition = partition;
    this.#position = fromOffset;
  }

  /** The offset `next` looks for. */
  get position(): number {
    return this.#position;
  }

  seek(offset: number): void {
    if (offset === this.#position) return;
    this.#position = offset;
    this.#segment = undefined;
    this.#segmentReader = undefined;
  }

  /**
   * The next committed batch that holds an offset of at least `position`, or undefined at the end; moves past it.
   * Offsets it jumps over do not exist: expired, settled and cleaned away, or lost to damage.
   */
  next(): BatchView | undefined {
    const partition = this.#partition;
    if (this.#position < partition.startOffset) this.seek(partition.startOffset);
    while (this.#position < partition.endOffset) {
      const batch = this.#nextStored() ?? partition.tail.find(this.#position);
      if (batch === undefined) return undefined;
      if (batch.lastOffset < this.#position) continue;
      this.#position = batch.lastOffset + 1;
      return batch;
    }
    return undefined;
  }

  #nextStored(): BatchView | undefined {
    const partition = this.#partition;
    const tailBegins = partition.tail.first?.baseOffset ?? Number.POSITIVE_INFINITY;
    while (this.#position < tailBegins) {
      const segment = partition.segmentAt(this.#position);
      if (segment === undefined) return undefined;
      if (segment !== this.#segment || this.#segmentReader === undefined) {
        this.#segment = segment;
        this.#segmentReader = segment.reader(this.#position, (from, to) => partition.lost(from, to), this.#lent);
      }
      const batch = this.#segmentReader.next();
      if (batch !== undefined) return batch;
      // This segment holds nothing more: what is left of its range does not exist.
      this.#position = Math.max(this.#position, segment.endOffset);
      this.#segmentReader = undefined;
    }
    // Whoever has caught up with the tail, and waits there for long, holds no window on a file.
    this.#segmentReader = undefined;
    return undefined;
  }
}
