import { expect, test } from "vitest";
import { type Disk, readFully, writeFully } from "../../../src/disk/disk.js";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import type { Operation } from "../../../src/disk/simulated/calls.js";
import { put, textOf } from "./outcomes.js";

/** One call of each kind, on a disk with a file "a" and a directory "d". */
const calls: Readonly<Record<Operation, (disk: Disk) => unknown>> = {
  makeDirectory: (disk) => disk.makeDirectory("new"),
  list: (disk) => disk.list(""),
  exists: (disk) => disk.exists("a"),
  open: (disk) => disk.open("a", "read"),
  create: (disk) => disk.open("new", "create"),
  rename: (disk) => disk.rename("a", "b"),
  remove: (disk) => disk.remove("a"),
  removeDirectory: (disk) => disk.removeDirectory("d"),
  syncDirectory: (disk) => disk.syncDirectory(""),
  freeBytes: (disk) => disk.freeBytes(),
  size: (disk) => disk.open("a", "read").size(),
  read: (disk) => disk.open("a", "read").read(new Uint8Array(1), 0),
  write: (disk) => disk.open("a", "write").write(new Uint8Array(1), 0),
  sync: (disk) => disk.open("a", "write").sync(),
  truncate: (disk) => disk.open("a", "write").truncate(0),
  close: (disk) => disk.open("a", "read").close(),
};

function populated(): SimulatedDisk {
  const disk = new SimulatedDisk();
  disk.makeDirectory("d");
  put(disk, "a", "abc");
  return disk;
}

test.each(Object.entries(calls))("%s fails when the plan says so, and changes nothing", async (operation, call) => {
  const disk = populated();
  disk.faults = (made) => (made.operation === operation ? { fail: "EIO" } : undefined);
  await expect((async () => call(disk))()).rejects.toMatchObject({ code: "DISK_FAILED", cause: { code: "EIO" } });
  expect(textOf(disk, "a")).toBe("abc");
  expect(disk.files()).toEqual(["a"]);
  disk.faults = undefined;
  expect(disk.list("").toSorted()).toEqual(["a", "d"]);
});

test.each(["ENOSPC", "EDQUOT", "EFBIG"])("%s means that the disk is full", (fail) => {
  const disk = populated();
  disk.faults = () => ({ fail });
  expect(() => disk.list("")).toThrow(expect.objectContaining({ code: "DISK_FULL", retryable: true }));
});

test.each(["EROFS", "EACCES", "EPERM"])("%s means that the disk is read-only", (fail) => {
  const disk = populated();
  disk.faults = () => ({ fail });
  expect(() => disk.list("")).toThrow(expect.objectContaining({ code: "DISK_READ_ONLY" }));
});

test("a write may be short: the caller goes on from there", () => {
  const disk = populated();
  disk.faults = ({ operation }) => (operation === "write" ? { shorten: 2 } : undefined);
  const file = disk.open("a", "write");
  expect(file.write(Buffer.from("ABC"), 0)).toBe(2);
  expect(textOf(disk, "a")).toBe("ABc");
  writeFully(file, Buffer.from("whole text"), 0);
  expect(textOf(disk, "a")).toBe("whole text");
  expect(disk.count("write", "a")).toBe(1 + 1 + 5);
});

test("a write is never shortened to nothing", () => {
  const disk = populated();
  disk.faults = () => ({ shorten: 0 });
  expect(disk.open("a", "write").write(Buffer.from("ABC"), 0)).toBe(1);
});

test("a read may be short: the caller goes on from there", () => {
  const disk = populated();
  disk.faults = ({ operation }) => (operation === "read" ? { shorten: 1 } : undefined);
  const file = disk.open("a", "read");
  const into = new Uint8Array(3);
  expect(file.read(into, 0)).toBe(1);
  expect([...into]).toEqual([97, 0, 0]);
  expect(readFully(file, into, 0)).toBe(3);
});

test("a plan is told which call it is", () => {
  const disk = new SimulatedDisk();
  const seen: unknown[] = [];
  disk.faults = (call) => void seen.push(call);
  put(disk, "a", "abc");
  expect(seen).toEqual([
    { number: 0, operation: "exists", path: "a", bytes: 0, changes: false },
    { number: 1, operation: "create", path: "a", bytes: 0, changes: true },
    { number: 2, operation: "write", path: "a", bytes: 3, changes: true },
    { number: 3, operation: "close", path: "a", bytes: 0, changes: false },
  ]);
});
