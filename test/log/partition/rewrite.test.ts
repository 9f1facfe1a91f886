import { describe, expect, test } from "vitest";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { turn } from "../../../src/testing/manual-clock.js";
import { filesIn, LogWorld, type LogWorldOptions, valuesOf } from "../log-world.js";

const options: LogWorldOptions = { limits: { partitionTailBytes: 10, segmentBytes: 900 } };

/** Two sealed segments of several records, and one that is written to. */
async function withSegments(): Promise<LogWorld> {
  const world = await LogWorld.open(options);
  for (let index = 0; index < 12; index++)
    await world.send(world.log.partition(1, 0), `record ${index} `.padEnd(100, "."));
  await world.log.checkpoint();
  return world;
}

const numbersIn = (world: LogWorld): number[] =>
  valuesOf(world.log.partition(1, 0)).map((value) => Number(value.split(" ")[1]));
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const isThird = (offset: number): boolean => offset % 3 === 0;
const logsOf = (disk: SimulatedDisk): string[] => filesIn(disk, "t/1/0").filter((name) => name.endsWith(".log"));

describe("rewriting a segment", () => {
  test("leaves the records that are wanted, at their offsets, and gives the disk of the others back with the next checkpoint", async () => {
    const world = await withSegments();
    const partition = world.log.partition(1, 0);
    const { endOffset, bytes } = partition.segments()[0]!;
    await world.log.rewrite(partition, 0, isThird);
    expect(numbersIn(world)).toEqual(range(12).filter((offset) => offset >= endOffset || isThird(offset)));
    expect(partition.segments()[0]!.bytes).toBeLessThan(bytes);
    expect(logsOf(world.disk)).toContain("00000000000000000000.log");
    await world.log.checkpoint();
    expect(logsOf(world.disk)).not.toContain("00000000000000000000.log");
    for (const again of [await world.kill(), await world.cutPower(), await world.restart()]) {
      expect([numbersIn(again), again.said]).toEqual([numbersIn(world), []]);
    }
  });

  test("of a segment that is still written to, or does not exist, does nothing", async () => {
    const world = await withSegments();
    const partition = world.log.partition(1, 0);
    const before = world.disk.files();
    await world.log.rewrite(partition, partition.segments().at(-1)!.baseOffset, () => false);
    await world.log.rewrite(partition, 7_777, () => false);
    expect([world.disk.files(), numbersIn(world)]).toEqual([before, range(12)]);
  });

  test("loses no record that is wanted, wherever the power fails on the way", async () => {
    const world = await withSegments();
    const { endOffset } = world.log.partition(1, 0).segments()[0]!;
    const wanted = range(12).filter((offset) => offset >= endOffset || isThird(offset));
    const forks: SimulatedDisk[] = [];
    world.disk.faults = (call) => {
      if (call.changes)
        forks.push(
          ...(["nothing-unsynced", "everything", "torn-512", "names-first"] as const).map((style) =>
            world.disk.afterCrash(style, () => 0.4),
          ),
        );
      return undefined;
    };
    await world.log.rewrite(world.log.partition(1, 0), 0, isThird);
    await world.log.checkpoint();
    world.disk.faults = undefined;
    expect(forks.length).toBeGreaterThan(30);
    for (const fork of forks) {
      const again = await LogWorld.openOn(fork, options);
      expect(numbersIn(again)).toEqual(expect.arrayContaining(wanted));
      expect(again.said.filter((line) => line.startsWith("error"))).toEqual([]);
    }
  });

  test("waits until the settlements it rests on are durable, though a checkpoint without them comes first", async () => {
    let path = "";
    let isHeld = false;
    const held: (() => void)[] = [];
    const syncTakes = (): Promise<void> =>
      isHeld && path.startsWith("wal/") ? new Promise<void>((end) => held.push(end)) : Promise.resolve();
    const disk = new SimulatedDisk({ syncTakes });
    disk.makeDirectory("");
    disk.faults = (call) => {
      if (call.operation.startsWith("sync")) ({ path } = call);
      return undefined;
    };
    const world = await LogWorld.openOn(disk, options);
    const partition = world.log.partition(1, 0);
    for (let index = 0; index < 12; index++) await world.send(partition, `record ${index} `.padEnd(100, "."));
    await world.log.checkpoint();
    await turn();
    isHeld = true;
    // The commit of a checkpoint is on its way, with the state as it is now; the settlement comes with the next one.
    const checkpoint = world.log.checkpoint();
    world.log.touch(world.state.set("something", "else"));
    await turn();
    world.log.touch(world.state.set("settled", "all but every third"));
    const rewriting = world.log.rewrite(partition, 0, isThird);
    await turn();
    held.shift()?.();
    for (let turns = 0; turns < 5; turns++) await turn();
    // The checkpoint is durable, the settlement is not.
    const again = await LogWorld.openOn(
      disk.afterCrash("nothing-unsynced", () => 0.5),
      options,
    );
    expect([again.state.values.get("something"), again.state.values.has("settled")]).toEqual(["else", false]);
    expect(numbersIn(again)).toEqual(range(12));
    isHeld = false;
    for (const end of held) end();
    await Promise.all([checkpoint, rewriting]);
    expect(numbersIn(world)).not.toEqual(range(12));
  });

  test("gives way when the partition is trimmed meanwhile", async () => {
    const world = await withSegments();
    const partition = world.log.partition(1, 0);
    const { endOffset } = partition.segments()[0]!;
    const rewriting = world.log.rewrite(partition, 0, isThird);
    partition.trim(endOffset);
    await rewriting;
    await world.log.checkpoint();
    expect(numbersIn(world)).toEqual(range(12).slice(endOffset));
    expect(logsOf(world.disk)).toHaveLength(partition.segments().length);
  });

  test("leaves the segment as it is when the disk is full, and sends are refused until there is room", async () => {
    const world = await withSegments();
    world.disk.faults = ({ operation, path }) =>
      operation === "create" && path.startsWith("t/") ? { fail: "ENOSPC" } : undefined;
    await world.log.rewrite(world.log.partition(1, 0), 0, isThird);
    expect([numbersIn(world), world.log.full]).toEqual([range(12), true]);
    world.disk.faults = undefined;
    await world.clock.advance(1_000);
    expect(world.log.full).toBe(false);
  });

  test("leaves a damaged segment as it is, so that it can be seen what was lost", async () => {
    const world = await withSegments();
    const partition = world.log.partition(1, 0);
    world.disk.flipBit("t/1/0/00000000000000000000.log", 100 * 8);
    const before = Buffer.from(world.disk.bytesOf("t/1/0/00000000000000000000.log"));
    await world.log.rewrite(partition, 0, isThird);
    await world.log.checkpoint();
    expect(before.equals(world.disk.bytesOf("t/1/0/00000000000000000000.log"))).toBe(true);
    expect(logsOf(world.disk)).toHaveLength(partition.segments().length);
    await world.send(partition, "record 12 goes on");
    expect(numbersIn(world)).toEqual(range(13).slice(1));
    expect(world.said.at(-1)).toMatch(/^error: t\/1\/0: .*lost: offsets 0 to 0$/);
  });
});

