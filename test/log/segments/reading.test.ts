import { describe, expect, test } from "vitest";
import { memoryDisk } from "../../../src/disk/memory.js";
import { parseSegmentFileName, segmentFileName } from "../../../src/log/segments/names.js";
import { Segment } from "../../../src/log/segments/segment.js";
import { batchAt, contentOf, fill, filesOn, range, read, reopened, replace } from "./fixture.js";

describe("a segment", () => {
  test("is read from any offset to its end, while it grows, once it is sealed, and after a restart", () => {
    const segment = fill(Segment.create(filesOn(), 1_000), 300, 5);
    for (const sealed of [false, true]) {
      if (sealed) segment.seal();
      for (const each of [segment, reopened(segment)]) {
        for (const from of [0, 1_000, 1_001, 1_700, 2_498, 2_499]) {
          expect(read(each, from)).toEqual({ offsets: range(Math.max(from, 1_000), 2_500), lost: [], wrong: [] });
        }
        expect(read(each, 2_500).offsets).toEqual([]);
      }
    }
  });

  test("lets a reader that has come to its end go on when more is appended", () => {
    const segment = fill(Segment.create(filesOn(), 0), 3, 2);
    const reader = segment.reader(0, () => expect.unreachable());
    for (let count = 0; count < 3; count++) expect(reader.next()).toBeDefined();
    expect(reader.next()).toBeUndefined();
    segment.append(batchAt(6, 4));
    expect(
      reader
        .next()
        ?.records()
        .map((each) => each.offset),
    ).toEqual([6, 7, 8, 9]);
    expect(reader.next()).toBeUndefined();
  });

  test("knows its bytes, offsets and times, and the same after a restart", () => {
    const segment = fill(Segment.create(filesOn(), 70), 4, 10);
    const bytes = 4 * batchAt(70, 10).bytes.length;
    const facts = { baseOffset: 70, endOffset: 110, bytes, revision: 0, sealed: false };
    expect(segment.facts).toEqual({ ...facts, firstTimestampMs: 1_700_000_000_070, maxTimestampMs: 1_700_000_000_109 });
    expect(reopened(segment).facts).toEqual(segment.facts);
  });

  test("makes its file with the first batch, and none before", () => {
    const disk = memoryDisk();
    const segment = Segment.create(filesOn(disk), 0);
    expect(read(segment)).toEqual({ offsets: [], lost: [], wrong: [] });
    expect(disk.list("p")).toEqual([]);
    segment.append(batchAt(0, 1));
    expect(disk.list("p")).toEqual(["00000000000000000000.log"]);
  });

  test("writes over what a crash has left under its name", () => {
    const disk = memoryDisk();
    const files = filesOn(disk);
    replace(disk, "p/00000000000000000000.log", Buffer.alloc(100_000, 1));
    const segment = fill(Segment.create(files, 0), 2, 3);
    expect(contentOf(disk, segment.path)).toHaveLength(segment.bytes);
    expect(read(segment)).toEqual({ offsets: range(0, 6), lost: [], wrong: [] });
  });

  test("takes what lies behind its end for nothing, and writes over it", () => {
    const disk = memoryDisk();
    const segment = fill(Segment.create(filesOn(disk), 0), 4, 3);
    const earlier = segment.facts;
    fill(segment, 5, 3);
    const restored = Segment.restore(filesOn(disk), earlier);
    expect(read(restored).offsets).toEqual(range(0, 12));
    restored.append(batchAt(12, 1));
    expect(read(restored)).toEqual({ offsets: range(0, 13), lost: [], wrong: [] });
    restored.seal();
    expect(contentOf(disk, restored.path)).toHaveLength(restored.bytes);
  });

  test("is not dirty once a sync has begun after the last append", async () => {
    const segment = Segment.create(filesOn(), 0);
    expect(segment.dirty).toBe(false);
    fill(segment, 1, 1);
    expect(segment.dirty).toBe(true);
    const synced = segment.sync();
    expect(segment.dirty).toBe(false);
    fill(segment, 1, 1);
    await synced;
    expect(segment.dirty).toBe(true);
    await segment.sync();
    expect(segment.dirty).toBe(false);
  });

  test("removes its files and nothing else", () => {
    const disk = memoryDisk();
    const files = filesOn(disk);
    const kept = fill(Segment.create(files, 0), 1, 1);
    const segment = fill(Segment.create(files, 1), 1, 1);
    segment.seal();
    segment.remove();
    expect(disk.list("p")).toEqual(["00000000000000000000.log"]);
    expect(read(kept).offsets).toEqual([0]);
  });

  test("refuses a batch that does not go on from the last one, and any once it is sealed", () => {
    const segment = fill(Segment.create(filesOn(), 0), 1, 5);
    expect(() => segment.append(batchAt(4, 2))).toThrow("batch 4 is appended behind 5");
    segment.seal();
    expect(() => segment.append(batchAt(5, 2))).toThrow("is sealed");
  });

  test("with batches far larger than one read is read as any other", () => {
    const segment = Segment.create(filesOn(), 0);
    fill(segment, 2, 40_000);
    fill(segment, 2, 1);
    expect(segment.bytes).toBeGreaterThan(3_000_000);
    expect(read(reopened(segment), 39_999)).toEqual({ offsets: range(39_999, 80_002), lost: [], wrong: [] });
  });
});

test("names of segment files are told from all others", () => {
  const names = [
    { baseOffset: 0, revision: 0, kind: "log" },
    { baseOffset: 1_234_567_890_123_456, revision: 12, kind: "timeindex" },
  ] as const;
  expect(names.map(segmentFileName)).toEqual(["00000000000000000000.log", "00001234567890123456.12.timeindex"]);
  expect(names.map((each) => parseSegmentFileName(segmentFileName(each)))).toEqual(names);
  const others = [
    "0.log",
    "00000000000000000000.0.log",
    "00000000000000000000.txt",
    "99999999999999999999.log",
    "x00000000000000000000.log",
  ];
  expect(others.map(parseSegmentFileName)).toEqual(others.map(() => undefined));
});
