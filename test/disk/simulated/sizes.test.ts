import { expect, test } from "vitest";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { outcomes, putAt, putDurably, sync, textOf } from "./outcomes.js";

async function appended(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "old" });
  putAt(disk, { path: "a", position: 3 }, "NEW");
  return disk;
}

test("an append that was not synced may leave the old size", async () => {
  expect(outcomes(await appended(), "reordered", (left) => textOf(left, "a"))).toContain("old");
});

test("an append that was not synced may leave its size without its bytes: zeros", async () => {
  expect(outcomes(await appended(), "zero-tail", (left) => textOf(left, "a"))).toEqual(["old...", "oldNEW"]);
});

test("an append that was not synced may leave its size and garbage, past the synced size only", async () => {
  const found = outcomes(await appended(), "garbage-tail", (left) => textOf(left, "a"));
  expect(found.length).toBeGreaterThan(100);
  expect(found).toContain("oldNEW");
  expect(found.every((text) => text.startsWith("old") && text.length === 6)).toBe(true);
});

test("of several appends, each size between may be found", async () => {
  const disk = await appended();
  putAt(disk, { path: "a", position: 6 }, "MORE");
  const sizes = outcomes(disk, "torn-512", (left) => String(textOf(left, "a").length));
  expect(sizes).toEqual(["10", "3", "6"]);
});

test("a cut that was not synced may be undone", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "abcdef" });
  const file = disk.open("a", "write");
  file.truncate(2);
  expect(outcomes(disk, "reordered", (left) => textOf(left, "a"))).toEqual(["ab", "abcdef"]);
  await file.sync();
  expect(outcomes(disk, "reordered", (left) => textOf(left, "a"))).toEqual(["ab"]);
});

test("what is written behind a cut never shows through when the cut is undone", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "abcdef" });
  const file = disk.open("a", "write");
  file.truncate(2);
  file.write(Buffer.from("XY"), 2);
  const found = outcomes(disk, "torn-512", (left) => textOf(left, "a"));
  expect(found).toEqual(["ab", "ab..", "abXY", "abcdef"]);
});

test("a file that grew by truncate has zeros where nothing was written, also where garbage is the style", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "abc" });
  disk.open("a", "write").truncate(6);
  expect(outcomes(disk, "garbage-tail", (left) => textOf(left, "a"))).toEqual(["abc..."]);
  await sync(disk, "a");
  expect(outcomes(disk, "nothing-unsynced", (left) => textOf(left, "a"))).toEqual(["abc..."]);
});
