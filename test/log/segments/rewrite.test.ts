import { describe, expect, test } from "vitest";
import { memoryDisk } from "../../../src/disk/memory.js";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { rewriteInSteps, rewriteSegment } from "../../../src/log/segments/rewrite.js";
import { Segment } from "../../../src/log/segments/segment.js";
import { contentOf, fill, filesOn, range, read, reopened, replace, startMs } from "./fixture.js";

function sealed(batches = 40, perBatch = 5): Segment {
  const segment = fill(Segment.create(filesOn(), 100), batches, perBatch);
  segment.seal();
  return segment;
}

const isTenth = (offset: number): boolean => offset % 10 === 3;

describe("a segment rewritten without its dead records", () => {
  test("holds the others at their old offsets, in less space, over the same range", () => {
    const segment = sealed();
    const fresh = rewriteSegment(segment, isTenth);
    expect(read(reopened(fresh))).toEqual({ offsets: range(100, 300).filter(isTenth), lost: [], wrong: [] });
    expect(fresh.facts).toMatchObject({ baseOffset: 100, endOffset: 300, revision: 1, sealed: true });
    expect(fresh.bytes).toBeLessThan(segment.bytes / 2);
    expect(contentOf(fresh.files.openFiles.disk, fresh.path)).toHaveLength(fresh.bytes);
  });

  test("is found by offset and by time where there are gaps", () => {
    const fresh = reopened(rewriteSegment(sealed(400), isTenth));
    for (let offset = 100; offset < 2_090; offset += 7) {
      const next = Math.ceil((offset - 3) / 10) * 10 + 3;
      expect(read(fresh, offset).offsets[0]).toBe(next);
      expect(fresh.offsetAt(startMs + offset)).toBe(next);
    }
  });

  test("can be rewritten again", () => {
    const twice = rewriteSegment(rewriteSegment(sealed(), isTenth), (offset) => offset > 200);
    expect(twice.facts).toMatchObject({ baseOffset: 100, endOffset: 300, revision: 2 });
    expect(read(twice).offsets).toEqual(range(201, 300).filter(isTenth));
  });

  test("may be left with nothing, and still covers its range", () => {
    const fresh = rewriteSegment(sealed(), () => false);
    expect(fresh.facts).toMatchObject({ baseOffset: 100, endOffset: 300, bytes: 0, sealed: true });
    expect(read(reopened(fresh))).toEqual({ offsets: [], lost: [], wrong: [] });
    expect(reopened(fresh).offsetAt(0)).toBeUndefined();
  });

  test("leaves the old files to be removed when nobody needs them", () => {
    const segment = sealed();
    const fresh = rewriteSegment(segment, isTenth);
    expect(read(segment).offsets).toEqual(range(100, 300));
    expect(fresh.fileNames).not.toEqual(segment.fileNames);
    segment.remove();
    expect(read(reopened(fresh)).offsets).toEqual(range(100, 300).filter(isTenth));
  });

  test("has to be synced before the old one goes", () => {
    expect(rewriteSegment(sealed(), isTenth).dirty).toBe(true);
  });

  test("goes on where a crash has left a half of it", () => {
    const segment = sealed();
    replace(segment.files.openFiles.disk, "p/00000000000000000100.1.log", Buffer.alloc(9_999, 1));
    expect(read(rewriteSegment(segment, isTenth)).offsets).toEqual(range(100, 300).filter(isTenth));
  });

  test("can be made step by step", () => {
    let steps = 0;
    const stepping = rewriteInSteps(sealed(1_000, 20), isTenth);
    let step = stepping.next();
    for (; step.done !== true; step = stepping.next()) steps++;
    expect(steps).toBeGreaterThan(2);
    expect(read(step.value).offsets).toEqual(range(100, 20_100).filter(isTenth));
  });
});

describe("rewriting is refused, and leaves nothing behind,", () => {
  test("when the segment is damaged: what is lost must not look like what was not wanted", () => {
    const segment = sealed();
    const { disk } = segment.files.openFiles;
    const bytes = contentOf(disk, segment.path);
    bytes.fill(0, 900, 1_000);
    replace(disk, segment.path, bytes);
    // Being told of the damage before makes no difference.
    expect(read(segment).lost).not.toEqual([]);
    expect(() => rewriteSegment(segment, isTenth)).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }));
    expect(disk.list("p").filter((name) => name.includes(".1."))).toEqual([]);
  });

  test("when the disk is full", () => {
    const disk = new SimulatedDisk();
    const segment = fill(Segment.create(filesOn(disk), 100), 40, 5);
    segment.seal();
    disk.capacityBytes = disk.usedBytes + 100;
    const before = disk.usedBytes;
    expect(() => rewriteSegment(segment, isTenth)).toThrow(expect.objectContaining({ code: "DISK_FULL" }));
    expect(disk.usedBytes).toBe(before);
    expect(read(segment).offsets).toEqual(range(100, 300));
  });
});

test("a head that was damaged is whole again in the new segment", () => {
  const disk = memoryDisk();
  const segment = fill(Segment.create(filesOn(disk), 0), 3, 2);
  segment.seal();
  const bytes = contentOf(disk, segment.path);
  bytes.fill(0, 0, 12);
  replace(disk, segment.path, bytes);
  const fresh = rewriteSegment(reopened(segment), (offset) => offset !== 5);
  fresh.remove();
  expect(read(rewriteSegment(reopened(segment), () => true))).toEqual({ offsets: range(0, 6), lost: [], wrong: [] });
});
