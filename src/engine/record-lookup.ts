/** Reads a partition record by record: onwards for fresh messages, by offset for those that are delivered again. */
import type { RecordCursor } from "../log/batch/cursor.js";
import type { BatchView } from "../log/batch/view.js";
import type { RecordView } from "../log/batch/record.js";
import type { Partition } from "../log/partition/partition.js";
import type { PartitionReader } from "../log/partition/reader.js";

const none: readonly RecordView[] = [];

/** Reads on from an offset, a batch at a time. */
export class RecordStream {
  readonly #reader: PartitionReader;
  #records = none;
  #at = 0;

  constructor(partition: Partition, fromOffset: number) {
    this.#reader = partition.reader(fromOffset);
  }

  /** Nothing below it is left to come: the offset behind the last record, or behind a gap at the end. */
  get position(): number {
    return this.#records[this.#at]?.offset ?? this.#reader.position;
  }

  /** The next record, without moving past it; undefined at the end, for now. */
  peek(): RecordView | undefined {
    while (this.#at === this.#records.length) {
      const from = this.#reader.position;
      const batch = this.#reader.next();
      if (batch === undefined) return undefined;
      this.#records = batch.records(from);
      this.#at = 0;
    }
    return this.#records[this.#at];
  }

  next(): RecordView | undefined {
    const record = this.peek();
    if (record === undefined) return undefined;
    this.#at++;
    // Whoever waits for more holds on to nothing meanwhile.
    if (this.#at === this.#records.length) this.#forget();
    return record;
  }

  seek(offset: number): void {
    this.#forget();
    this.#reader.seek(offset);
  }

  #forget(): void {
    this.#records = none;
    this.#at = 0;
  }
}

/** Batches in which records were looked up most recently: retries come in crowds. */
const keptBatches = 8;

/** A batch, and how far somebody has looked for records in it. */
class SearchedBatch {
  readonly batch: BatchView;
  #cursor: RecordCursor;
  /** The cursor's offset, or one that it has not reached. */
  #offset = -1;

  constructor(batch: BatchView) {
    this.batch = batch;
    this.#cursor = batch.cursor();
  }

  /** Goes on where it stopped, if it can: who looks for records one after the other reads each head once, and no more. */
  find(offset: number): RecordView | undefined {
    if (offset < this.#offset) {
      this.#cursor = this.batch.cursor();
      this.#offset = -1;
    }
    while (this.#offset < offset) this.#offset = this.#cursor.next() ? this.#cursor.offset : Infinity;
    return this.#offset === offset ? this.batch.recordAt(this.#cursor.position) : undefined;
  }
}

/** Finds records by offset. */
export class RecordLookup {
  readonly #reader: PartitionReader;
  readonly #bytesMax: number;
  /** Those that were used last are in front. */
  readonly #recent: SearchedBatch[] = [];
  #bytes = 0;

  /** Keeps a few batches, and more of them as long as they have less than `keptBytesMax` together. */
  constructor(partition: Partition, keptBytesMax = 0) {
    this.#reader = partition.reader(0);
    this.#bytesMax = keptBytesMax;
  }

  /** undefined: there is no such record, or no longer. */
  find(offset: number): RecordView | undefined {
    return this.#batchWith(offset)?.find(offset);
  }

  #batchWith(offset: number): SearchedBatch | undefined {
    const recent = this.#recent;
    const index = recent.findIndex(({ batch }) => batch.baseOffset <= offset && offset <= batch.lastOffset);
    if (index >= 0) {
      const known = recent[index] as SearchedBatch;
      recent.copyWithin(1, 0, index);
      recent[0] = known;
      return known;
    }
    this.#reader.seek(offset);
    const batch = this.#reader.next();
    return batch === undefined ? undefined : this.#keep(batch);
  }

  #keep(batch: BatchView): SearchedBatch {
    const read = new SearchedBatch(batch);
    this.#recent.unshift(read);
    this.#bytes += batch.bytes.length;
    while (this.#recent.length > keptBatches && this.#bytes > this.#bytesMax) {
      this.#bytes -= this.#recent.pop()?.batch.bytes.length ?? 0;
    }
    return read;
  }
}
