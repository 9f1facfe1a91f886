/**
 * What a checkpoint says: where recovery begins in the write-ahead log, and all there was at that moment. Small tails
 * stand in it themselves, so that ten thousand channels with a few messages each cost no file and no sync each.
 *
 *   lsn u64 · generation u64 · salt u32 · position u64
 *   partitions: count, then each
 *     topic u32 · partition u32 · start u64 · end u64
 *     segments: count, then each: base, end, bytes, revision, first and last timestamp u64 · sealed u8
 *     tail: count, then each: a record batch
 *   page files: count, then each: file text · revision · bytes u64
 *   garbage: count, then each: a path that recovery removes, in case we did not get to it
 *   state: bytes, the state machine's own
 */
import { ByteReader, ByteWriter } from "../../base/bytes.js";
import { BatchView } from "../batch/view.js";
import type { PageFileFacts } from "../pages/page-store.js";
import type { PartitionFacts } from "../partition/partition.js";
import type { SegmentFacts } from "../segments/segment.js";
import type { WalPosition } from "../wal/scan.js";

export interface PartitionSnapshot extends PartitionFacts {
  readonly topicId: number;
  readonly index: number;
  readonly tail: readonly BatchView[];
}

export interface CheckpointBody {
  readonly wal: WalPosition;
  readonly partitions: readonly PartitionSnapshot[];
  readonly pageFiles: readonly PageFileFacts[];
  readonly garbage: readonly string[];
  readonly state: Uint8Array;
}

export function encodeCheckpoint(body: CheckpointBody): Buffer {
  const out = new ByteWriter(4096);
  out.u64(body.wal.lsn);
  out.u64(body.wal.generation);
  out.u32(body.wal.salt);
  out.u64(body.wal.position);
  out.varint(body.partitions.length);
  for (const partition of body.partitions) encodePartition(out, partition);
  out.varint(body.pageFiles.length);
  for (const { file, revision, bytes } of body.pageFiles) {
    out.text(file);
    out.varint(revision);
    out.u64(bytes);
  }
  out.varint(body.garbage.length);
  for (const path of body.garbage) out.text(path);
  out.bytes(body.state);
  return out.view();
}

export function decodeCheckpoint(bytes: Uint8Array): CheckpointBody {
  const reader = new ByteReader(bytes);
  const wal = { lsn: reader.u64(), generation: reader.u64(), salt: reader.u32(), position: reader.u64() };
  const partitions = readList(reader, () => decodePartition(reader));
  const pageFiles = readList(reader, () => ({ file: reader.text(), revision: reader.varint(), bytes: reader.u64() }));
  const garbage = readList(reader, () => reader.text());
  return { wal, partitions, pageFiles, garbage, state: reader.bytes() };
}

function encodePartition(out: ByteWriter, partition: PartitionSnapshot): void {
  out.u32(partition.topicId);
  out.u32(partition.index);
  out.u64(partition.startOffset);
  out.u64(partition.endOffset);
  out.varint(partition.segments.length);
  for (const segment of partition.segments) encodeSegment(out, segment);
  out.varint(partition.tail.length);
  for (const batch of partition.tail) out.bytes(batch.bytes);
}

function decodePartition(reader: ByteReader): PartitionSnapshot {
  return {
    topicId: reader.u32(),
    index: reader.u32(),
    startOffset: reader.u64(),
    endOffset: reader.u64(),
    segments: readList(reader, () => decodeSegment(reader)),
    // Copied: a batch lives as long as its messages, the checkpoint's buffer must not.
    tail: readList(reader, () => new BatchView(Buffer.from(reader.bytes()))),
  };
}

function encodeSegment(out: ByteWriter, segment: SegmentFacts): void {
  out.varint(segment.baseOffset);
  out.varint(segment.endOffset);
  out.varint(segment.bytes);
  out.varint(segment.revision);
  out.varint(segment.firstTimestampMs);
  out.varint(segment.maxTimestampMs);
  out.u8(segment.sealed ? 1 : 0);
}

function decodeSegment(reader: ByteReader): SegmentFacts {
  return {
    baseOffset: reader.varint(),
    endOffset: reader.varint(),
    bytes: reader.varint(),
    revision: reader.varint(),
    firstTimestampMs: reader.varint(),
    maxTimestampMs: reader.varint(),
    sealed: reader.u8() === 1,
  };
}

function readList<T>(reader: ByteReader, read: () => T): T[] {
  const count = reader.varint();
  const items: T[] = [];
  for (let index = 0; index < count; index++) items.push(read());
  return items;
}
