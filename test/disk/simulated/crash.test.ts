import { expect, test } from "vitest";
import { seededRandom } from "../../../src/base/random.js";
import { SimulatedCrash, SimulatedDisk } from "../../../src/disk/simulated.js";
import { outcomes, put, putDurably, textOf } from "./outcomes.js";

/** Lets everything that can resolve now resolve. */
const settled = (): Promise<void> => new Promise((done) => setImmediate(done));

test("from the call it crashes at, every call throws and none takes effect", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "old" });
  const file = disk.open("a", "write");
  disk.crashAt(disk.calls + 1);
  file.write(Buffer.from("1"), 0);
  expect(disk.crashed).toBe(false);
  const calls = [
    () => file.write(Buffer.from("2"), 0),
    () => file.read(new Uint8Array(1), 0),
    () => file.size(),
    () => file.truncate(0),
    () => disk.open("b", "create"),
    () => disk.rename("a", "b"),
    () => disk.remove("a"),
    () => disk.list(""),
    () => disk.exists("a"),
    () => disk.makeDirectory("d"),
    () => disk.freeBytes(),
    () => file.close(),
  ];
  for (const call of calls) expect(call).toThrow(SimulatedCrash);
  expect(disk.crashed).toBe(true);
  await disk.whenCrashed();
  expect(textOf(disk, "a")).toBe("1ld");
  expect(disk.files()).toEqual(["a"]);
});

test("a sync of a dead process never resolves, and may or may not have taken effect", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "old" });
  const file = disk.open("a", "write");
  file.write(Buffer.from("new"), 0);
  const ended: string[] = [];
  const note = (name: string) => (): unknown => ended.push(name);
  file.sync().then(note("in flight"), note("in flight failed"));
  disk.crashAt(disk.calls);
  void disk.whenCrashed().then(note("crashed"));
  file.sync().then(note("late"), note("late failed"));
  disk.syncDirectory("").then(note("directory"), note("directory failed"));
  await settled();
  expect(ended).toEqual(["crashed"]);
  expect(outcomes(disk, "reordered", (left) => textOf(left, "a"))).toEqual(["new", "old"]);
});

test("a sync takes as long as is asked, and has no effect before its end", async () => {
  let finish = (): void => {};
  const medium = new Promise<void>((done) => (finish = done));
  const disk = new SimulatedDisk({ syncTakes: () => medium });
  put(disk, "a", "x");
  const syncing = disk.syncDirectory("");
  await settled();
  expect(outcomes(disk, "nothing-unsynced", (left) => left.files().join(" "))).toEqual([""]);
  finish();
  await syncing;
  expect(outcomes(disk, "nothing-unsynced", (left) => left.files().join(" "))).toEqual(["a"]);
});

test("one run can be crashed at each of its calls, without being disturbed", async () => {
  const found: string[] = [];
  const disk = new SimulatedDisk();
  disk.faults = ({ changes }) => {
    if (changes) found.push(textOf(disk.afterCrash("nothing-unsynced", seededRandom(1)), "a"));
    return undefined;
  };
  await putDurably(disk, { a: "1" });
  put(disk, "a", "2");
  expect(found).toEqual(["-", "-", "-", "-", "1"]);
  expect(textOf(disk, "a")).toBe("2");
});

test("a plan may let the process die at the very call it is asked about", () => {
  const disk = new SimulatedDisk();
  disk.faults = ({ number, operation }) => {
    if (operation === "write") disk.crashAt(number);
    return undefined;
  };
  expect(() => put(disk, "a", "x")).toThrow(SimulatedCrash);
  expect(textOf(disk, "a")).toBe("");
});

test("a kill leaves all that was written, but none of it more durable than it was", async () => {
  const disk = new SimulatedDisk();
  disk.makeDirectory("d");
  await putDurably(disk, { a: "old", "d/moved": "x" });
  put(disk, "a", "new");
  put(disk, "b", "fresh");
  disk.rename("d/moved", "moved");
  disk.crashAt(disk.calls);
  const next = disk.afterKill();
  expect(next.files()).toEqual(["a", "b", "moved"]);
  expect(textOf(next, "a") + textOf(next, "b")).toBe("newfresh");
  const look = (left: SimulatedDisk): string => `${textOf(left, "a")} ${left.files().join(" ")}`;
  expect(outcomes(next, "nothing-unsynced", look)).toEqual(["old a"]);
  expect(outcomes(next, "everything", look)).toEqual(["new a b moved"]);
});

test("after a kill, the next process can make durable what the killed one wrote", async () => {
  const disk = new SimulatedDisk();
  put(disk, "a", "written");
  const next = disk.afterKill();
  const file = next.open("a", "write");
  await file.sync();
  await next.syncDirectory("");
  expect(outcomes(next, "nothing-unsynced", (left) => textOf(left, "a"))).toEqual(["written"]);
  expect(outcomes(disk, "nothing-unsynced", (left) => textOf(left, "a"))).toEqual(["-"]);
});
