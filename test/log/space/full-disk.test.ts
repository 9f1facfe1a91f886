/** Rule 6: on a full disk sending is refused; settling, deleting and reading go on; it resumes by itself. */
import { describe, expect, test } from "vitest";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { fileHeaderBytes } from "../../../src/log/wal/layout.js";
import { turn } from "../../../src/testing/manual-clock.js";
import { replace } from "../segments/fixture.js";
import { LogWorld, type LogWorldOptions, plain, valuesOf } from "../log-world.js";

const full = expect.objectContaining({
  code: "DISK_FULL",
  retryable: true,
  message: expect.stringMatching(/Free some space/) as string,
});
const options: LogWorldOptions = { limits: { reserveBytes: 1_024 } };

function noRoom(disk: SimulatedDisk): void {
  disk.capacityBytes = disk.usedBytes;
}

/** Sends until it is refused, as the engine does: asks for admission first. Returns what was acknowledged. */
async function sendUntilRefused(world: LogWorld): Promise<string[]> {
  const acknowledged: string[] = [];
  const partition = world.log.partition(1, 0);
  for (let index = 0; index < 200; index++) {
    const value = `${index}`.padEnd(500, ".");
    try {
      for (let wait = world.log.admission(600); wait !== undefined; wait = world.log.admission(600)) await wait;
      world.log.append(partition, plain(value), 0);
    } catch (error) {
      expect(error).toEqual(full);
      return acknowledged;
    }
    await world.log.flush();
    acknowledged.push(value);
  }
  throw new Error("it was never refused");
}

async function filledUp(): Promise<{ world: LogWorld; acknowledged: string[] }> {
  const world = await LogWorld.open(options);
  await turn();
  noRoom(world.disk);
  return { world, acknowledged: await sendUntilRefused(world) };
}

