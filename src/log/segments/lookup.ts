import { baseOffsetAt, checkHead } from "../batch/check.js";
import { batchHeaderBytes } from "../batch/layout.js";
import type { SegmentIndexes } from "./indexes.js";
import { BatchScanner, type ScanStart } from "./scanner.js";
import type { Segment } from "./segment.js";
import type { TimeEntry } from "./time-index.js";

/** Where to begin reading for the batch that holds `offset`. */
export function findBatch(segment: Segment, offset: number): ScanStart {
  const start = { position: 0, offset: segment.baseOffset };
  if (offset <= segment.baseOffset || segment.bytes === 0) return start;
  const indexed = batchBefore(segment, segment.indexes, offset);
  if (indexed !== undefined) return indexed;
  return batchBefore(segment, segment.reindex(), offset) ?? start;
}

/** What the index says, checked: a batch must begin there, and begin with an offset not above the one looked for. */
function batchBefore(segment: Segment, indexes: SegmentIndexes, offset: number): ScanStart | undefined {
  const position = indexes.offsets.lookup(offset - segment.baseOffset);
  if (position === 0) return { position, offset: segment.baseOffset };
  const head = Buffer.allocUnsafe(batchHeaderBytes);
  if (segment.read(head, position) < head.length || checkHead(head, 0) !== "whole") return undefined;
  const found = baseOffsetAt(head, 0);
  return found <= offset && found >= segment.baseOffset ? { position, offset: found } : undefined;
}

/** The first offset in the segment whose record is at or after the time. */
export function findTime(segment: Segment, timestampMs: number): number | undefined {
  let entry = segment.indexes.times.before(timestampMs);
  if (entry !== undefined && !isTrue(segment, entry)) {
    entry = segment.reindex().times.before(timestampMs);
  }
  const scanner = scanFrom(segment, segment.baseOffset + (entry?.relativeOffset ?? 0));
  for (let batch = scanner.next(); batch !== undefined; batch = scanner.next()) {
    if (batch.maxTimestampMs < timestampMs) continue;
    const record = batch.records().find((candidate) => candidate.timestampMs >= timestampMs);
    if (record !== undefined) return record.offset;
  }
  return undefined;
}

/** Whether the batch that the entry names is as the entry says. */
function isTrue(segment: Segment, entry: TimeEntry): boolean {
  const offset = segment.baseOffset + entry.relativeOffset;
  const scanner = scanFrom(segment, offset);
  let batch = scanner.next();
  while (batch !== undefined && batch.lastOffset < offset) batch = scanner.next();
  return batch?.lastOffset === offset && batch.maxTimestampMs === entry.timestampMs;
}

/** Looking something up tells nobody of damage: whoever reads the records will meet it. */
function scanFrom(segment: Segment, offset: number): BatchScanner {
  return new BatchScanner(segment, findBatch(segment, offset), () => {});
}
