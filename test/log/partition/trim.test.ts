import { describe, expect, test } from "vitest";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { turn } from "../../../src/testing/manual-clock.js";
import { filesIn, LogWorld, type LogWorldOptions, valuesOf } from "../log-world.js";

/** Each record goes to a segment of its own soon. */
const spilling: LogWorldOptions = { limits: { partitionTailBytes: 10, segmentBytes: 100 } };

async function withRecords(count: number, options = spilling): Promise<LogWorld> {
  const world = await LogWorld.open(options);
  for (let index = 0; index < count; index++) await world.send(world.log.partition(1, 0), `record ${index}`);
  return world;
}

const values = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `record ${from + index}`);

describe("trimming a partition", () => {
  test("takes effect once everything gathered before it is durable, and not earlier", async () => {
    let end: (() => void) | undefined;
    let isSlow = false;
    const syncTakes = (): Promise<void> => (isSlow ? new Promise((resolve) => (end = resolve)) : Promise.resolve());
    const disk = new SimulatedDisk({ syncTakes });
    disk.makeDirectory("");
    const world = await LogWorld.openOn(disk);
    const partition = world.log.partition(1, 0);
    await world.send(partition, "a");
    await world.send(partition, "b");
    isSlow = true;
    // A settlement that lets the record go.
    world.log.touch(world.state.set("settled", "a"));
    partition.trim(1);
    await turn();
    expect([partition.startOffset, valuesOf(partition)]).toEqual([0, ["a", "b"]]);
    end?.();
    await turn();
    expect([partition.startOffset, valuesOf(partition)]).toEqual([1, ["b"]]);
  });

  test("frees the memory of what only memory had, a batch at a time", async () => {
    const world = await withRecords(4, {});
    const partition = world.log.partition(1, 0);
    const before = partition.bytes;
    partition.trim(2);
    await world.log.flush();
    expect([partition.bytes, partition.segments().length]).toEqual([before / 2, 1]);
    expect(valuesOf(partition)).toEqual(values(2, 4));
  });

  test("never reaches beyond the end, and never goes back", async () => {
    const world = await withRecords(3, {});
    const partition = world.log.partition(1, 0);
    partition.trim(100);
    await world.log.flush();
    expect([partition.startOffset, partition.endOffset]).toEqual([3, 3]);
    partition.trim(1);
    await world.log.flush();
    expect(partition.startOffset).toBe(3);
    await world.send(partition, "record 3");
    expect(valuesOf(partition)).toEqual(["record 3"]);
  });

  test("holds after a restart", async () => {
    const world = await withRecords(6);
    world.log.partition(1, 0).trim(4);
    const again = await world.restart();
    const partition = again.log.partition(1, 0);
    expect([partition.startOffset, valuesOf(partition)]).toEqual([4, values(4, 6)]);
  });

  test("gives the files of whole segments back after the next checkpoint, and not before", async () => {
    const world = await withRecords(6);
    const partition = world.log.partition(1, 0);
    await world.log.checkpoint();
    const before = filesIn(world.disk, "t/1/0").filter((name) => name.endsWith(".log"));
    expect(before).toHaveLength(6);
    partition.trim(4);
    await world.log.flush();
    expect(partition.segments().map((segment) => segment.baseOffset)).toEqual([4, 5]);
    expect(filesIn(world.disk, "t/1/0").filter((name) => name.endsWith(".log"))).toEqual(before);
    await world.log.checkpoint();
    expect(filesIn(world.disk, "t/1/0").filter((name) => name.endsWith(".log"))).toEqual(before.slice(4));
  });

  test("loses nothing that was not trimmed, wherever the power fails on the way", async () => {
    const forks: SimulatedDisk[] = [];
    const world = await withRecords(6);
    // From here on the write-ahead log has them no longer.
    await world.log.checkpoint();
    world.disk.faults = (call) => {
      if (call.changes)
        forks.push(
          ...(["nothing-unsynced", "everything", "names-first"] as const).map((style) =>
            world.disk.afterCrash(style, () => 0.5),
          ),
        );
      return undefined;
    };
    world.log.partition(1, 0).trim(4);
    await world.log.checkpoint();
    world.disk.faults = undefined;
    expect(forks.length).toBeGreaterThan(20);
    for (const fork of forks) {
      const { log, said } = await LogWorld.openOn(fork, spilling);
      const partition = log.partition(1, 0);
      expect(valuesOf(partition)).toEqual(values(partition.startOffset, 6));
      expect(partition.startOffset).toBeLessThanOrEqual(4);
      expect(said.filter((line) => line.startsWith("error"))).toEqual([]);
    }
  });

  test("lets a reader that stood below go on with what is left", async () => {
    const world = await withRecords(6);
    const partition = world.log.partition(1, 0);
    const reader = partition.reader(0);
    expect(reader.next()?.baseOffset).toBe(0);
    partition.trim(4);
    await world.log.checkpoint();
    expect([reader.next()?.baseOffset, reader.next()?.baseOffset, reader.next()]).toEqual([4, 5, undefined]);
    expect(world.said).toEqual([]);
  });
});

test("of a segment that found no room never takes the file of the one that came after it", async () => {
  const world = await withRecords(4);
  const partition = world.log.partition(1, 0);
  world.disk.faults = ({ operation }) => (operation === "create" ? { fail: "ENOSPC" } : undefined);
  await world.send(partition, "record 4");
  world.disk.faults = undefined;
  // All that was before it goes while the disk is full; then there is room.
  partition.trim(4);
  await world.clock.advance(2_000);
  await world.log.checkpoint();
  await world.send(partition, "record 5");
  await world.log.checkpoint();
  expect(valuesOf(partition)).toEqual(values(4, 6));
  expect(valuesOf((await world.cutPower()).log.partition(1, 0))).toEqual(values(4, 6));
});
