import { describe, expect, test } from "vitest";
import type { Disk } from "../../../src/disk/disk.js";
import { memoryDisk } from "../../../src/disk/memory.js";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { at } from "../../../src/log/batch/layout.js";
import { BatchView } from "../../../src/log/batch/view.js";
import { Segment } from "../../../src/log/segments/segment.js";
import { batchOf, record } from "../batch/records.js";
import { contentOf, fill, filesOn, range, read, reopened, replace, startMs, valueOf } from "./fixture.js";

const perBatch = 7;
const batches = 120;
const end = batches * perBatch;

interface Stored {
  readonly disk: Disk;
  readonly segment: Segment;
  readonly index: string;
  readonly timeIndex: string;
}

function stored(): Stored {
  const disk = memoryDisk();
  const segment = fill(Segment.create(filesOn(disk), 0), batches, perBatch);
  segment.seal();
  const [, index, timeIndex] = segment.fileNames.map((name) => `p/${name}`) as [string, string, string];
  return { disk, segment, index, timeIndex };
}

/** Looks up every tenth offset and time, by a process that has just started; returns those that are found wrong. */
function missed({ segment }: Stored): number[] {
  return range(0, end / 10)
    .map((tenth) => tenth * 10 + 3)
    .filter((offset) => {
      const reader = reopened(segment).reader(offset, () => expect.unreachable());
      const first = reader.next()?.records(offset)[0]?.offset;
      return first !== offset || reopened(segment).offsetAt(startMs + offset) !== offset;
    });
}

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
  return copy;
}

describe("the indexes of a sealed segment", () => {
  test("are written with it, an entry for about every 4 KiB", () => {
    const { disk, segment, index, timeIndex } = stored();
    const entries = contentOf(disk, index).length / 8;
    expect(entries).toBeGreaterThan(segment.bytes / 4_096 / 2);
    expect(entries).toBeLessThanOrEqual(segment.bytes / 4_096);
    expect(contentOf(disk, timeIndex).length / 12).toBe(entries + 1);
  });

  test("spare reading the segment", () => {
    const disk = new SimulatedDisk();
    const large = fill(Segment.create(filesOn(disk), 0), 5_000, 2);
    large.seal();
    let bytes = 0;
    disk.faults = ({ operation, path, bytes: asked }) => {
      if (operation === "read" && path.endsWith(".log")) bytes += asked;
      return undefined;
    };
    expect(
      reopened(large)
        .reader(9_001, () => {})
        .next()?.lastOffset,
    ).toBe(9_001);
    expect(reopened(large).offsetAt(startMs + 9_500)).toBe(9_500);
    expect(large.bytes).toBeGreaterThan(800_000);
    expect(bytes).toBeLessThan(large.bytes / 4);
  });

  test("find every offset and time", () => {
    expect(missed(stored())).toEqual([]);
  });

  test("any bit of the offset index may be wrong without harm", () => {
    const files = stored();
    const right = contentOf(files.disk, files.index);
    for (let bit = 0; bit < right.length * 8; bit++) {
      const wrong = flipped(right, bit);
      replace(files.disk, files.index, wrong);
      // Just around what the entry said, and around what it says now.
      const entry = (bit >> 6) * 8;
      const around = [right.readUInt32BE(entry), wrong.readUInt32BE(entry)].flatMap((offset) => [
        offset - 7,
        offset,
        offset + 1,
      ]);
      for (const offset of around.filter((each) => each >= 0 && each < end)) {
        const reader = reopened(files.segment).reader(offset, () => expect.unreachable());
        expect([bit, reader.next()?.records(offset)[0]?.offset]).toEqual([bit, offset]);
      }
    }
  });

  test("may lead into the middle of a message, also of one that is all zeros", () => {
    const disk = memoryDisk();
    const segment = Segment.create(filesOn(disk), 0);
    for (let offset = 0; offset < 10; offset++) {
      segment.append(new BatchView(batchOf([record(new Uint8Array(5_000))], offset)));
    }
    segment.seal();
    const right = contentOf(disk, "p/00000000000000000000.index");
    for (let bit = 0; bit < right.length * 8; bit++) {
      replace(disk, "p/00000000000000000000.index", flipped(right, bit));
      const reader = reopened(segment).reader(7, () => expect.unreachable());
      expect([bit, reader.next()?.baseOffset]).toEqual([bit, 7]);
    }
  });

  test("any bit of the time index may be wrong without harm", () => {
    const files = stored();
    const right = contentOf(files.disk, files.timeIndex);
    for (let bit = 0; bit < right.length * 8; bit++) {
      const wrong = flipped(right, bit);
      replace(files.disk, files.timeIndex, wrong);
      const entry = Math.floor(bit / 96) * 12;
      const times = [right, wrong].map((each) => Number(each.readBigInt64BE(entry)) - startMs);
      for (const offset of times
        .flatMap((time) => [time - 7, time, time + 1])
        .filter((each) => each >= 0 && each < end)) {
        expect([bit, reopened(files.segment).offsetAt(startMs + offset)]).toEqual([bit, offset]);
      }
    }
  });

  const harms: Record<string, (files: Stored) => void> = {
    missing: ({ disk, index, timeIndex }) => [index, timeIndex].forEach((path) => disk.remove(path)),
    "half there": ({ disk, index }) => disk.remove(index),
    empty: ({ disk, index, timeIndex }) => [index, timeIndex].forEach((path) => replace(disk, path, Buffer.alloc(0))),
    "cut inside an entry": ({ disk, index }) => replace(disk, index, contentOf(disk, index).subarray(0, 13)),
    zeroed: ({ disk, index, timeIndex }) =>
      [index, timeIndex].forEach((path) => replace(disk, path, Buffer.alloc(contentOf(disk, path).length))),
    noise: ({ disk, index, timeIndex }) =>
      [index, timeIndex].forEach((path) => replace(disk, path, Buffer.alloc(96, "noise!"))),
    "those of another segment": ({ disk, index, timeIndex }) => {
      const other = fill(Segment.create(filesOn(disk), end), batches / 2, perBatch * 2);
      other.seal();
      const [, otherIndex, otherTimeIndex] = other.fileNames as [string, string, string];
      replace(disk, index, contentOf(disk, `p/${otherIndex}`));
      replace(disk, timeIndex, contentOf(disk, `p/${otherTimeIndex}`));
    },
  };

  test.for(Object.entries(harms))("%s, they are built anew", ([, harm]) => {
    const files = stored();
    harm(files);
    expect(missed(files)).toEqual([]);
  });

  test("are the same when they are built anew", () => {
    const { disk, segment, index, timeIndex } = stored();
    const before = [contentOf(disk, index), contentOf(disk, timeIndex)];
    disk.remove(index);
    replace(disk, timeIndex, Buffer.alloc(9_999, "longer than the right one"));
    read(reopened(segment), 500);
    expect([contentOf(disk, index), contentOf(disk, timeIndex)]).toEqual(before);
  });

  test("do not lead into a batch whose head is damaged", () => {
    const files = stored();
    const bytes = contentOf(files.disk, files.segment.path);
    const position = contentOf(files.disk, files.index).readUInt32BE(12);
    bytes.fill(0xaa, position, position + at.magic);
    replace(files.disk, files.segment.path, bytes);
    for (const from of range(0, end)) {
      expect([from, read(reopened(files.segment), from)]).toEqual([
        from,
        { offsets: range(from, end), lost: [], wrong: [] },
      ]);
    }
    expect(missed(files)).toEqual([]);
  }, 60_000);
});

