import { assert } from "../../base/assert.js";
import { MillraceError } from "../../base/errors.js";
import { readInt64 } from "./int64.js";
import { at, batchHeaderBytes, lengthExcludesBytes, magic, recordBytesMin } from "./layout.js";
import type { Loan } from "./loan.js";
import { RecordCursor } from "./cursor.js";
import { readRecords, RecordView } from "./record.js";
import { corrupt, VarintReader } from "./varint.js";

/**
 * One whole batch in memory. Whoever got the bytes from a disk has checked them with `checkBatch` first. What the
 * checksums cannot tell, a batch that was built wrongly or with bad intent, is refused with LOG_CORRUPT:
 * nothing outside the batch is ever read, and no count is believed that the batch has no room for.
 */
export class BatchView {
  #bytes: Buffer;
  /** Whose memory it is in; undefined: its own. */
  #lent: Lent | undefined;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly count: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;

  constructor(bytes: Buffer, lent?: Lent) {
    assert(bytes.length >= batchHeaderBytes, "a batch is at least its header");
    assert(bytes.readInt32BE(at.length) + lengthExcludesBytes === bytes.length, "the bytes are exactly one batch");
    const baseOffset = readInt64(bytes, at.baseOffset);
    refuseUnsupported(bytes, baseOffset);
    this.#bytes = bytes;
    this.#lent = lent;
    this.baseOffset = baseOffset;
    this.lastOffset = baseOffset + bytes.readInt32BE(at.lastOffsetDelta);
    this.baseTimestampMs = readInt64(bytes, at.baseTimestamp);
    this.maxTimestampMs = readInt64(bytes, at.maxTimestamp);
    this.count = bytes.readInt32BE(at.count);
    if (!isPlausible(this)) throw corrupt(`the header of the batch at offset ${baseOffset} contradicts itself`);
  }

  /** Whether offsets between its first and its last are not there. */
  get hasGaps(): boolean {
    return this.count <= this.lastOffset - this.baseOffset;
  }

  /** To be looked at now and not to be handed on: the memory may be lent. */
  get bytes(): Buffer {
    return this.#lent?.loan.ended === true ? this.#readAgain(this.#lent) : this.#bytes;
  }

  /** To be handed on: what is there now stays there. */
  keptBytes(): Buffer {
    const { bytes } = this;
    this.#lent?.loan.keep();
    return bytes;
  }

  /** In order, those at `fromOffset` and above. Offsets may have gaps: a segment is rewritten without its dead records. */
  records(fromOffset = 0): RecordView[] {
    return readRecords(new VarintReader(this.bytes, at.records), this, fromOffset);
  }

  /** The same, passing over those that nobody looks at. */
  cursor(): RecordCursor {
    return new RecordCursor(new VarintReader(this.bytes, at.records), this);
  }

  /** The record of which a cursor said that it is there. */
  recordAt(position: number): RecordView {
    return new RecordView(new VarintReader(this.bytes, position), this);
  }

  #readAgain({ loan, position }: Lent): Buffer {
    const bytes = loan.readAgain({ position, bytes: this.#bytes.length, baseOffset: this.baseOffset });
    this.#bytes = bytes;
    this.#lent = undefined;
    return bytes;
  }
}

/** That a batch lies in lent memory, and where it came from. */
export interface Lent {
  readonly loan: Loan;
  readonly position: number;
}

function refuseUnsupported(bytes: Buffer, baseOffset: number): void {
  const version = bytes[at.magic];
  const attributes = bytes.readInt16BE(at.attributes);
  if (version === magic && attributes === 0) return;
  const what =
    version === magic ? `attributes ${attributes} (compressed or transactional)` : `format version ${version}`;
  throw new MillraceError(
    "LOG_VERSION_UNSUPPORTED",
    `the batch at offset ${baseOffset} is whole but has ${what}: open it with the release that wrote it`,
  );
}

function isPlausible(batch: BatchView): boolean {
  const { baseOffset, lastOffset, count } = batch;
  if (baseOffset < 0 || !Number.isSafeInteger(lastOffset)) return false;
  if (!Number.isSafeInteger(batch.baseTimestampMs) || !Number.isSafeInteger(batch.maxTimestampMs)) return false;
  if (count < 1 || count > lastOffset - baseOffset + 1) return false;
  return count <= (batch.bytes.length - batchHeaderBytes) / recordBytesMin;
}
