import { crc32c } from "../../base/crc32c.js";
import { type Disk, readFully } from "../../disk/disk.js";
import { BatchView } from "../batch/view.js";
import { type FrameEntry, frameEntries } from "../wal/frame.js";
import {
  decodeFileHeader,
  decodeFrameHeader,
  fileHeaderBytes,
  frameEnd,
  frameHeaderBytes,
  saltOfFirstFrame,
} from "../wal/layout.js";

/** One line about a file's structure: what it is, where it begins, and its fields. */
export interface DumpLine {
  readonly what: string;
  readonly position: number;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

/** A file of the write-ahead log: its header, and frame by frame what is in it, to the first that does not continue. */
export function* dumpWal(disk: Disk, path: string): Generator<DumpLine> {
  const bytes = readWhole(disk, path);
  const header = decodeFileHeader(bytes);
  if (header === undefined) yield { what: "header damaged", position: 0, fields: {} };
  else {
    const { version, generation, salt, bytes: size, eachFrameSynced, afterLsn } = header;
    const begun = afterLsn === undefined ? {} : { afterLsn };
    yield {
      what: "wal file",
      position: 0,
      fields: { version, generation, salt, bytes: size, eachFrameSynced, ...begun },
    };
  }
  const salt = header?.salt ?? saltOfFirstFrame(bytes);
  if (salt === undefined) return;
  let at = fileHeaderBytes;
  for (;;) {
    const frame = decodeFrameHeader(bytes, at, salt);
    if (frame === undefined) {
      yield { what: "end", position: at, fields: { unusedBytes: bytes.length - at } };
      return;
    }
    const body = bytes.subarray(at + frameHeaderBytes, at + frameHeaderBytes + frame.bodyBytes);
    const whole = body.length === frame.bodyBytes && crc32c(body) === frame.bodyCrc;
    yield {
      what: whole ? "frame" : "frame torn or damaged",
      position: at,
      fields: { lsn: frame.lsn, bytes: frame.bodyBytes, entries: frame.entries },
    };
    if (whole)
      for (const entry of frameEntries(body, frame.entries))
        yield { what: entry.kind, position: at, fields: entryFields(entry) };
    at = frameEnd(at, frame.bodyBytes);
  }
}

function entryFields(entry: FrameEntry): DumpLine["fields"] {
  if (entry.kind === "state") return { type: entry.type, bytes: entry.body.length };
  const place = { topic: entry.topicId, partition: entry.partition };
  if (entry.kind === "stored") return { ...place, ...entry.place };
  const batch = new BatchView(Buffer.from(entry.bytes));
  return {
    ...place,
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    records: batch.count,
    bytes: batch.bytes.length,
  };
}

export function readWhole(disk: Disk, path: string): Buffer {
  const file = disk.open(path, "read");
  try {
    const bytes = Buffer.alloc(file.size());
    return bytes.subarray(0, readFully(file, bytes, 0));
  } finally {
    file.close();
  }
}
