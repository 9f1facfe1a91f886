/**
 * Large batches that stand in their segment, with a reference to them in the write-ahead log. The reference and the batch
 * are synced together: recovery takes the commit for whole only when both are.
 */
import { MillraceError } from "../base/errors.js";
import { type Disk, readFully, writeFully } from "../disk/disk.js";
import { baseOffsetAt, batchBytesAt, checkBatch } from "./batch/check.js";
import { segmentsDirectory } from "./partition/partitions.js";
import { segmentFileName } from "./segments/names.js";
import { type FrameEntry, frameEntries } from "./wal/frame.js";
import type { FrameHeader } from "./wal/layout.js";

export type StoredEntry = Extract<FrameEntry, { kind: "stored" }>;

/** The batches that a frame only refers to are part of it: when one is not on the disk, the commit did not happen. */
export function everyStoredBatchIsWhole(disk: Disk, body: Buffer, header: FrameHeader): boolean {
  return storedEntries(body, header).every((entry) => readStored(disk, entry) !== undefined);
}

/** The batch an entry refers to; undefined when it is not there, not whole, or another one. */
export function readStored(disk: Disk, entry: StoredEntry): Buffer | undefined {
  const { place } = entry;
  const path = storedPath(entry);
  if (!disk.exists(path)) return undefined;
  const file = disk.open(path, "read");
  try {
    if (file.size() < place.position + place.bytes) return undefined;
    const bytes = Buffer.alloc(place.bytes);
    if (readFully(file, bytes, place.position) < place.bytes) return undefined;
    const condition = checkBatch(bytes, 0);
    if (condition === "unsupported") throw newerBatch(path, place.position);
    const isIt =
      condition === "whole" && batchBytesAt(bytes, 0) === place.bytes && baseOffsetAt(bytes, 0) === place.baseOffset;
    return isIt ? bytes : undefined;
  } finally {
    file.close();
  }
}

/** What a frame refers to is to be as durable as the frame: its bytes, and the name of the file they are in. */
export async function makeStoredDurable(disk: Disk, body: Buffer, header: FrameHeader): Promise<void> {
  for (const entry of storedEntries(body, header)) {
    const bytes = readStored(disk, entry);
    if (bytes === undefined) continue;
    const path = storedPath(entry);
    const file = disk.open(path, "write");
    try {
      writeFully(file, bytes, entry.place.position);
      await file.sync();
    } finally {
      file.close();
    }
    for (let above = parentOf(path); above !== ""; above = parentOf(above)) await disk.syncDirectory(above);
    await disk.syncDirectory("");
  }
}

function storedEntries(body: Buffer, header: FrameHeader): StoredEntry[] {
  return [...frameEntries(body, header.entries)].filter((entry): entry is StoredEntry => entry.kind === "stored");
}

export function storedPath({ topicId, partition, place }: StoredEntry): string {
  const name = segmentFileName({ baseOffset: place.segment, revision: 0, kind: "log" });
  return `${segmentsDirectory}/${topicId}/${partition}/${name}`;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

function newerBatch(path: string, position: number): MillraceError {
  return new MillraceError(
    "LOG_VERSION_UNSUPPORTED",
    `the batch at byte ${position} of ${path} is whole but not of a format this release knows: open it with the release that wrote it`,
  );
}
