import { expect, test } from "vitest";
import { seededRandom } from "../../../src/base/random.js";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { Segment } from "../../../src/log/segments/segment.js";
import { fill, filesOn, range, read } from "./fixture.js";

/** Calls that open or close a .log. */
function openAtMost(disk: SimulatedDisk): () => number {
  let open = 0;
  let most = 0;
  disk.faults = ({ operation, path }) => {
    if (!path.endsWith(".log")) return undefined;
    if (operation === "open" || operation === "create") open++;
    if (operation === "close") open--;
    most = Math.max(most, open);
    return undefined;
  };
  return () => most;
}

test("however many segments are in use, no more files are open than allowed, and one while one more is opened", () => {
  const disk = new SimulatedDisk();
  const most = openAtMost(disk);
  const files = filesOn(disk, 3);
  const segments = range(0, 12).map((index) => fill(Segment.create(files, index * 1_000), 2, 2));
  for (const segment of segments) fill(segment, 2, 2);
  const readers = segments.map((segment) => segment.reader(0, () => expect.unreachable()));
  for (const reader of readers) expect(reader.next()?.count).toBe(2);
  expect(segments.map((segment) => read(segment).offsets.length)).toEqual(segments.map(() => 8));
  expect(most()).toBeLessThanOrEqual(4);
});

test("the files closed are those not used for longest", () => {
  const disk = new SimulatedDisk();
  const files = filesOn(disk, 2);
  const [busy, ...others] = range(0, 5).map((index) => fill(Segment.create(files, index * 1_000), 1, 1)) as [
    Segment,
    ...Segment[],
  ];
  read(busy);
  let opened = 0;
  disk.faults = ({ operation, path }) => {
    if (operation === "open" && path === busy.path) opened++;
    return undefined;
  };
  for (const other of others) {
    read(other);
    read(busy);
  }
  expect(opened).toBe(0);
});

test("what was written to a file that has been closed since is synced all the same", async () => {
  const disk = new SimulatedDisk();
  const files = filesOn(disk, 1);
  const segments = range(0, 5).map((index) => fill(Segment.create(files, index * 1_000), 2, 2));
  await Promise.all(segments.map((segment) => segment.sync()));
  await disk.syncDirectory("p");
  await disk.syncDirectory("");
  const after = disk.afterCrash("nothing-unsynced", seededRandom(1));
  const restored = segments.map((segment) => Segment.restore(filesOn(after), segment.facts));
  expect(restored.map((segment) => read(segment).lost)).toEqual(segments.map(() => []));
  expect(restored.map((segment) => read(segment).offsets.length)).toEqual(segments.map(() => 4));
});

test("the sync of a file that has vanished fails: nobody may believe that it is safe", async () => {
  const disk = new SimulatedDisk();
  const files = filesOn(disk, 1);
  const segment = fill(Segment.create(files, 0), 1, 1);
  fill(Segment.create(files, 1_000), 1, 1);
  disk.remove(segment.path);
  await expect(segment.sync()).rejects.toMatchObject({ code: "DISK_FAILED" });
});
