import { expect, test } from "vitest";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { outcomes, put, putAt, putDurably, textOf } from "./outcomes.js";

test("of unsynced writes to several files, any may have survived", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "0", b: "0", c: "0" });
  for (const path of ["a", "b", "c"]) put(disk, path, "1");
  const found = outcomes(disk, "reordered", (left) => textOf(left, "a") + textOf(left, "b") + textOf(left, "c"));
  expect(found).toEqual(["000", "001", "010", "011", "100", "101", "110", "111"]);
});

test("of unsynced writes to one file, any may have survived", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "0".repeat(1536) });
  for (const position of [0, 512, 1024]) putAt(disk, { path: "a", position }, "1");
  const look = (text: string): string => (text[0] ?? "") + (text[512] ?? "") + (text[1024] ?? "");
  const found = outcomes(disk, "reordered", (left) => look(textOf(left, "a")));
  expect(found).toEqual(["000", "001", "010", "011", "100", "101", "110", "111"]);
});

test("a later write brings along what stood in its sector before: the page cache writes pages, not writes", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "000" });
  putAt(disk, { path: "a", position: 0 }, "1");
  putAt(disk, { path: "a", position: 2 }, "2");
  const found = outcomes(disk, "reordered", (left) => textOf(left, "a"));
  expect(found).toEqual(["000", "100", "102"]);
});

test("a write over a write leaves the old, the first or the second", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "old" });
  put(disk, "a", "1st");
  put(disk, "a", "2nd");
  expect(outcomes(disk, "reordered", (left) => textOf(left, "a"))).toEqual(["1st", "2nd", "old"]);
});
