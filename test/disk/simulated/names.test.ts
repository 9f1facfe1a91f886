import { expect, test } from "vitest";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { outcomes, put, putDurably, sync, textOf } from "./outcomes.js";

const filesOf = (disk: SimulatedDisk): string => disk.files().join(" ");

test("a file whose name was not synced may be missing, however well its bytes were synced", async () => {
  const disk = new SimulatedDisk();
  put(disk, "a", "synced");
  await sync(disk, "a");
  expect(outcomes(disk, "reordered", (left) => textOf(left, "a"))).toEqual(["-", "synced"]);
  await disk.syncDirectory("");
  expect(outcomes(disk, "reordered", (left) => textOf(left, "a"))).toEqual(["synced"]);
});

test("a name may survive without the bytes", async () => {
  const disk = new SimulatedDisk();
  put(disk, "a", "lost");
  await disk.syncDirectory("");
  expect(outcomes(disk, "nothing-unsynced", (left) => textOf(left, "a"))).toEqual([""]);
  expect(outcomes(disk, "names-first", (left) => textOf(left, "a"))).toEqual([""]);
});

test("within a directory, names survive in their order", () => {
  const disk = new SimulatedDisk();
  for (const path of ["a", "b", "c"]) put(disk, path, "");
  expect(outcomes(disk, "reordered", filesOf)).toEqual(["", "a", "a b", "a b c"]);
});

test("across directories, names survive in no order", async () => {
  const disk = new SimulatedDisk();
  disk.makeDirectory("x");
  disk.makeDirectory("y");
  await disk.syncDirectory("");
  put(disk, "x/1", "");
  put(disk, "y/2", "");
  expect(outcomes(disk, "reordered", filesOf)).toEqual(["", "x/1", "x/1 y/2", "y/2"]);
});

test("a synced directory takes nothing of another along", async () => {
  const disk = new SimulatedDisk();
  disk.makeDirectory("x");
  disk.makeDirectory("y");
  await disk.syncDirectory("");
  put(disk, "x/1", "");
  put(disk, "y/2", "");
  await disk.syncDirectory("y");
  expect(outcomes(disk, "nothing-unsynced", filesOf)).toEqual(["y/2"]);
});

test("a directory whose own name was not synced may be missing with all that is in it", async () => {
  const disk = new SimulatedDisk();
  disk.makeDirectory("x/y");
  put(disk, "x/y/1", "synced");
  await sync(disk, "x/y/1");
  await disk.syncDirectory("x/y");
  await disk.syncDirectory("x");
  expect(outcomes(disk, "reordered", filesOf)).toEqual(["", "x/y/1"]);
  expect(outcomes(disk, "nothing-unsynced", (left) => left.list("").join(" "))).toEqual([""]);
  await disk.syncDirectory("");
  expect(outcomes(disk, "nothing-unsynced", filesOf)).toEqual(["x/y/1"]);
});

test("a rename leaves the old or the new, never both and never none", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { target: "old", source: "new" });
  disk.rename("source", "target");
  const look = (left: SimulatedDisk): string => `${textOf(left, "source")} ${textOf(left, "target")}`;
  expect(outcomes(disk, "reordered", look)).toEqual(["- new", "new old"]);
  await disk.syncDirectory("");
  expect(outcomes(disk, "nothing-unsynced", look)).toEqual(["- new"]);
});

test("a rename between directories is whole, and takes along what came before it in both", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { file: "x" });
  put(disk, "before", "");
  disk.makeDirectory("d/e");
  disk.rename("file", "d/e/file");
  expect(outcomes(disk, "reordered", filesOf)).toEqual(["before d/e/file", "before file", "file"]);
  await disk.syncDirectory("d/e");
  expect(outcomes(disk, "nothing-unsynced", filesOf)).toEqual(["before d/e/file"]);
});

test("a removal that was not synced may be undone, with the bytes that were synced", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "abc" });
  put(disk, "a", "XYZ");
  disk.remove("a");
  expect(outcomes(disk, "names-last", (left) => textOf(left, "a"))).toEqual(["XYZ"]);
  expect(outcomes(disk, "nothing-unsynced", (left) => textOf(left, "a"))).toEqual(["abc"]);
  expect(outcomes(disk, "names-first", (left) => textOf(left, "a"))).toEqual(["-"]);
  await disk.syncDirectory("");
  expect(outcomes(disk, "reordered", (left) => textOf(left, "a"))).toEqual(["-"]);
});

test("a name given to a new file is the old one's, nobody's or the new one's", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "old" });
  disk.remove("a");
  put(disk, "a", "new");
  await sync(disk, "a");
  expect(outcomes(disk, "reordered", (left) => textOf(left, "a"))).toEqual(["-", "new", "old"]);
});

test("a directory is not removed before what it held: a file renamed out of it is not lost with it", async () => {
  const disk = new SimulatedDisk();
  disk.makeDirectory("d");
  disk.makeDirectory("e");
  await disk.syncDirectory("");
  put(disk, "d/file", "x");
  await disk.syncDirectory("d");
  disk.rename("d/file", "e/file");
  disk.removeDirectory("d");
  const look = (left: SimulatedDisk): string => `${filesOf(left)} ${left.exists("d")}`;
  expect(outcomes(disk, "reordered", look)).toEqual(["d/file true", "e/file false", "e/file true"]);
  await disk.syncDirectory("");
  expect(outcomes(disk, "nothing-unsynced", look)).toEqual(["e/file false"]);
});

test("a directory's sync covers the names made before it began, and none that came after", async () => {
  const disk = new SimulatedDisk();
  put(disk, "before", "");
  const syncing = disk.syncDirectory("");
  put(disk, "meanwhile", "");
  await syncing;
  expect(outcomes(disk, "nothing-unsynced", filesOf)).toEqual(["before"]);
});
