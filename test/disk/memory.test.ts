import { expect, test } from "vitest";
import { writeFully } from "../../src/disk/disk.js";
import { memoryDisk } from "../../src/disk/memory.js";

const mebibyte = 1024 * 1024;
const heldBytes = (): number => process.memoryUsage().arrayBuffers;

test("a large file is never copied as a whole while it grows", () => {
  const file = memoryDisk().open("a", "create");
  const bytes = new Uint8Array(mebibyte).fill(1);
  const before = heldBytes();
  for (let at = 0; at < 64; at += 1) writeFully(file, bytes, at * mebibyte);
  // Nothing is collected in this loop for sure: copies of what grew would still be held.
  expect(heldBytes() - before).toBeLessThan(66 * mebibyte);
  expect(file.size()).toBe(64 * mebibyte);
});

test("ten thousand small files take little memory", () => {
  const disk = memoryDisk();
  const before = heldBytes();
  for (let number = 0; number < 10_000; number += 1) writeFully(disk.open(`${number}`, "create"), Buffer.alloc(100), 0);
  expect(heldBytes() - before).toBeLessThan(20 * mebibyte);
});

test("a hole takes no memory", () => {
  const file = memoryDisk().open("a", "create");
  const before = heldBytes();
  file.truncate(1024 * mebibyte);
  writeFully(file, Uint8Array.of(1), 512 * mebibyte);
  expect(heldBytes() - before).toBeLessThan(2 * mebibyte);
});

test("two disks share nothing", () => {
  const one = memoryDisk();
  one.makeDirectory("a");
  expect(memoryDisk().list("")).toEqual([]);
});