describe("the indexes of a segment that is not sealed", () => {
  test("are kept in memory while it grows, and found by a scan after a restart", () => {
    const disk = memoryDisk();
    const files = filesOn(disk);
    let segment = fill(Segment.create(files, 0), batches / 2, perBatch);
    expect(read(segment, 300).offsets).toEqual(range(300, end / 2));
    segment = reopened(segment, files);
    expect(read(segment, 300).offsets).toEqual(range(300, end / 2));
    fill(segment, batches / 2, perBatch);
    expect(read(segment, 800).offsets).toEqual(range(800, end));
    expect(segment.offsetAt(startMs + 700)).toBe(700);
    expect(disk.list("p")).toHaveLength(1);
    segment.seal();
    const grown = contentOf(disk, "p/00000000000000000000.index");
    expect(grown).toEqual(contentOf(stored().disk, "p/00000000000000000000.index"));
  });
});

describe("looking for a time", () => {
  /** Batches of one record at these times. */
  function at(...times: number[]): Segment {
    const segment = Segment.create(filesOn(), 0);
    times.forEach((time, offset) => {
      const padded = record(valueOf(offset).padEnd(3_000));
      segment.append(new BatchView(batchOf([padded], offset, time)));
    });
    segment.seal();
    return segment;
  }

  test("finds the first record at or after it, also where times go back", () => {
    const segment = at(100, 200, 150, 150, 300, 250, 400, 10, 500);
    const expected: [number, number | undefined][] = [
      [0, 0],
      [100, 0],
      [101, 1],
      [200, 1],
      [201, 4],
      [300, 4],
      [301, 6],
      [500, 8],
      [501, undefined],
    ];
    for (const each of [segment, reopened(segment)]) {
      expect(expected.map(([time]) => [time, each.offsetAt(time)])).toEqual(expected);
    }
  });

  test("finds nothing in a segment that is all earlier, without reading it", () => {
    const segment = at(1, 2, 3);
    segment.files.openFiles.disk.remove(segment.path);
    expect(reopened(segment).offsetAt(4)).toBeUndefined();
  });
});
