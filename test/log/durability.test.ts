/** "fsync" acknowledges what the disk has; "interval" and "os" what was written, and lose at most the end of it with the power. */
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/base/random.js";
import type { Durability } from "../../src/base/durability.js";
import { crashStyles, type CrashStyleName, SimulatedDisk } from "../../src/disk/simulated.js";
import { turn } from "../../src/testing/manual-clock.js";
import { LogWorld, type LogWorldOptions, plain, valuesOf } from "./log-world.js";

async function settled(durability: Durability, more: LogWorldOptions = {}): Promise<LogWorld> {
  const world = await LogWorld.open({ ...more, durability });
  await world.log.checkpoint();
  await turn();
  return world;
}

const walSyncs = (world: LogWorld): number =>
  world.disk
    .files()
    .filter((path) => path.startsWith("wal/"))
    .reduce((sum, path) => sum + world.disk.count("sync", path), 0);

const numbersIn = (world: LogWorld): number[] =>
  [1, 2]
    .flatMap((topic) => valuesOf(world.log.partition(topic, 0)))
    .map((value) => Number.parseInt(value, 10))
    .sort((one, other) => one - other);

describe.for(["interval", "os"] as const)("with durability %s", (durability) => {
  test("a send resolves without a sync", async () => {
    const world = await settled(durability);
    const before = walSyncs(world);
    for (let count = 0; count < 5; count++) await world.send(world.log.partition(1, 0), `${count}`);
    expect(walSyncs(world)).toBe(before);
    expect(world.disk.hasUnsynced("wal/0000000001.wal")).toBe(true);
  });

  test("a flush resolves after a sync, whatever the durability", async () => {
    const world = await settled(durability);
    await world.send(world.log.partition(1, 0), "1");
    await world.log.flush();
    expect(numbersIn(await world.cutPower())).toEqual([1]);
  });

  test("closing makes everything durable", async () => {
    const world = await settled(durability);
    await world.send(world.log.partition(1, 0), "1");
    await world.log.close();
    expect(numbersIn(await world.cutPower())).toEqual([1]);
  });

  test("a process that dies loses nothing that was acknowledged", async () => {
    const world = await settled(durability, { limits: { directBytesMin: 300 } });
    for (let count = 0; count < 20; count++)
      await world.send(world.log.partition(1 + (count % 2), 0), `${count}`.padEnd(count % 3 === 0 ? 400 : 20, "."));
    const again = await world.kill();
    expect([numbersIn(again), again.said]).toEqual([Array.from({ length: 20 }, (_, index) => index), []]);
  });

  test.for(Object.keys(crashStyles) as CrashStyleName[])(
    "%s: a power cut leaves the log as it once was, and what the next process is told stays",
    async (style) => {
      for (let seed = 1; seed <= 6; seed++) {
        const random = seededRandom(seed);
        const options = { limits: { directBytesMin: 300, checkpointBytes: 6_000, walBytesMax: 12_000 } };
        const world = await settled(durability, options);
        const count = 30;
        let flushed = -1;
        for (let number = 0; number < count; number++) {
          await world.send(
            world.log.partition(1 + (number % 2), 0),
            `${number}`.padEnd(number % 7 === 0 ? 400 : 100, "."),
          );
          if (number === 12) await world.log.flush().then(() => (flushed = number));
        }
        const disk = world.disk.afterCrash(style, random);
        const again = await LogWorld.openOn(disk, { ...options, durability: "fsync" });
        const found = numbersIn(again);
        // Without a gap: never is a later commit there and an earlier one not.
        expect([style, seed, found]).toEqual([style, seed, Array.from({ length: found.length }, (_, index) => index)]);
        expect(found.length).toBeGreaterThan(flushed);
        expect(again.said.filter((line) => line.startsWith("error"))).toEqual([]);
        // From here on each acknowledgement is a promise, and what was found is one as well.
        await again.send(again.log.partition(1, 0), "1000");
        const third = await again.cutPower(style);
        expect([style, seed, numbersIn(third)]).toEqual([style, seed, [...found, 1_000]]);
      }
    },
  );
});

describe("with durability interval", () => {
  test("what was written is synced within a tenth of a second, once however much it is", async () => {
    const world = await settled("interval");
    const before = walSyncs(world);
    for (let count = 0; count < 5; count++) await world.send(world.log.partition(1, 0), `${count}`);
    await world.clock.advance(100);
    expect(walSyncs(world) - before).toBe(1);
    expect(numbersIn(await world.cutPower())).toEqual([0, 1, 2, 3, 4]);
  });

  test("no sync is made while nothing is written", async () => {
    const world = await settled("interval");
    await world.clock.advance(1_000);
    const before = walSyncs(world);
    await world.clock.advance(10_000);
    expect(walSyncs(world)).toBe(before);
  });

  test("a flush while the timed sync runs waits for it", async () => {
    let isHeld = false;
    let release: (() => void) | undefined;
    const syncTakes = (): Promise<void> => (isHeld ? new Promise((end) => (release = end)) : Promise.resolve());
    const disk = new SimulatedDisk({ syncTakes });
    disk.makeDirectory("");
    const world = await LogWorld.openOn(disk, { durability: "interval" });
    await turn();
    await world.send(world.log.partition(1, 0), "1");
    isHeld = true;
    await world.clock.advance(100);
    let flushed = false;
    const flushing = world.log.flush().then(() => (flushed = true));
    await turn();
    expect(flushed).toBe(false);
    isHeld = false;
    release?.();
    await flushing;
    expect(numbersIn(await world.cutPower())).toEqual([1]);
  });

  test("a failed sync fences, as with any other", async () => {
    const world = await settled("interval");
    await world.send(world.log.partition(1, 0), "1");
    world.disk.faults = ({ operation }) => (operation === "sync" ? { fail: "EIO" } : undefined);
    await world.clock.advance(100);
    expect(() => world.log.append(world.log.partition(1, 0), plain("2"), 0)).toThrow(
      expect.objectContaining({ code: "LOG_FENCED" }),
    );
    world.disk.faults = undefined;
    await expect(world.log.close()).rejects.toMatchObject({ code: "LOG_FENCED" });
    expect(world.clock.timers).toBe(0);
  });
});

test("a process with another durability goes on with what one has left, and each file is judged by its own", async () => {
  let world = await LogWorld.open({ durability: "os" });
  const durabilities: readonly Durability[] = ["fsync", "interval", "os", "fsync", "os"];
  for (const [index, durability] of durabilities.entries()) {
    for (let count = 0; count < 4; count++)
      await world.send(world.log.partition(1, 0), `${index * 4 + count}`.padEnd(300, "."));
    world = await world.kill({ durability });
    expect([durability, numbersIn(world), world.said]).toEqual([
      durability,
      Array.from({ length: index * 4 + 4 }, (_, each) => each),
      [],
    ]);
  }
});
