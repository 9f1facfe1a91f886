import type { Disk } from "../../disk/disk.js";
import type { BatchView } from "../batch/view.js";
import { FileSource } from "../segments/file-source.js";
import { parseSegmentFileName, type SegmentFileName } from "../segments/names.js";
import { OffsetIndex, offsetEntryBytes } from "../segments/offset-index.js";
import { BatchScanner, type Damage } from "../segments/scanner.js";
import { TimeIndex, timeEntryBytes } from "../segments/time-index.js";
import { type DumpLine, readWhole } from "./wal-dump.js";

/** Whether `dumpSegmentFile` knows the file by its name. */
export function isSegmentFile(path: string): boolean {
  return nameOf(path) !== undefined;
}

/** A file of a segment, batch by batch or entry by entry; with `records`, every record of a batch too. */
export function* dumpSegmentFile(disk: Disk, path: string, options: { records: boolean }): Generator<DumpLine> {
  const name = nameOf(path);
  if (name === undefined) throw new TypeError(`${path} is not named as a segment's file is`);
  const { baseOffset, revision, kind } = name;
  yield { what: kind === "log" ? "segment" : kind, position: 0, fields: { baseOffset, revision } };
  if (kind === "index") yield* dumpOffsetIndex(readWhole(disk, path), baseOffset);
  else if (kind === "timeindex") yield* dumpTimeIndex(readWhole(disk, path), baseOffset);
  else yield* dumpLog(new FileSource(disk, path), baseOffset, options.records);
}

function* dumpLog(source: FileSource, baseOffset: number, withRecords: boolean): Generator<DumpLine> {
  const damages: Damage[] = [];
  try {
    const scanner = new BatchScanner(source, { position: 0, offset: baseOffset }, (damage) => damages.push(damage));
    for (let batch = scanner.next(); batch !== undefined; batch = scanner.next()) {
      yield* damages.splice(0).map(damageLine);
      yield batchLine(batch, scanner.batchPosition);
      if (withRecords) yield* recordLines(batch, scanner.batchPosition);
    }
    yield* damages.map(damageLine);
    yield { what: "end", position: source.bytes, fields: {} };
  } finally {
    source.close();
  }
}

function batchLine(batch: BatchView, position: number): DumpLine {
  const { baseOffset, lastOffset, count, baseTimestampMs, maxTimestampMs } = batch;
  const fields = { baseOffset, lastOffset, records: count, bytes: batch.bytes.length, baseTimestampMs, maxTimestampMs };
  return { what: "batch", position, fields };
}

function recordLines(batch: BatchView, position: number): DumpLine[] {
  return batch.records().map((record) => {
    const { offset, timestampMs, key, id } = record;
    const known = { offset, timestampMs, valueBytes: record.value.length, headers: Object.keys(record.headers).length };
    const fields = { ...known, ...(key === undefined ? {} : { key }), ...(id === undefined ? {} : { id }) };
    return { what: "record", position, fields };
  });
}

/** Behind the end of a segment that is still written to there may be what a crash has left: it is no damage. */
function damageLine({ position, bytes, lostFrom, lostTo }: Damage): DumpLine {
  const fields = lostTo === Number.MAX_SAFE_INTEGER ? { bytes, lostFrom } : { bytes, lostFrom, lostTo };
  return { what: "not a whole batch", position, fields };
}

function* dumpOffsetIndex(bytes: Buffer, baseOffset: number): Generator<DumpLine> {
  const count = Math.floor(bytes.length / offsetEntryBytes);
  const index = new OffsetIndex(bytes, count);
  for (let entry = 0; entry < count; entry++) {
    const fields = { lastOffset: baseOffset + index.lastOffset(entry), logPosition: index.position(entry) };
    yield { what: "entry", position: entry * offsetEntryBytes, fields };
  }
  yield end(bytes, count * offsetEntryBytes);
}

function* dumpTimeIndex(bytes: Buffer, baseOffset: number): Generator<DumpLine> {
  const count = Math.floor(bytes.length / timeEntryBytes);
  const index = new TimeIndex(bytes, count);
  for (let at = 0; at < count; at++) {
    const { timestampMs, relativeOffset } = index.entry(at);
    yield {
      what: "entry",
      position: at * timeEntryBytes,
      fields: { timestampMs, lastOffset: baseOffset + relativeOffset },
    };
  }
  yield end(bytes, count * timeEntryBytes);
}

function end(bytes: Buffer, entriesEnd: number): DumpLine {
  const unusedBytes = bytes.length - entriesEnd;
  return { what: "end", position: entriesEnd, fields: unusedBytes === 0 ? {} : { unusedBytes } };
}

function nameOf(path: string): SegmentFileName | undefined {
  return parseSegmentFileName(path.slice(path.lastIndexOf("/") + 1));
}
