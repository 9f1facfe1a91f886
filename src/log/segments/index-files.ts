import { MillraceError } from "../../base/errors.js";
import { readFully, writeFully } from "../../disk/disk.js";
import { SegmentIndexes } from "./indexes.js";
import { parseOffsetIndex } from "./offset-index.js";
import { BatchScanner } from "./scanner.js";
import type { Segment } from "./segment.js";
import { parseTimeIndex } from "./time-index.js";

/** What is stored beside the segment; undefined when something is missing or cannot be of this segment. */
export function readIndexes(segment: Segment): SegmentIndexes | undefined {
  const [, indexName, timeIndexName] = segment.fileNames as [string, string, string];
  const { bytes, maxTimestampMs } = segment;
  const offsetBytes = readWhole(segment, indexName);
  const timeBytes = readWhole(segment, timeIndexName);
  if (offsetBytes === undefined || timeBytes === undefined) return undefined;
  const offsets = segment.endOffset - segment.baseOffset;
  const offsetIndex = parseOffsetIndex(offsetBytes, { offsets, bytes });
  const timeIndex = parseTimeIndex(timeBytes, { offsets, maxTimestampMs });
  return offsetIndex && timeIndex && new SegmentIndexes(offsetIndex, timeIndex);
}

/** Reads the whole segment. */
export function scanIndexes(segment: Segment): SegmentIndexes {
  const indexes = new SegmentIndexes();
  const { baseOffset } = segment;
  const scanner = new BatchScanner(segment, { position: 0, offset: baseOffset }, () => {});
  for (let batch = scanner.next(); batch !== undefined; batch = scanner.next()) {
    // The head of a mended batch is still damaged on disk: nobody can begin reading there.
    if (!scanner.mended) indexes.add(batch, { position: scanner.batchPosition, bytes: batch.bytes.length, baseOffset });
  }
  return indexes;
}

/**
 * Writes the files beside the segment. They need no sync, because they are not believed, and no success, because
 * they can be missed: a medium that refuses them will be noticed where it matters.
 */
export function storeIndexes(segment: Segment, indexes: SegmentIndexes): void {
  indexes.finish();
  segment.files.openFiles.indexes.set(segment.path, indexes);
  const [, indexName, timeIndexName] = segment.fileNames as [string, string, string];
  try {
    writeWhole(segment, indexName, indexes.offsets.stored);
    writeWhole(segment, timeIndexName, indexes.times.stored);
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
  }
}

function readWhole(segment: Segment, name: string): Buffer | undefined {
  const { disk } = segment.files.openFiles;
  const path = `${segment.files.directory}/${name}`;
  if (!disk.exists(path)) return undefined;
  const file = disk.open(path, "read");
  try {
    const bytes = Buffer.allocUnsafeSlow(Math.min(file.size(), segment.bytes));
    return bytes.subarray(0, readFully(file, bytes, 0));
  } finally {
    file.close();
  }
}

function writeWhole(segment: Segment, name: string, bytes: Buffer): void {
  const { disk } = segment.files.openFiles;
  const path = `${segment.files.directory}/${name}`;
  const file = disk.open(path, disk.exists(path) ? "write" : "create");
  try {
    file.truncate(0);
    writeFully(file, bytes, 0);
  } finally {
    file.close();
  }
}
