import { writeHeader } from "./builder.js";
import { at, batchHeaderBytes } from "./layout.js";
import { VarintReader } from "./varint.js";
import type { BatchView } from "./view.js";

interface Kept {
  readonly parts: readonly Buffer[];
  readonly bytes: number;
  readonly maxTimestampMs: number;
}

/**
 * The batch with only the records `keep` wants, undefined when it wants none. Offsets, timestamps and the batch's own bounds
 * stay as they are, so that each record's bytes can stay too; what is taken out leaves a gap.
 */
export function filterBatch(batch: BatchView, keep: (offset: number) => boolean): Buffer | undefined {
  const { parts, bytes, maxTimestampMs } = wantedParts(batch, keep);
  if (parts.length === 0) return undefined;
  if (parts.length === batch.count) return batch.bytes;
  const filtered = Buffer.allocUnsafeSlow(batchHeaderBytes + bytes);
  let position = batchHeaderBytes;
  for (const part of parts) position += part.copy(filtered, position);
  writeHeader(filtered, {
    baseOffset: batch.baseOffset,
    lastOffsetDelta: batch.lastOffset - batch.baseOffset,
    baseTimestampMs: batch.baseTimestampMs,
    maxTimestampMs,
    count: parts.length,
  });
  return filtered;
}

function wantedParts(batch: BatchView, keep: (offset: number) => boolean): Kept {
  const reader = new VarintReader(batch.bytes, at.records);
  const parts: Buffer[] = [];
  let bytes = 0;
  let maxTimestampMs = 0;
  for (const record of batch.records()) {
    const start = reader.position;
    const length = reader.length();
    reader.position += length;
    if (!keep(record.offset)) continue;
    parts.push(batch.bytes.subarray(start, reader.position));
    bytes += reader.position - start;
    maxTimestampMs = Math.max(maxTimestampMs, record.timestampMs);
  }
  return { parts, bytes, maxTimestampMs };
}
