import { describe, expect, test } from "vitest";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { turn } from "../../../src/testing/manual-clock.js";
import { LogWorld, plain, valuesOf } from "../log-world.js";

/** A world whose syncs end when the test says so. */
async function slowWorld(): Promise<{ world: LogWorld; syncEnds: () => Promise<void>; slow: (on: boolean) => void }> {
  let isSlow = false;
  const waiting: (() => void)[] = [];
  const syncTakes = (): Promise<void> => (isSlow ? new Promise((end) => waiting.push(end)) : Promise.resolve());
  const disk = new SimulatedDisk({ syncTakes, trace: true });
  disk.makeDirectory("");
  const world = await LogWorld.openOn(disk, { limits: { walFileBytes: 64 * 1024 } });
  await world.log.checkpoint();
  const syncEnds = async (): Promise<void> => {
    for (const end of waiting.splice(0)) end();
    await turn();
  };
  return { world, syncEnds, slow: (on) => void (isSlow = on) };
}

const walFile = "wal/0000000001.wal";

describe("the commit loop", () => {
  test("gives everything of one turn one write and one sync, whatever partitions and state it touches", async () => {
    const { world } = await slowWorld();
    const { disk, log, state } = world;
    const before = { writes: disk.count("write"), syncs: disk.count("sync") };
    await Promise.all([
      ...Array.from({ length: 100 }, (_, index) => world.send(log.partition(1 + (index % 7), 0), `value ${index}`)),
      ...Array.from({ length: 20 }, (_, index) => world.note(`name ${index}`, "noted")),
    ]);
    expect({ writes: disk.count("write") - before.writes, syncs: disk.count("sync") - before.syncs }).toEqual({
      writes: 1,
      syncs: 1,
    });
    expect(state.values.size).toBe(20);
  });

  test("gathers the next group while one is being synced", async () => {
    const { world, syncEnds, slow } = await slowWorld();
    const { disk, log } = world;
    const partition = log.partition(1, 0);
    const acknowledged: string[] = [];
    const send = (value: string): void => void world.send(partition, value).then(() => acknowledged.push(value));
    slow(true);
    const before = disk.count("write", walFile);
    send("first");
    await turn();
    send("second");
    send("third");
    await turn();
    expect({ acknowledged, writes: disk.count("write", walFile) - before }).toEqual({ acknowledged: [], writes: 1 });
    await syncEnds();
    expect({ acknowledged, writes: disk.count("write", walFile) - before }).toEqual({
      acknowledged: ["first"],
      writes: 2,
    });
    await syncEnds();
    expect({ acknowledged, syncs: disk.count("write", walFile) - before }).toEqual({
      acknowledged: ["first", "second", "third"],
      syncs: 2,
    });
  });

  test("does nothing when there is nothing to do: no timer runs, no call is made", async () => {
    const { world } = await slowWorld();
    await world.send(world.log.partition(1, 0), "one");
    await turn();
    const { calls } = world.disk;
    const { timers } = world.clock;
    await world.clock.advance(3_600_000);
    expect({ calls: world.disk.calls, timers }).toEqual({ calls, timers: 0 });
  });

  test("tells waiters in the order they came, after readers can see what they wait for", async () => {
    const { world } = await slowWorld();
    const partition = world.log.partition(1, 0);
    const seen: [string, number][] = [];
    const note = (name: string) => (): void => void seen.push([name, partition.endOffset]);
    world.log.append(partition, plain("a"), 0);
    world.log.onDurable({ durable: note("one"), failed: () => {} });
    world.log.append(partition, plain("b"), 0);
    world.log.onDurable({ durable: note("two"), failed: () => {} });
    await world.log.flush();
    expect(seen).toEqual([
      ["one", 2],
      ["two", 2],
    ]);
  });

  test("lets a waiter without anything to commit wait for what is under way", async () => {
    const { world, syncEnds, slow } = await slowWorld();
    slow(true);
    const told: string[] = [];
    void world.send(world.log.partition(1, 0), "a").then(() => told.push("sent"));
    await turn();
    void world.log.flush().then(() => told.push("flushed"));
    await turn();
    expect(told).toEqual([]);
    await syncEnds();
    expect(told).toEqual(["sent", "flushed"]);
  });
});

describe("what readers see", () => {
  test("is nothing that a power cut could take back", async () => {
    const { world, syncEnds, slow } = await slowWorld();
    const partition = world.log.partition(1, 0);
    slow(true);
    expect(world.log.append(partition, plain("a"), 0)).toBe(0);
    expect(partition).toMatchObject({ endOffset: 0, nextOffset: 1 });
    await turn();
    expect({ values: valuesOf(partition), end: partition.endOffset }).toEqual({ values: [], end: 0 });
    await syncEnds();
    expect({ values: valuesOf(partition), end: partition.endOffset }).toEqual({ values: ["a"], end: 1 });
  });

  test("comes in the order of the offsets, however it was gathered", async () => {
    const { world } = await slowWorld();
    const partition = world.log.partition(1, 0);
    const sends = Array.from({ length: 50 }, (_, index) => world.send(partition, `${index}`));
    await sends[10];
    await Promise.all([...sends, world.send(partition, "50")]);
    expect(valuesOf(partition)).toEqual(Array.from({ length: 51 }, (_, index) => `${index}`));
    expect(valuesOf((await world.kill()).log.partition(1, 0))).toHaveLength(51);
  });
});

describe("a commit of any size", () => {
  test.for([
    ["as large as a file of the write-ahead log", 4096],
    ["many times as large", 50_000],
  ] as const)("%s is made, and survives", async ([, bytes]) => {
    const world = await LogWorld.open({ limits: { directBytesMin: 1_000_000 } });
    const values = ["a", "b", "c"].map((letter) => letter.repeat(bytes));
    await world.send(world.log.partition(1, 0), ...values);
    await world.send(world.log.partition(1, 0), "small");
    const again = await world.cutPower();
    expect(valuesOf(again.log.partition(1, 0))).toEqual([...values, "small"]);
    expect(again.said).toEqual([]);
  });

  test("leaves no oversized file behind once a checkpoint has passed it", async () => {
    const world = await LogWorld.open({ limits: { directBytesMin: 1_000_000 } });
    await world.send(world.log.partition(1, 0), "x".repeat(50_000));
    await world.send(world.log.partition(1, 0), "y".repeat(3_000));
    await world.log.checkpoint();
    await turn();
    const sizes = world.disk
      .files()
      .filter((path) => path.startsWith("wal/"))
      .map((path) => world.disk.bytesOf(path).length);
    expect(sizes).toEqual(sizes.map(() => 4096));
  });
});
