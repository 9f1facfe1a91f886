import { dueHeader, expiresHeader, idHeader } from "./layout.js";
import { corrupt, VarintReader } from "./varint.js";

/** A record as it goes into a batch. */
export interface RecordInput {
  /** A text is stored as UTF-8. */
  readonly value: Uint8Array | string;
  readonly key: string | undefined;
  /** Stored as the first header when given. */
  readonly id: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Wall times, stored as headers when given: from when it may be delivered, and until when. */
  readonly dueAtMs?: number | undefined;
  readonly expiresAtMs?: number | undefined;
}

/** Headers of our own. They stand before those it was sent with, and are not shown among them. */
const ours: ReadonlySet<string> = new Set([idHeader, dueHeader, expiresHeader]);

/**
 * One record inside a batch in memory. Knows where its parts are; decodes a part when it is asked for.
 * Holds on to the batch: whoever keeps a record for long should copy what it needs.
 */
export class RecordView {
  readonly offset: number;
  readonly #batch: RecordBatch;
  /** Against the batch's. Small, unlike the time itself, for which V8 would need an object of its own. */
  readonly #timestampDelta: number;
  readonly #keyAt: number;
  readonly #keyBytes: number;
  readonly #valueAt: number;
  readonly #valueBytes: number;
  readonly #end: number;

  /** Reads the record at the reader's position, and leaves the reader behind it. */
  constructor(reader: VarintReader, batch: RecordBatch) {
    const length = reader.length();
    const batchEnd = reader.end;
    const end = reader.position + length;
    reader.end = end;
    // Attributes: Kafka has given them no meaning yet.
    reader.position += 1;
    this.#batch = batch;
    this.#timestampDelta = reader.next();
    this.offset = batch.baseOffset + reader.next();
    this.#keyBytes = reader.length();
    this.#keyAt = reader.position;
    if (this.#keyBytes > 0) reader.position += this.#keyBytes;
    this.#valueBytes = reader.length();
    this.#valueAt = reader.position;
    this.#end = end;
    reader.position = end;
    reader.end = batchEnd;
  }

  get timestampMs(): number {
    return this.#batch.baseTimestampMs + this.#timestampDelta;
  }

  get key(): string | undefined {
    return this.#keyBytes < 0 ? undefined : textAt(this.#batch.bytes, this.#keyAt, this.#keyBytes);
  }

  /** A view of the batch's memory, not a copy. */
  get value(): Uint8Array {
    return this.#batch.keptBytes().subarray(this.#valueAt, this.#valueAt + Math.max(0, this.#valueBytes));
  }

  /** The id it was sent with, if it was sent with one. */
  get id(): string | undefined {
    const reader = this.#headers();
    if (reader.next() <= 0 || readText(reader) !== idHeader) return undefined;
    return readText(reader);
  }

  /** From when it may be delivered, if it was sent with a delay. */
  get dueAtMs(): number | undefined {
    return numberOf(this.#ours(dueHeader));
  }

  /** Until when it is of use, if it was sent with an expiry of its own. */
  get expiresAtMs(): number | undefined {
    return numberOf(this.#ours(expiresHeader));
  }

  /** As they were sent; ours are not among them. No prototype: a header may have any name. */
  get headers(): Record<string, string> {
    const headers = Object.create(null) as Record<string, string>;
    const reader = this.#headers();
    // A record read twice over its end throws, so a count that lies costs at most the record's own length.
    for (let left = reader.next(); left > 0; left--) {
      const name = readText(reader);
      const value = readText(reader);
      if (!ours.has(name)) headers[name] = value;
    }
    return headers;
  }

  /** Without decoding any; an id counts as one. */
  get hasHeaders(): boolean {
    return this.#batch.bytes[this.#valueAt + Math.max(0, this.#valueBytes)] !== 0;
  }

  #ours(wanted: string): string | undefined {
    const reader = this.#headers();
    for (let left = reader.next(); left > 0; left--) {
      const name = readText(reader);
      if (!ours.has(name)) return undefined;
      const value = readText(reader);
      if (name === wanted) return value;
    }
    return undefined;
  }

  #headers(): VarintReader {
    const reader = new VarintReader(this.#batch.bytes, this.#valueAt + Math.max(0, this.#valueBytes));
    reader.end = this.#end;
    return reader;
  }
}

function numberOf(text: string | undefined): number | undefined {
  const number = Number(text ?? Number.NaN);
  return Number.isSafeInteger(number) ? number : undefined;
}

function readText(reader: VarintReader): string {
  const bytes = reader.length();
  if (bytes <= 0) return "";
  const text = textAt(reader.bytes, reader.position, bytes);
  reader.position += bytes;
  return text;
}

/** Looking for the first byte that is not ASCII pays off for texts up to this length. */
const latinBytesMax = 64;

/** Names and keys are short and mostly ASCII, where Latin-1, the cheapest encoding to decode, says the same as UTF-8. */
function textAt(bytes: Buffer, start: number, length: number): string {
  const end = start + length;
  if (length > latinBytesMax) return bytes.toString("utf8", start, end);
  let bits = 0;
  for (let index = start; index < end; index++) bits |= bytes[index] as number;
  return bytes.toString(bits < 128 ? "latin1" : "utf8", start, end);
}

/** Every record of a batch in turn; the reader stands before the first. */
export function readRecords(reader: VarintReader, batch: RecordBatch, fromOffset: number): RecordView[] {
  const records: RecordView[] = [];
  let previous = batch.baseOffset - 1;
  for (let left = batch.count; left > 0; left--) {
    const record = new RecordView(reader, batch);
    if (record.offset <= previous || record.offset > batch.lastOffset) throw corrupt("a batch's offsets do not ascend");
    previous = record.offset;
    if (previous >= fromOffset) records.push(record);
  }
  if (reader.position !== reader.end) throw corrupt("a batch is longer than its records");
  return records;
}

/** What a record has to know of the batch it is in. A `BatchView` fits. */
export interface RecordBatch {
  readonly bytes: Buffer;
  /** The same, never to be written over from now on. */
  keptBytes(): Buffer;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly baseTimestampMs: number;
  readonly count: number;
}
