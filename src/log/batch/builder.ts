import { assert } from "../../base/assert.js";
import { crc32c } from "../../base/crc32c.js";
import { headCheck } from "./head-check.js";
import { writeInt64 } from "./int64.js";
import {
  at,
  batchBytesMax,
  batchHeaderBytes,
  dueHeader,
  expiresHeader,
  idHeader,
  lengthExcludesBytes,
  magic,
} from "./layout.js";
import type { RecordInput } from "./record.js";
import { varintBytes, writeVarint } from "./varint.js";

const bufferBytesMin = 64;

/**
 * A text that is not ASCII must not seem to be because it was cut off at the buffer's end: with this much room behind it
 * (the longest character) what is written of it is always longer than the text has characters.
 */
const slackBytes = 4;

/** A safe integer as a varint. */
const varintBytesMax = 8;

const noBytes: Buffer = Buffer.alloc(0);

/**
 * Encodes records into one batch, in place. Used for one batch after the other: `begin`, `append` …, `finish`.
 *
 * A record's length stands before it. So that texts need not be measured first, all of a record's texts are taken to
 * be ASCII; when one turns out not to be, the record is written again with measured lengths.
 */
export class BatchBuilder {
  #buffer = noBytes;
  #length = batchHeaderBytes;
  #count = 0;
  #baseOffset = 0;
  #baseTimestampMs = 0;
  #maxTimestampMs = 0;
  /** The next buffer is a little larger than the last batch was: channels tend to stay as busy as they are. */
  #expectedBytes = batchHeaderBytes + bufferBytesMin;

  get count(): number {
    return this.#count;
  }

  /** Of the batch as it would be now. */
  get bytes(): number {
    return this.#length;
  }

