import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../src/base/random.js";
import { crashStyles, type CrashStyleName, type SimulatedDisk } from "../../../src/disk/simulated.js";
import { turn } from "../../../src/testing/manual-clock.js";
import { LogWorld, plain, valuesOf } from "../log-world.js";

/** Appends to three partitions and changes the state, in one go. */
function transaction(world: LogWorld, name: string, bytes = 10): void {
  world.log.atomically(3 * (bytes + 100), () => {
    for (const topic of [1, 2, 3]) world.log.append(world.log.partition(topic, 0), plain(name.padEnd(bytes, ".")), 0);
    world.log.touch(world.state.set(name, "done"));
  });
}

function presenceOf(world: LogWorld, name: string): boolean[] {
  const inTopics = [1, 2, 3].map((topic) =>
    valuesOf(world.log.partition(topic, 0)).some((value) => value.startsWith(name)),
  );
  return [...inTopics, world.state.values.has(name)];
}

describe("what is done atomically", () => {
  test("is there as a whole or not at all, whenever and however the power fails", async () => {
    const random = seededRandom(7);
    const found: boolean[][] = [];
    for (const style of Object.keys(crashStyles) as CrashStyleName[]) {
      const forks: SimulatedDisk[] = [];
      const world = await LogWorld.open({ limits: { directBytesMin: 250, checkpointBytes: 2_000 } });
      world.disk.faults = (call) => {
        if (call.changes) forks.push(world.disk.afterCrash(style, random));
        return undefined;
      };
      transaction(world, "small");
      transaction(world, "large", 500);
      await world.log.flush();
      transaction(world, "next", 200);
      await world.log.flush();
      world.disk.faults = undefined;
      for (const fork of forks) {
        const again = await LogWorld.openOn(fork);
        found.push(...["small", "large", "next"].map((name) => presenceOf(again, name)));
      }
    }
    expect(found.filter((presence) => presence.includes(true) && presence.includes(false))).toEqual([]);
    expect(found.filter((presence) => presence.includes(true)).length).toBeGreaterThan(20);
  });

  test("is one frame, even where it would have been split by its size", async () => {
    const world = await LogWorld.open();
    const before = world.disk.count("write", "wal/0000000001.wal");
    // A quarter of a file is where a group is closed otherwise.
    transaction(world, "t", 500);
    await world.log.flush();
    expect(world.disk.count("write", "wal/0000000001.wal") - before).toBe(1);
  });

  test("does not make what came before it too large", async () => {
    const world = await LogWorld.open();
    const partition = world.log.partition(1, 0);
    await world.durable(() => {
      world.log.append(partition, plain("a".repeat(900)), 0);
      transaction(world, "t", 500);
      world.log.append(partition, plain("b".repeat(2_000)), 0);
    });
    const again = await world.kill();
    expect(valuesOf(again.log.partition(1, 0)).map((value) => value[0])).toEqual(["a", "t", "b"]);
    expect(presenceOf(again, "t")).toEqual([true, true, true, true]);
  });

  test("may be nested: the inner belongs to the outer", async () => {
    const world = await LogWorld.open();
    const result = world.log.atomically(500, () => {
      transaction(world, "inner");
      return world.log.append(world.log.partition(4, 0), plain("outer"), 0);
    });
    expect(result).toBe(0);
    const forked = await new Promise<SimulatedDisk>((found) => {
      world.disk.faults = (call) => {
        if (call.operation === "sync") found(world.disk.afterCrash("everything", () => 0.5));
        return undefined;
      };
    });
    const again = await LogWorld.openOn(forked);
    expect([presenceOf(again, "inner"), valuesOf(again.log.partition(4, 0))]).toEqual([
      [true, true, true, true],
      ["outer"],
    ]);
  });

  test("is refused before it begins when it is larger than half a file of the write-ahead log", async () => {
    const world = await LogWorld.open();
    let begun = false;
    expect(() => world.log.atomically(2_049, () => void (begun = true))).toThrow(
      expect.objectContaining({
        code: "TRANSACTION_TOO_LARGE",
        message: expect.stringMatching(/2049 bytes.*2048.*limits\.walFileBytes/) as string,
      }),
    );
    expect(begun).toBe(false);
    world.log.atomically(2_048, () => void (begun = true));
    expect(begun).toBe(true);
    await turn();
    await world.send(world.log.partition(1, 0), "goes on");
  });
});
