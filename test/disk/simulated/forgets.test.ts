import { expect, test } from "vitest";
import { seededRandom } from "../../../src/base/random.js";
import { type CrashStyleName, crashStyles, SimulatedDisk } from "../../../src/disk/simulated.js";
import { outcomes, put, putAt, putDurably, sync, textOf } from "./outcomes.js";

const styles = Object.keys(crashStyles) as CrashStyleName[];

test("a write that was not synced may be forgotten, though reads saw it", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "old" });
  put(disk, "a", "new");
  expect(textOf(disk, "a")).toBe("new");
  expect(outcomes(disk, "nothing-unsynced", (left) => textOf(left, "a"))).toEqual(["old"]);
  expect(outcomes(disk, "everything", (left) => textOf(left, "a"))).toEqual(["new"]);
  expect(outcomes(disk, "reordered", (left) => textOf(left, "a"))).toEqual(["new", "old"]);
});

test.each(styles)("what was synced, name and all, survives every crash (%s)", async (style) => {
  const disk = new SimulatedDisk();
  disk.makeDirectory("d");
  put(disk, "d/a", "x".repeat(5000));
  await sync(disk, "d/a");
  await disk.syncDirectory("d");
  await disk.syncDirectory("");
  putAt(disk, { path: "d/a", position: 5000 }, "unsynced");
  put(disk, "d/b", "unsynced too");
  expect(outcomes(disk, style, (left) => String(textOf(left, "d/a").startsWith("x".repeat(5000))))).toEqual(["true"]);
});

test("what a crash leaves is durable: a second crash takes nothing more", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "old" });
  put(disk, "a", "new");
  put(disk, "b", "fresh");
  const left = disk.afterCrash("everything", seededRandom(1));
  expect(outcomes(left, "nothing-unsynced", (again) => textOf(again, "a") + textOf(again, "b"))).toEqual(["newfresh"]);
});

test("a sync covers what was written before it began, and nothing that came after", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "......" });
  const file = disk.open("a", "write");
  file.write(Buffer.from("one"), 0);
  const syncing = file.sync();
  file.write(Buffer.from("two"), 3);
  await syncing;
  expect(outcomes(disk, "nothing-unsynced", (left) => textOf(left, "a"))).toEqual(["one..."]);
});

test("a sync covers its own file only", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "old", b: "old" });
  put(disk, "a", "new");
  put(disk, "b", "new");
  await sync(disk, "b");
  expect(outcomes(disk, "nothing-unsynced", (left) => textOf(left, "a") + textOf(left, "b"))).toEqual(["oldnew"]);
});

test("a crash leaves the crashed disk as it was, and the disks it leaves know nothing of each other", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "old" });
  put(disk, "a", "new");
  const one = disk.afterCrash("everything", seededRandom(1));
  const other = disk.afterCrash("everything", seededRandom(1));
  put(one, "a", "ONE");
  put(disk, "a", "NEW");
  expect([disk, one, other].map((each) => textOf(each, "a"))).toEqual(["NEW", "ONE", "new"]);
  expect(outcomes(disk, "nothing-unsynced", (left) => textOf(left, "a"))).toEqual(["old"]);
});

test("the same chance finds the same", async () => {
  const disk = new SimulatedDisk();
  for (let index = 0; index < 20; index += 1) put(disk, `file${index}`, "x".repeat(index * 100));
  const look = (seed: number): string[] => {
    const left = disk.afterCrash("torn-garbage", seededRandom(seed));
    return left.files().map((path) => path + textOf(left, path));
  };
  expect(look(7)).toEqual(look(7));
  expect(look(7)).not.toEqual(look(8));
});

test("the caller may use its buffer again at once: what is synced later is what was written", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "" });
  const file = disk.open("a", "write");
  const buffer = Buffer.from("first");
  file.write(buffer, 0);
  buffer.write("SECOND");
  await file.sync();
  expect(outcomes(disk, "nothing-unsynced", (left) => textOf(left, "a"))).toEqual(["first"]);
});