describe("on a full disk", () => {
  test("a send is refused before it has any effect, and what was acknowledged is there", async () => {
    const { world, acknowledged } = await filledUp();
    const partition = world.log.partition(1, 0);
    expect([world.log.full, acknowledged.length > 3]).toEqual([true, true]);
    const { nextOffset } = partition;
    expect(() => world.log.append(partition, plain("x"), 0)).toThrow(full);
    await expect(world.log.appendMeta({ name: "a channel" })).rejects.toEqual(full);
    expect([partition.nextOffset, valuesOf(partition)]).toEqual([nextOffset, acknowledged]);
    expect(valuesOf((await world.cutPower("nothing-unsynced", { disk: {} })).log.partition(1, 0))).toEqual(
      acknowledged,
    );
  });

  test("state goes on being committed and reading goes on", async () => {
    const { world, acknowledged } = await filledUp();
    for (let index = 0; index < 20; index++) await world.note("settled", `${index}`);
    expect(valuesOf(world.log.partition(1, 0))).toEqual(acknowledged);
    const again = await world.cutPower();
    expect(again.state.values.get("settled")).toBe("19");
  });

  test("it looks for room once a second, and accepts sends again by itself", async () => {
    const { world } = await filledUp();
    await world.clock.advance(10_000);
    expect([world.log.full, world.clock.timers]).toEqual([true, 1]);
    world.disk.capacityBytes = Number.POSITIVE_INFINITY;
    await world.clock.advance(999);
    expect(world.log.full).toBe(true);
    await world.clock.advance(1);
    expect([world.log.full, world.clock.timers]).toEqual([false, 0]);
    await world.send(world.log.partition(1, 0), "accepted");
    expect(world.said.filter((line) => /room|full/.test(line))).toEqual([
      "error: the disk is full: sends are refused until there is room",
      "info: there is room on the disk again: sends are accepted",
    ]);
  });

  test("the reserve is given up, and set aside again when there is room", async () => {
    const world = await LogWorld.open(options);
    await turn();
    expect(world.disk.bytesOf("reserve").length).toBe(1_024);
    noRoom(world.disk);
    await sendUntilRefused(world);
    expect(world.disk.exists("reserve")).toBe(false);
    world.disk.capacityBytes = Number.POSITIVE_INFINITY;
    await world.clock.advance(1_000);
    expect(world.disk.bytesOf("reserve").length).toBe(1_024);
  });

  test("letting records go makes the room that sending needs", async () => {
    const world = await LogWorld.open({ limits: { ...options.limits, partitionTailBytes: 100, segmentBytes: 2_000 } });
    await turn();
    world.disk.capacityBytes = world.disk.usedBytes + 12_000;
    const partition = world.log.partition(1, 0);
    const acknowledged = await sendUntilRefused(world);
    partition.trim(acknowledged.length);
    await world.clock.advance(3_000);
    expect(world.log.full).toBe(false);
    await world.send(partition, "accepted");
    expect(valuesOf((await world.cutPower()).log.partition(1, 0))).toEqual(["accepted"]);
  });

  test("a checkpoint that finds no room changes nothing, and comes when there is some", async () => {
    const world = await LogWorld.open({ limits: { reserveBytes: 0 } });
    for (let index = 0; index < 5; index++) await world.send(world.log.partition(1, 0), `${index}`.padEnd(700, "."));
    world.log.touch(world.state.setPage("g/1/1-0", 0, "page"));
    await turn();
    noRoom(world.disk);
    await world.log.checkpoint();
    expect(world.log.full).toBe(true);
    expect((await world.cutPower("nothing-unsynced", { disk: {} })).state.pageTexts).toEqual({ "g/1/1-0#0": "page" });
    world.disk.capacityBytes = Number.POSITIVE_INFINITY;
    await world.clock.advance(1_000);
    await world.log.checkpoint();
    expect(world.disk.exists("g/1/1-0.0.ack")).toBe(true);
    expect(valuesOf((await world.cutPower()).log.partition(1, 0))).toHaveLength(5);
  });

  test("the commits of state that find no place in the write-ahead log wait, and are made when there is room", async () => {
    const { world } = await filledUp();
    // A checkpoint would make a place for them: it needs room too.
    world.disk.faults = ({ operation, path }) =>
      operation === "write" && path.startsWith("checkpoint") ? { fail: "ENOSPC" } : undefined;
    let durable = 0;
    for (let index = 0; index < 100; index++) void world.note(`note ${index}`, "x".repeat(300)).then(() => durable++);
    await turn();
    await world.clock.advance(5_000);
    const waiting = durable;
    world.disk.faults = undefined;
    world.disk.capacityBytes = Number.POSITIVE_INFINITY;
    await world.clock.advance(5_000);
    expect(durable).toBe(100);
    expect(waiting).toBeLessThan(100);
    expect((await world.cutPower()).state.values.get("note 99")).toBe("x".repeat(300));
  });
});

describe("opening", () => {
  test("succeeds on a disk without a byte of room, with everything readable", async () => {
    const { world, acknowledged } = await filledUp();
    for (const disk of [world.disk.afterKill(), world.disk.afterCrash("nothing-unsynced", () => 0.5)]) {
      disk.capacityBytes = 0;
      const again = await LogWorld.openOn(disk, options);
      expect(valuesOf(again.log.partition(1, 0))).toEqual(acknowledged);
      await again.note("settled", "on a full disk");
      await again.log.close();
    }
  });

  test("goes on behind the last commit that counts, and nothing behind that one comes back", async () => {
    const world = await LogWorld.open({ durability: "os" });
    for (let count = 1; count <= 5; count++) await world.note("number", `${count}`);
    const disk = world.disk.afterKill();
    // The power failed, and of five commits the third did not reach the disk.
    const path = disk.files().find((each) => Buffer.from(disk.bytesOf(each)).includes("number")) ?? "none";
    const bytes = Buffer.from(disk.bytesOf(path));
    let at = -1;
    for (let count = 0; count < 3; count++) at = bytes.indexOf("number", at + 1);
    replace(disk, path, bytes.fill(0, at - 40, at + 8));
    for (const other of disk.files()) if (other.startsWith("wal/") && other !== path) disk.remove(other);
    disk.capacityBytes = 0;
    const again = await LogWorld.openOn(disk, { durability: "os" });
    expect(again.state.values.get("number")).toBe("2");
    // As large as the one that was lost: what follows it on the disk would fit.
    await again.note("number", "6");
    const third = await again.kill({ disk: {} });
    expect(third.state.values.get("number")).toBe("6");
  });

  test("closed and opened again and again on a full disk, nothing is lost", async () => {
    const { world, acknowledged } = await filledUp();
    let next = world;
    for (let time = 0; time < 5; time++) {
      await next.note(`time ${time}`, "noted");
      next = await next.restart();
      next.disk.capacityBytes = 0;
      expect(valuesOf(next.log.partition(1, 0))).toEqual(acknowledged);
    }
    expect([...next.state.values.keys()]).toEqual(["time 0", "time 1", "time 2", "time 3", "time 4"]);
  });

  test("of a new directory says that there is no room, and leaves it able to be made later", async () => {
    const disk = new SimulatedDisk({ capacityBytes: 3_000 });
    disk.makeDirectory("");
    await expect(LogWorld.openOn(disk)).rejects.toMatchObject({ code: "DISK_FULL" });
    disk.capacityBytes = Number.POSITIVE_INFINITY;
    const world = await LogWorld.openOn(disk);
    await world.send(world.log.partition(1, 0), "made later");
    expect(valuesOf((await world.cutPower()).log.partition(1, 0))).toEqual(["made later"]);
  });
});