describe("segment files that no checkpoint names, left by a process that died,", () => {
  test("go once a checkpoint has passed the write-ahead log that may refer to them, and not earlier", async () => {
    const world = await LogWorld.open(options);
    for (let index = 0; index < 12; index++)
      await world.send(world.log.partition(1, 0), `record ${index} `.padEnd(100, "."));
    const left = logsOf(world.disk);
    expect(left.length).toBeGreaterThan(1);
    const again = await world.kill();
    expect(logsOf(again.disk)).toEqual(expect.arrayContaining(left));
    await again.log.checkpoint();
    await turn();
    const owned = again.log.partition(1, 0).segments().length;
    expect(logsOf(again.disk)).toHaveLength(owned);
    expect(numbersIn(again)).toEqual(range(12));
    expect([numbersIn(await again.cutPower()), again.said]).toEqual([range(12), []]);
  });

  test("stay when something in the write-ahead log is damaged: they may be all that is left", async () => {
    const world = await LogWorld.open(options);
    for (let index = 0; index < 3; index++)
      await world.send(world.log.partition(1, 0), `record ${index} `.padEnd(100, "."));
    const left = logsOf(world.disk);
    const disk = world.disk.afterKill();
    disk.flipBit("wal/0000000001.wal", 150 * 8);
    const again = await LogWorld.openOn(disk, options);
    await again.log.checkpoint();
    expect(again.said.some((line) => line.startsWith("error"))).toBe(true);
    expect(logsOf(again.disk)).toEqual(expect.arrayContaining(left));
  });
});
