import { corrupt, type VarintReader } from "./varint.js";
import type { RecordBatch } from "./record.js";

/**
 * Goes through the records of a batch and looks only at where and when each is: half of what a record costs those who pass over
 * most of them. `record` is for the others.
 */
export class RecordCursor {
  readonly #reader: VarintReader;
  readonly #batch: RecordBatch;
  #left: number;
  #position = 0;
  #offset: number;
  #timestampDelta = 0;

  /** The reader stands before the first record. */
  constructor(reader: VarintReader, batch: RecordBatch) {
    this.#reader = reader;
    this.#batch = batch;
    this.#left = batch.count;
    this.#offset = batch.baseOffset - 1;
  }

  /** Where the record begins in the batch: `recordAt` finds it again there. */
  get position(): number {
    return this.#position;
  }

  get offset(): number {
    return this.#offset;
  }

  get timestampMs(): number {
    return this.#batch.baseTimestampMs + this.#timestampDelta;
  }

  /** Moves to the next record; false behind the last. */
  next(): boolean {
    const reader = this.#reader;
    if (this.#left === 0) {
      if (reader.position !== reader.end) throw corrupt("a batch is longer than its records");
      return false;
    }
    this.#left -= 1;
    this.#position = reader.position;
    const end = reader.length() + reader.position;
    // Attributes: Kafka has given them no meaning yet.
    reader.position += 1;
    this.#timestampDelta = reader.next();
    const offset = this.#batch.baseOffset + reader.next();
    if (reader.position > end) throw corrupt("a record is longer than it says");
    if (offset <= this.#offset || offset > this.#batch.lastOffset) throw corrupt("a batch's offsets do not ascend");
    this.#offset = offset;
    reader.position = end;
    return true;
  }
}
