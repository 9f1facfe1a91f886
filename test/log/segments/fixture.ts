import { type Disk, readFully, writeFully } from "../../../src/disk/disk.js";
import { memoryDisk } from "../../../src/disk/memory.js";
import { BatchView } from "../../../src/log/batch/view.js";
import { OpenFiles } from "../../../src/log/segments/open-files.js";
import { Segment, type SegmentFiles } from "../../../src/log/segments/segment.js";
import { batchOf, record } from "../batch/records.js";

export const startMs = 1_700_000_000_000;

export function filesOn(disk: Disk = memoryDisk(), filesMax = 8): SegmentFiles {
  disk.makeDirectory("p");
  return { openFiles: new OpenFiles(disk, filesMax), directory: "p" };
}

/** Every record's value tells its offset, so that a wrong one cannot pass for right. */
export function valueOf(offset: number): string {
  return `value of ${String(offset).padStart(7, "0")} `.repeat(3);
}

/** A batch of `count` records; record `offset` is at `startMs + offset`. */
export function batchAt(baseOffset: number, count: number): BatchView {
  const inputs = Array.from({ length: count }, (_, index) => record(valueOf(baseOffset + index)));
  return new BatchView(batchOf(inputs, baseOffset, startMs + baseOffset));
}

/** Appends `batches` batches of `perBatch` records. */
export function fill(segment: Segment, batches: number, perBatch: number): Segment {
  for (let count = 0; count < batches; count++) segment.append(batchAt(segment.endOffset, perBatch));
  return segment;
}

export interface Reading {
  /** Of every record that was read, in order. */
  readonly offsets: readonly number[];
  /** Ranges told as lost. */
  readonly lost: readonly (readonly [number, number])[];
  /** Records whose value is not what it should be. */
  readonly wrong: readonly number[];
}

/** Reads the segment from `offset` to its end. */
export function read(segment: Segment, offset = 0): Reading {
  const offsets: number[] = [];
  const lost: [number, number][] = [];
  const wrong: number[] = [];
  const reader = segment.reader(offset, (from, to) => lost.push([from, to]));
  for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
    for (const each of batch.records(offset)) {
      offsets.push(each.offset);
      if (Buffer.from(each.value).toString() !== valueOf(each.offset)) wrong.push(each.offset);
    }
  }
  return { offsets, lost, wrong };
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** The same segment as a process that has just started knows it. */
export function reopened(segment: Segment, files: SegmentFiles = freshFiles(segment)): Segment {
  return Segment.restore(files, segment.facts);
}

function freshFiles(segment: Segment): SegmentFiles {
  return { openFiles: new OpenFiles(segment.files.openFiles.disk, 8), directory: segment.files.directory };
}

export function contentOf(disk: Disk, path: string): Buffer {
  const file = disk.open(path, "read");
  const bytes = Buffer.alloc(file.size());
  readFully(file, bytes, 0);
  file.close();
  return bytes;
}

/** Replaces the whole file. */
export function replace(disk: Disk, path: string, bytes: Uint8Array): void {
  const file = disk.open(path, disk.exists(path) ? "write" : "create");
  file.truncate(0);
  writeFully(file, bytes, 0);
  file.close();
}
