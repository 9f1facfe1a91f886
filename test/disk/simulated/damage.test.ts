import { expect, test } from "vitest";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { outcomes, putDurably, textOf } from "./outcomes.js";

test("one bit of a file can be turned, for good", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "aaa" });
  disk.flipBit("a", 8);
  expect(textOf(disk, "a")).toBe("a`a");
  expect(outcomes(disk, "nothing-unsynced", (left) => textOf(left, "a"))).toEqual(["a`a"]);
  disk.flipBit("a", 8);
  expect(textOf(disk, "a")).toBe("aaa");
});

test("a fork can be damaged without the disk it came from", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "aaa" });
  const fork = disk.afterKill();
  fork.flipBit("a", 0);
  fork.truncateFile("a", 2);
  expect(textOf(fork, "a")).toBe("`a");
  expect(textOf(disk, "a")).toBe("aaa");
});

test("a file can be cut, for good, and never grows by it", async () => {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: "abc" });
  disk.truncateFile("a", 10);
  expect(textOf(disk, "a")).toBe("abc");
  disk.truncateFile("a", 1);
  expect(outcomes(disk, "nothing-unsynced", (left) => textOf(left, "a"))).toEqual(["a"]);
});
