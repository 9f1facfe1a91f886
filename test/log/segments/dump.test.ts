import { expect, test } from "vitest";
import { memoryDisk } from "../../../src/disk/memory.js";
import { BatchView } from "../../../src/log/batch/view.js";
import { dumpSegmentFile, isSegmentFile } from "../../../src/log/dump/segment-dump.js";
import { Segment } from "../../../src/log/segments/segment.js";
import { batchOf, record } from "../batch/records.js";
import { batchAt, contentOf, fill, filesOn, replace, startMs } from "./fixture.js";

const log = "p/00000000000000000010.log";
const batchBytes = batchAt(10, 2).bytes.length;

function stored(batches: number): ReturnType<typeof memoryDisk> {
  const disk = memoryDisk();
  fill(Segment.create(filesOn(disk), 10), batches, 2).seal();
  return disk;
}

const batchLine = (index: number): unknown => ({
  what: "batch",
  position: index * batchBytes,
  fields: {
    baseOffset: 10 + 2 * index,
    lastOffset: 11 + 2 * index,
    records: 2,
    bytes: batchBytes,
    baseTimestampMs: startMs + 10 + 2 * index,
    maxTimestampMs: startMs + 11 + 2 * index,
  },
});
const segmentLine = { what: "segment", position: 0, fields: { baseOffset: 10, revision: 0 } };

test("a .log is printed batch by batch", () => {
  const lines = [...dumpSegmentFile(stored(3), log, { records: false })];
  const end = { what: "end", position: 3 * batchBytes, fields: {} };
  expect(lines).toEqual([segmentLine, batchLine(0), batchLine(1), batchLine(2), end]);
});

test("and record by record, when asked", () => {
  const disk = memoryDisk();
  const segment = Segment.create(filesOn(disk), 10);
  const inputs = [record("abc"), record("", { key: "k", id: "i", headers: { a: "b" } })];
  segment.append(new BatchView(batchOf(inputs, 10, startMs)));
  const lines = [...dumpSegmentFile(disk, log, { records: true })].filter((line) => line.what === "record");
  expect(lines.map((line) => line.fields)).toEqual([
    { offset: 10, timestampMs: startMs, valueBytes: 3, headers: 0 },
    { offset: 11, timestampMs: startMs + 1, valueBytes: 0, headers: 1, key: "k", id: "i" },
  ]);
});

test("what is not a whole batch is said where it stands", () => {
  const disk = stored(3);
  const bytes = contentOf(disk, log);
  replace(
    disk,
    log,
    Buffer.concat([bytes.fill(0, batchBytes + 70, batchBytes + 80), Buffer.from("a tail of no meaning")]),
  );
  const lines = [...dumpSegmentFile(disk, log, { records: false })];
  expect(lines.map(({ what, position }) => [what, position])).toEqual([
    ["segment", 0],
    ["batch", 0],
    ["not a whole batch", batchBytes],
    ["batch", 2 * batchBytes],
    ["not a whole batch", 3 * batchBytes],
    ["end", 3 * batchBytes + 20],
  ]);
  expect(lines[2]?.fields).toEqual({ bytes: batchBytes, lostFrom: 12, lostTo: 14 });
  expect(lines[4]?.fields).toEqual({ bytes: 20, lostFrom: 16 });
});

test("an index is printed entry by entry, with offsets as they are in the partition", () => {
  const disk = stored(60);
  const [head, first, ...others] = dumpSegmentFile(disk, log.replace(/log$/, "index"), { records: false });
  const indexed = Math.ceil(4_096 / batchBytes);
  expect(head?.what).toBe("index");
  expect(first).toEqual({
    what: "entry",
    position: 0,
    fields: { lastOffset: 11 + 2 * indexed, logPosition: indexed * batchBytes },
  });
  expect(others.at(-1)).toMatchObject({ what: "end", position: 8 * others.length });

  const [timeHead, timeFirst] = dumpSegmentFile(disk, log.replace(/log$/, "timeindex"), { records: false });
  expect(timeHead?.what).toBe("timeindex");
  expect(timeFirst?.fields).toEqual({ timestampMs: startMs + 11 + 2 * indexed, lastOffset: 11 + 2 * indexed });
});

test("files are known by their names", () => {
  expect(["t/1/0/00000000000000000000.3.log", "00000000000000000000.index"].map(isSegmentFile)).toEqual([true, true]);
  expect(["wal/1.wal", "t/1/0", "00000000000000000000.log.bak"].map(isSegmentFile)).toEqual([false, false, false]);
  const disk = memoryDisk();
  expect(() => [...dumpSegmentFile(disk, "wal/1.wal", { records: false })]).toThrow(TypeError);
});
