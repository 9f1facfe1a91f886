/** Reads a partition record by record: onwards for fresh messages, by offset for those that are delivered again. */
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

interface ReadBatch {
  readonly batch: BatchView;
  readonly records: readonly RecordView[];
}

/** Finds records by offset. */
export class RecordLookup {
  readonly #reader: PartitionReader;
  #recent: readonly ReadBatch[] = [];

  constructor(partition: Partition) {
    this.#reader = partition.reader(0);
  }

  /** undefined: there is no such record, or no longer. */
  find(offset: number): RecordView | undefined {
    const records = this.#batchWith(offset)?.records ?? [];
    let low = 0;
    let high = records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((records[middle] as RecordView).offset < offset) low = middle + 1;
      else high = middle;
    }
    const record = records[low];
    return record?.offset === offset ? record : undefined;
  }

  #batchWith(offset: number): ReadBatch | undefined {
    const known = this.#recent.find(({ batch }) => batch.baseOffset <= offset && offset <= batch.lastOffset);
    if (known !== undefined) return known;
    this.#reader.seek(offset);
    const batch = this.#reader.next();
    if (batch === undefined) return undefined;
    const read = { batch, records: batch.records() };
    this.#recent = [read, ...this.#recent.slice(0, keptBatches - 1)];
    return read;
  }
}