describe("closing", () => {
  test("ends on a full disk, and says when something could not be made durable", async () => {
    const { world } = await filledUp();
    world.disk.faults = ({ operation }) =>
      operation === "write" || operation === "create" ? { fail: "ENOSPC" } : undefined;
    const settled = world.note("settled", "too late");
    const outcomes = await Promise.allSettled([settled, world.log.close()]);
    expect(outcomes).toEqual([
      { status: "rejected", reason: expect.objectContaining({ code: "LOG_FENCED" }) as unknown },
      { status: "rejected", reason: expect.objectContaining({ code: "LOG_FENCED" }) as unknown },
    ]);
    expect(world.clock.timers).toBe(0);
  });

  test("is clean on a full disk when all there is has found its place", async () => {
    const { world, acknowledged } = await filledUp();
    await world.note("settled", "in time");
    const again = await world.restart();
    expect([valuesOf(again.log.partition(1, 0)), again.state.values.get("settled")]).toEqual([acknowledged, "in time"]);
  });
});

test("short writes are gone on with, whatever is written", async () => {
  const world = await LogWorld.open({ limits: { directBytesMin: 400, partitionTailBytes: 100 } });
  world.disk.faults = ({ operation }) => (operation === "write" || operation === "read" ? { shorten: 13 } : undefined);
  const partition = world.log.partition(1, 0);
  for (const value of ["small", "large".padEnd(500, "."), "small again"]) await world.send(partition, value);
  world.log.touch(world.state.setPage("g/1/1-0", 0, "a page of some length"));
  await world.log.appendMeta({ name: "a declaration" });
  await world.log.checkpoint();
  world.disk.faults = undefined;
  const again = await world.cutPower();
  expect(valuesOf(again.log.partition(1, 0))).toEqual(["small", "large".padEnd(500, "."), "small again"]);
  expect([again.state.pageTexts, again.state.declared]).toEqual([
    { "g/1/1-0#0": "a page of some length" },
    [{ name: "a declaration" }],
  ]);
});

test("what is committed after opening on a full disk survives, whoever had opened before it and committed nothing", async () => {
  const first = await LogWorld.open();
  await first.note("settled", "1");
  const second = await first.restart();
  await turn();
  const third = second.disk.afterKill();
  let isFirst = true;
  third.faults = ({ operation, path, bytes }) => {
    const isHeader = operation === "write" && path.startsWith("wal/") && bytes === fileHeaderBytes;
    if (!isHeader || !isFirst) return undefined;
    isFirst = false;
    return { fail: "ENOSPC" };
  };
  const world = await LogWorld.openOn(third);
  expect([isFirst, world.log.full]).toEqual([false, true]);
  await world.log.checkpoint();
  await world.note("settled", "2");
  expect((await world.cutPower()).state.values.get("settled")).toBe("2");
});