  begin(baseOffset: number): void {
    assert(this.#count === 0, "a batch is begun after the last one was finished");
    assert(Number.isSafeInteger(baseOffset) && baseOffset >= 0, `${baseOffset} is not an offset`);
    this.#baseOffset = baseOffset;
    this.#length = batchHeaderBytes;
  }

  append(record: RecordInput, timestampMs: number): void {
    if (this.#count === 0) {
      this.#baseTimestampMs = timestampMs;
      this.#maxTimestampMs = timestampMs;
    }
    const { key, value } = record;
    if (key === undefined && typeof value !== "string" && !hasHeaders(record)) {
      this.#writeBytes(value, timestampMs - this.#baseTimestampMs);
    } else if (!this.#write(record, timestampMs, false)) this.#write(record, timestampMs, true);
    if (timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs;
    this.#count += 1;
  }

  /** The whole batch, in memory of its own that the builder will not touch again. */
  finish(): Buffer {
    assert(this.#count > 0, "an empty batch is never finished");
    const batch = this.#take();
    writeHeader(batch, {
      baseOffset: this.#baseOffset,
      lastOffsetDelta: this.#count - 1,
      baseTimestampMs: this.#baseTimestampMs,
      maxTimestampMs: this.#maxTimestampMs,
      count: this.#count,
    });
    this.#expectedBytes = batch.length + (batch.length >>> 3) + bufferBytesMin;
    this.#length = batchHeaderBytes;
    this.#count = 0;
    return batch;
  }

  /** A record that is nothing but bytes: the shortest way, because it is the one that is measured against the disk. */
  #writeBytes(value: Uint8Array, timestampDelta: number): void {
    const offsetDelta = this.#count;
    const valueBytes = value.length;
    const recordBytes =
      3 + varintBytes(timestampDelta) + varintBytes(offsetDelta) + varintBytes(valueBytes) + valueBytes;
    const buffer = this.#reserve(varintBytesMax + recordBytes);
    let position = writeVarint(buffer, recordBytes, this.#length);
    buffer[position] = 0;
    position = writeVarint(buffer, timestampDelta, position + 1);
    position = writeVarint(buffer, offsetDelta, position);
    buffer[position] = 1;
    position = writeVarint(buffer, valueBytes, position + 1);
    buffer.set(value, position);
    position += valueBytes;
    buffer[position] = 0;
    this.#length = position + 1;
  }

  /** Returns false, with nothing written, when a text is not ASCII and the lengths were not `measured`. */
  #write(record: RecordInput, timestampMs: number, measured: boolean): boolean {
    const { key, value } = record;
    const timestampDelta = timestampMs - this.#baseTimestampMs;
    const keyBytes = key === undefined ? -1 : textBytes(key, measured);
    const valueBytes = typeof value === "string" ? textBytes(value, measured) : value.length;
    const bodyBytes =
      1 + varintBytes(timestampDelta) + varintBytes(this.#count) + fieldBytes(keyBytes) + fieldBytes(valueBytes);
    const headers = hasHeaders(record) ? headersOf(record, measured) : none;
    const recordBytes = bodyBytes + headers.bytes;
    const buffer = this.#reserve(varintBytes(recordBytes) + recordBytes + slackBytes);

    let position = writeVarint(buffer, recordBytes, this.#length);
    buffer[position] = 0;
    position = writeVarint(buffer, timestampDelta, position + 1);
    position = writeVarint(buffer, this.#count, position);
    position = writeVarint(buffer, keyBytes, position);
    if (key !== undefined) {
      if (writeText(buffer, key, position) !== keyBytes) return false;
      position += keyBytes;
    }
    position = writeVarint(buffer, valueBytes, position);
    if (typeof value !== "string") buffer.set(value, position);
    else if (writeText(buffer, value, position) !== valueBytes) return false;
    position = writeHeaders(buffer, headers, position + valueBytes);
    if (position < 0) return false;
    this.#length = position;
    return true;
  }

  #reserve(bytes: number): Buffer {
    return this.#length + bytes <= this.#buffer.length ? this.#buffer : this.#grow(this.#length + bytes);
  }

  #grow(neededBytes: number): Buffer {
    assert(neededBytes <= batchBytesMax, `a batch of ${neededBytes} bytes is larger than any may be`);
    const bytes = this.#buffer.length === 0 ? this.#expectedBytes : this.#buffer.length * 2;
    const grown = bufferOf(Math.max(neededBytes, bytes));
    if (this.#length > batchHeaderBytes) this.#buffer.copy(grown, batchHeaderBytes, batchHeaderBytes, this.#length);
    this.#buffer = grown;
    return grown;
  }

  /** Gives the buffer away. A batch stays in memory for a while: it must not hold on to far more than it fills. */
  #take(): Buffer {
    const whole = this.#buffer;
    this.#buffer = noBytes;
    if (this.#length >= whole.length / 2) return whole.subarray(0, this.#length);
    const batch = bufferOf(this.#length);
    whole.copy(batch, 0, 0, this.#length);
    return batch;
  }
}

/** Small ones are parts of a common block, which is several times cheaper to get. */
function bufferOf(bytes: number): Buffer {
  return bytes < Buffer.poolSize >>> 1 ? Buffer.allocUnsafe(bytes) : Buffer.allocUnsafeSlow(bytes);
}

export interface BatchHeader {
  readonly baseOffset: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly count: number;
}

/** Writes what stands before the records of `batch`, with its checksums. */
export function writeHeader(batch: Buffer, header: BatchHeader): void {
  writeInt64(batch, header.baseOffset, at.baseOffset);
  batch.writeInt32BE(batch.length - lengthExcludesBytes, at.length);
  batch[at.magic] = magic;
  batch.writeInt16BE(0, at.attributes);
  batch.writeInt32BE(header.lastOffsetDelta, at.lastOffsetDelta);
  writeInt64(batch, header.baseTimestampMs, at.baseTimestamp);
  writeInt64(batch, header.maxTimestampMs, at.maxTimestamp);
  batch.fill(0xff, at.producerId, at.count);
  batch.writeInt32BE(header.count, at.count);
  batch.writeInt32BE(headCheck(batch, 0), at.headCheck);
  batch.writeUInt32BE(crc32c(batch.subarray(at.attributes)), at.crc);
}

/** A record's headers as they are stored: names and values in turn, each after its length. */
interface StoredHeaders {
  readonly texts: readonly string[];
  readonly lengths: readonly number[];
  readonly bytes: number;
}

const none: StoredHeaders = { texts: [], lengths: [], bytes: 1 };

function hasHeaders({ id, headers, dueAtMs, expiresAtMs }: RecordInput): boolean {
  return id !== undefined || headers !== undefined || dueAtMs !== undefined || expiresAtMs !== undefined;
}

function headersOf(record: RecordInput, measured: boolean): StoredHeaders {
  const texts: string[] = record.id === undefined ? [] : [idHeader, record.id];
  if (record.dueAtMs !== undefined) texts.push(dueHeader, String(record.dueAtMs));
  if (record.expiresAtMs !== undefined) texts.push(expiresHeader, String(record.expiresAtMs));
  for (const [name, value] of Object.entries(record.headers ?? {})) texts.push(name, value);
  const lengths = texts.map((text) => textBytes(text, measured));
  return {
    texts,
    lengths,
    bytes: lengths.reduce((sum, each) => sum + fieldBytes(each), varintBytes(texts.length / 2)),
  };
}

/** Returns the position behind the headers, or -1 when a text is not as long as said. */
function writeHeaders(buffer: Buffer, { texts, lengths }: StoredHeaders, start: number): number {
  let position = writeVarint(buffer, texts.length / 2, start);
  for (let index = 0; index < texts.length; index++) {
    const bytes = lengths[index] as number;
    position = writeVarint(buffer, bytes, position);
    if (writeText(buffer, texts[index] as string, position) !== bytes) return -1;
    position += bytes;
  }
  return position;
}

/** Up to this length the way to native code takes longer than writing the text here, if it is ASCII. */
const shortTextMax = 16;

/** Returns how many bytes were written: as many as the text has characters just when it is ASCII. */
function writeText(buffer: Buffer, text: string, position: number): number {
  const { length } = text;
  if (length > shortTextMax) return buffer.write(text, position);
  let bits = 0;
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index);
    bits |= unit;
    buffer[position + index] = unit;
  }
  return bits < 128 ? length : buffer.write(text, position);
}

function textBytes(text: string, measured: boolean): number {
  return measured ? Buffer.byteLength(text) : text.length;
}

/** A field and the length before it; -1 stands for no field. */
function fieldBytes(bytes: number): number {
  return bytes < 0 ? 1 : varintBytes(bytes) + bytes;
}

/** Offset and timestamp against the batch's, and the record's own length: at most this. */
const recordOverheadBytesMax = 24;

/** How long `record` is at most in a batch: its texts and bytes measured, the numbers around them rounded up. */
export function encodedBytes(record: RecordInput): number {
  const { key, value } = record;
  const keyBytes = key === undefined ? -1 : Buffer.byteLength(key);
  const valueBytes = typeof value === "string" ? Buffer.byteLength(value) : value.length;
  const headers = hasHeaders(record) ? headersOf(record, true) : none;
  return recordOverheadBytesMax + fieldBytes(keyBytes) + fieldBytes(valueBytes) + headers.bytes;
}
