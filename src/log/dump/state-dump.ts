import type { Disk } from "../../disk/disk.js";
import { decodeCheckpoint, type PartitionSnapshot } from "../checkpoint/body.js";
import { readSlot } from "../checkpoint/slots.js";
import { readMirror } from "../meta/mirror.js";
import { scanPages } from "../pages/page-store.js";
import { type DumpLine, readWhole } from "./wal-dump.js";

/** A checkpoint slot: where recovery begins, and what there was of each partition. */
export function* dumpCheckpoint(disk: Disk, name: string): Generator<DumpLine> {
  const slot = readSlot(disk, name);
  if (slot.state !== "whole") {
    yield {
      what: `checkpoint ${slot.state}`,
      position: 0,
      fields: slot.state === "damaged" ? { because: slot.what } : {},
    };
    return;
  }
  const body = decodeCheckpoint(slot.body);
  yield { what: "checkpoint", position: 0, fields: { sequence: slot.sequence, bytes: slot.body.length, ...body.wal } };
  for (const partition of body.partitions) yield* dumpPartition(partition);
  for (const page of body.pageFiles) yield { what: "page file", position: 0, fields: { ...page } };
  for (const path of body.garbage) yield { what: "garbage", position: 0, fields: { path } };
  yield { what: "state", position: 0, fields: { bytes: body.state.length } };
}

function* dumpPartition(partition: PartitionSnapshot): Generator<DumpLine> {
  const { topicId, index, startOffset, endOffset } = partition;
  yield {
    what: "partition",
    position: 0,
    fields: { topic: topicId, partition: index, startOffset, endOffset, tailBatches: partition.tail.length },
  };
  for (const segment of partition.segments)
    yield { what: "segment", position: 0, fields: { topic: topicId, partition: index, ...segment } };
}

/** One mirror of the meta journal: every channel and group that was ever declared. */
export function* dumpMeta(disk: Disk, name: string): Generator<DumpLine> {
  const content = readMirror(disk, name);
  for (const [sequence, entry] of content.entries)
    yield { what: "entry", position: 0, fields: { sequence, json: JSON.stringify(entry) } };
  if (content.trouble !== undefined)
    yield { what: "damaged", position: content.endBytes, fields: { because: content.trouble } };
}

/** A file of settle pages, or of ids: every version of every page; the last of each counts. */
export function dumpPages(disk: Disk, path: string): DumpLine[] {
  const lines: DumpLine[] = [];
  scanPages(
    readWhole(disk, path),
    (page, position, bytes) =>
      lines.push({ what: bytes === 0 ? "page gone" : "page", position, fields: { page, bytes } }),
    (position) => lines.push({ what: "damaged", position, fields: {} }),
  );
  return lines;
}
