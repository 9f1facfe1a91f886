import { expect, test } from "vitest";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { put, sync } from "./outcomes.js";

test("every call is counted, of each path and of all", async () => {
  const disk = new SimulatedDisk();
  put(disk, "a", "1");
  put(disk, "b", "1");
  put(disk, "b", "2");
  await sync(disk, "b");
  expect([disk.count("write"), disk.count("write", "a"), disk.count("write", "b")]).toEqual([3, 1, 2]);
  expect([disk.count("sync"), disk.count("sync", "a"), disk.count("sync", "b")]).toEqual([1, 0, 1]);
  expect(disk.calls).toBe(4 + 4 + 4 + 3);
});

test("the trace tells whether something was said before the sync that it needs took effect", async () => {
  const disk = new SimulatedDisk({ trace: true });
  const file = disk.open("a", "create");
  file.write(Buffer.from("x"), 0);
  const syncing = file.sync();
  disk.note("too early");
  await syncing;
  disk.note("in time");
  expect(disk.trace.map(({ what, path }) => `${what} ${path}`)).toEqual([
    "create a",
    "write a",
    "sync a",
    "note too early",
    "synced a",
    "note in time",
  ]);
});

test("a failed sync is in the trace as failed, and never as done", async () => {
  const disk = new SimulatedDisk({ trace: true, faults: () => undefined });
  const file = disk.open("a", "create");
  disk.faults = () => ({ fail: "EIO" });
  await expect(file.sync()).rejects.toThrow("EIO");
  expect(disk.trace.map(({ what, failed }) => [what, failed])).toEqual([
    ["create", undefined],
    ["sync", "EIO"],
  ]);
});

test("a trace is kept only when asked for", () => {
  const disk = new SimulatedDisk();
  put(disk, "a", "1");
  disk.note("nothing");
  expect(disk.trace).toEqual([]);
});
