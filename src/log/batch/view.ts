import { assert } from "../../base/assert.js";
import { MillraceError } from "../../base/errors.js";
import { readInt64 } from "./int64.js";
import { at, batchHeaderBytes, lengthExcludesBytes, magic, recordBytesMin } from "./layout.js";
import { readRecords, type RecordView } from "./record.js";
import { corrupt, VarintReader } from "./varint.js";

/**
 * One whole batch in memory. Whoever got the bytes from a disk has checked them with `checkBatch` first. What the
 * checksums cannot tell, a batch that was built wrongly or with bad intent, is refused with LOG_CORRUPT:
 * nothing outside the batch is ever read, and no count is believed that the batch has no room for.
 */
export class BatchView {
  readonly bytes: Buffer;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly count: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;

  constructor(bytes: Buffer) {
    assert(bytes.length >= batchHeaderBytes, "a batch is at least its header");
    assert(bytes.readInt32BE(at.length) + lengthExcludesBytes === bytes.length, "the bytes are exactly one batch");
    const baseOffset = readInt64(bytes, at.baseOffset);
    refuseUnsupported(bytes, baseOffset);
    this.bytes = bytes;
    this.baseOffset = baseOffset;
    this.lastOffset = baseOffset + bytes.readInt32BE(at.lastOffsetDelta);
    this.baseTimestampMs = readInt64(bytes, at.baseTimestamp);
    this.maxTimestampMs = readInt64(bytes, at.maxTimestamp);
    this.count = bytes.readInt32BE(at.count);
    if (!isPlausible(this)) throw corrupt(`the header of the batch at offset ${baseOffset} contradicts itself`);
  }

  /** In order, those at `fromOffset` and above. Offsets may have gaps: a segment is rewritten without its dead records. */
  records(fromOffset = 0): RecordView[] {
    return readRecords(new VarintReader(this.bytes, at.records), this, fromOffset);
  }
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
