import { describe, expect, test, vi } from "vitest";
import { crashStyles, type CrashStyleName, type SimulatedDisk } from "../../../src/disk/simulated.js";
import { readSlots } from "../../../src/log/checkpoint/slots.js";
import { turn } from "../../../src/testing/manual-clock.js";
import { filesIn, LogWorld, type LogWorldOptions, Notebook, valuesOf } from "../log-world.js";

async function sendMany(world: LogWorld, count: number, from = 0): Promise<void> {
  for (let index = from; index < from + count; index++) {
    await world.send(world.log.partition(1 + (index % 2), 0), `${index}`.padEnd(300, "."));
    await world.note(`note ${index % 10}`, `${index}`);
  }
}

function found(world: LogWorld): { numbers: number[]; notes: Map<string, string> } {
  const values = [1, 2].flatMap((topic) => valuesOf(world.log.partition(topic, 0)));
  const numbers = values.map((value) => Number.parseInt(value, 10)).sort((one, other) => one - other);
  return { numbers, notes: world.state.values };
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe("a checkpoint", () => {
  test("spares recovery what stands before it", async () => {
    const world = await LogWorld.open();
    await sendMany(world, 5);
    await world.log.checkpoint();
    await world.note("note 1", "after");
    const replayed = vi.spyOn(Notebook.prototype, "replay");
    const again = await world.kill();
    expect(replayed).toHaveBeenCalledTimes(1);
    replayed.mockRestore();
    expect(found(again).notes.get("note 1")).toBe("after");
    expect(found(again).numbers).toEqual(range(5));
  });

  test("comes by itself once enough has gathered", async () => {
    const world = await LogWorld.open({ limits: { checkpointBytes: 5_000, walBytesMax: 10_000 } });
    const before = world.disk.count("write", "checkpoint.0");
    await sendMany(world, 60);
    await turn();
    expect(world.disk.count("write", "checkpoint.0") - before).toBeGreaterThan(6);
    expect(found(await world.kill()).numbers).toEqual(range(60));
  });

  test("lets the files of the write-ahead log be used again: there are never many, whatever is written", async () => {
    const limits = { checkpointBytes: 8_000, walBytesMax: 16_000 };
    const world = await LogWorld.open({ limits, disk: { trace: true } });
    const made = (): number =>
      world.disk.trace.filter(({ what, path }) => what === "create" && path.startsWith("wal/")).length;
    // Fills more than a hundred files.
    await sendMany(world, 900);
    await turn();
    expect(made()).toBeLessThan(16);
    expect(filesIn(world.disk, "wal").length).toBeLessThan(16);
    expect(world.log.walBytes).toBeLessThan(40_000);
    expect(found(await world.kill()).numbers).toEqual(range(900));
  });

  test("is not made when nothing has changed", async () => {
    const world = await LogWorld.open();
    await sendMany(world, 3);
    const again = await world.restart();
    const before = readSlots(again.disk).checkpoint?.sequence;
    const third = await again.restart();
    expect(readSlots(third.disk).checkpoint?.sequence).toBe(before);
    expect(found(third).numbers).toEqual(range(3));
  });

  test("holds small tails itself: ten channels with a message each cost no file", async () => {
    const world = await LogWorld.open();
    for (let topic = 1; topic <= 10; topic++) await world.send(world.log.partition(topic, 0), "one");
    const again = await world.restart();
    expect(filesIn(again.disk, "t")).toEqual([]);
    for (let topic = 1; topic <= 10; topic++) expect(valuesOf(again.log.partition(topic, 0))).toEqual(["one"]);
  });

  test("may be asked for many times at once", async () => {
    const world = await LogWorld.open();
    await sendMany(world, 3);
    await Promise.all([world.log.checkpoint(), world.log.checkpoint(), sendMany(world, 3, 3), world.log.checkpoint()]);
    world.log.touch(world.state.setPage("g/1/1-0", 0, "page"));
    await Promise.all([world.log.checkpoint(), world.log.checkpoint()]);
    const again = await world.kill();
    expect([found(again).numbers, again.state.pageTexts]).toEqual([range(6), { "g/1/1-0#0": "page" }]);
  });
});

const options: LogWorldOptions = { limits: { partitionTailBytes: 200, segmentBytes: 1_000, checkpointBytes: 100_000 } };

describe("wherever the power fails while a checkpoint is made", () => {
  test.for(Object.keys(crashStyles) as CrashStyleName[])(
    "%s: everything acknowledged is there, and nothing looks damaged",
    async (style) => {
      const world = await LogWorld.open(options);
      await sendMany(world, 8);
      world.log.touch(world.state.setPage("g/1/1-0", 0, "page").setPage("g/1/1-0", 1, "gone soon"));
      await world.log.checkpoint();
      world.log.touch(world.state.setPage("g/1/1-0", 1, undefined).setPage("g/2/1-0", 0, "other"));
      world.log.partition(1, 0).trim(2);
      await sendMany(world, 2, 8);
      const forks: SimulatedDisk[] = [];
      world.disk.faults = (call) => {
        if (call.changes) forks.push(world.disk.afterCrash(style, () => 0.4));
        return undefined;
      };
      await world.log.checkpoint();
      world.disk.faults = undefined;
      expect(forks.length).toBeGreaterThan(10);
      for (const fork of forks) {
        const again = await LogWorld.openOn(fork, options);
        const { numbers, notes } = found(again);
        expect(numbers.filter((number) => number >= 4)).toEqual([4, 5, 6, 7, 8, 9]);
        expect([notes.get("note 9"), again.state.pageTexts]).toEqual([
          "9",
          { "g/1/1-0#0": "page", "g/2/1-0#0": "other" },
        ]);
        expect(again.said.filter((line) => line.startsWith("error"))).toEqual([]);
        // And it goes on from there.
        await sendMany(again, 1, 10);
        expect(found(await again.cutPower()).numbers.at(-1)).toBe(10);
      }
    },
  );
});

describe("a slot left behind by a crash between the two", () => {
  async function between(): Promise<SimulatedDisk> {
    const world = await LogWorld.open();
    await sendMany(world, 8);
    let fork: SimulatedDisk | undefined;
    let written = 0;
    world.disk.faults = (call) => {
      // Body and header of the first slot are written; the second is about to be.
      if (call.operation === "write" && call.path.startsWith("checkpoint") && ++written === 3)
        fork = world.disk.afterCrash("everything", () => 0.5);
      return undefined;
    };
    await world.log.checkpoint();
    if (fork === undefined) throw new Error("the checkpoint was not written as this test thinks");
    return fork;
  }

  test.for(["checkpoint.0", "checkpoint.1"])(
    "is brought up at open, so that later damage to %s costs nothing",
    async (slot) => {
      const world = await LogWorld.openOn(await between());
      // The write-ahead log that only the older slot needs is used again meanwhile.
      await sendMany(world, 20, 8);
      const disk = world.disk.afterKill();
      disk.flipBit(slot, 300);
      const again = await LogWorld.openOn(disk);
      expect(found(again).numbers).toEqual(range(28));
      expect(again.said.filter((line) => line.startsWith("error"))).toEqual([]);
    },
  );
});
