import { expect, test } from "vitest";
import { seededRandom } from "../../../src/base/random.js";
import { writeFully } from "../../../src/disk/disk.js";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { put, putAt, textOf } from "./outcomes.js";

const full = expect.objectContaining({ code: "DISK_FULL" });

test("a full disk writes what fits, and only then refuses", () => {
  const disk = new SimulatedDisk({ capacityBytes: 10 });
  const file = disk.open("a", "create");
  expect(file.write(Buffer.alloc(6, "x"), 0)).toBe(6);
  expect(disk.freeBytes()).toBe(4);
  expect(file.write(Buffer.alloc(6, "y"), 6)).toBe(4);
  expect(() => file.write(Buffer.alloc(2, "z"), 10)).toThrow(full);
  expect(textOf(disk, "a")).toBe("xxxxxxyyyy");
  expect(disk.freeBytes()).toBe(0);
});

test("what stands can be overwritten on a full disk, names can be made and removed", () => {
  const disk = new SimulatedDisk({ capacityBytes: 10 });
  put(disk, "a", "0123456789");
  put(disk, "a", "ABC");
  put(disk, "b", "");
  expect(textOf(disk, "a")).toBe("ABC3456789");
  expect(() => put(disk, "b", "x")).toThrow(full);
  disk.remove("a");
  put(disk, "b", "0123456789");
});

test("more room can be given, and taken away below what is used", () => {
  const disk = new SimulatedDisk({ capacityBytes: 3 });
  put(disk, "a", "abc");
  expect(() => putAt(disk, { path: "a", position: 3 }, "d")).toThrow(full);
  disk.capacityBytes = 5;
  putAt(disk, { path: "a", position: 3 }, "de");
  disk.capacityBytes = 2;
  expect(disk.freeBytes()).toBe(0);
  put(disk, "a", "ABC");
  expect(() => putAt(disk, { path: "a", position: 5 }, "f")).toThrow(full);
  expect(textOf(disk, "a")).toBe("ABCde");
});

test("room comes back by cutting, removing and replacing, once nobody has the file open", () => {
  const disk = new SimulatedDisk();
  const file = disk.open("a", "create");
  writeFully(file, Buffer.alloc(100), 0);
  put(disk, "b", "x".repeat(50));
  file.truncate(40);
  expect(disk.usedBytes).toBe(90);
  disk.rename("b", "a");
  expect(disk.usedBytes).toBe(90);
  file.close();
  expect(disk.usedBytes).toBe(50);
  disk.remove("a");
  expect(disk.usedBytes).toBe(0);
});

test("a write far behind the end takes the room up to it", () => {
  const disk = new SimulatedDisk({ capacityBytes: 10 });
  putAt(disk, { path: "a", position: 6 }, "abcd");
  expect(disk.usedBytes).toBe(10);
  expect(() => putAt(disk, { path: "b", position: 0 }, "x")).toThrow(full);
});

test("a hole takes no room until it is written: growing a file by truncate sets nothing aside", () => {
  const disk = new SimulatedDisk({ capacityBytes: 10 });
  const file = disk.open("a", "create");
  file.truncate(100);
  expect(disk.usedBytes).toBe(0);
  expect(() => writeFully(file, Buffer.alloc(20), 0)).toThrow(full);
  expect(disk.usedBytes).toBe(10);
});

test("the room is the same after a crash", () => {
  const disk = new SimulatedDisk({ capacityBytes: 10 });
  put(disk, "a", "abc");
  for (const next of [disk.afterCrash("everything", seededRandom(1)), disk.afterKill()]) {
    expect(next.usedBytes).toBe(3);
    expect(next.freeBytes()).toBe(7);
  }
  expect(disk.afterCrash("nothing-unsynced", seededRandom(1)).usedBytes).toBe(0);
  disk.remove("a");
  expect(disk.afterKill().usedBytes).toBe(0);
});
