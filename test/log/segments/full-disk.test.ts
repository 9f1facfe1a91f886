import { expect, test } from "vitest";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { Segment } from "../../../src/log/segments/segment.js";
import { batchAt, fill, filesOn, range, read, reopened } from "./fixture.js";

const full = expect.objectContaining({ code: "DISK_FULL" });

test("a batch that finds no room changes nothing, and can be appended once there is room", () => {
  const disk = new SimulatedDisk({ capacityBytes: 2_000 });
  const segment = fill(Segment.create(filesOn(disk), 0), 2, 5);
  const before = segment.facts;
  const batch = batchAt(10, 40);
  expect(() => segment.append(batch)).toThrow(full);
  expect(segment.facts).toEqual(before);
  expect(read(segment)).toEqual({ offsets: range(0, 10), lost: [], wrong: [] });
  expect(read(reopened(segment))).toEqual({ offsets: range(0, 10), lost: [], wrong: [] });
  disk.capacityBytes = 100_000;
  segment.append(batch);
  expect(read(segment)).toEqual({ offsets: range(0, 50), lost: [], wrong: [] });
  expect(read(reopened(segment), 30)).toEqual({ offsets: range(30, 50), lost: [], wrong: [] });
});

test("a smaller batch may take the place of the one that found no room", () => {
  const disk = new SimulatedDisk({ capacityBytes: 2_000 });
  const segment = fill(Segment.create(filesOn(disk), 0), 2, 5);
  expect(() => segment.append(batchAt(10, 40))).toThrow(full);
  segment.append(batchAt(10, 1));
  expect(read(segment)).toEqual({ offsets: range(0, 11), lost: [], wrong: [] });
});

test("batches that are appended together find room together or not at all", () => {
  const disk = new SimulatedDisk({ capacityBytes: 2_000 });
  const segment = fill(Segment.create(filesOn(disk), 0), 2, 5);
  const before = segment.facts;
  const batches = [batchAt(10, 1), batchAt(11, 40)];
  expect(() => segment.appendAll(batches)).toThrow(full);
  expect(segment.facts).toEqual(before);
  disk.capacityBytes = 100_000;
  segment.appendAll(batches);
  expect(read(reopened(segment))).toEqual({ offsets: range(0, 51), lost: [], wrong: [] });
});

test("what a batch that found no room has left behind is cut off when the segment is sealed, and no more", () => {
  const disk = new SimulatedDisk({ capacityBytes: 2_000 });
  const segment = fill(Segment.create(filesOn(disk), 0), 2, 5);
  expect(() => segment.append(batchAt(10, 40))).toThrow(full);
  expect(disk.bytesOf(segment.path).length).toBeGreaterThan(segment.bytes);
  disk.capacityBytes = 100_000;
  segment.seal();
  expect(disk.bytesOf(segment.path)).toHaveLength(segment.bytes);
  expect(read(reopened(segment))).toEqual({ offsets: range(0, 10), lost: [], wrong: [] });
});

test("a segment is sealed also when its indexes find no room; they are made when there is", () => {
  const disk = new SimulatedDisk();
  const segment = fill(Segment.create(filesOn(disk), 0), 100, 5);
  disk.capacityBytes = disk.usedBytes;
  segment.seal();
  expect(segment.sealed).toBe(true);
  expect(read(reopened(segment), 333)).toEqual({ offsets: range(333, 500), lost: [], wrong: [] });
  disk.capacityBytes = 1_000_000;
  expect(read(reopened(segment), 333).offsets).toEqual(range(333, 500));
  expect(disk.usedBytes).toBeGreaterThan(segment.bytes);
});

test("writes and reads that stop short are gone on with", () => {
  const disk = new SimulatedDisk();
  disk.faults = ({ operation }) => (operation === "write" || operation === "read" ? { shorten: 7 } : undefined);
  const segment = fill(Segment.create(filesOn(disk), 0), 3, 2);
  segment.seal();
  expect(read(reopened(segment), 3)).toEqual({ offsets: range(3, 6), lost: [], wrong: [] });
});
