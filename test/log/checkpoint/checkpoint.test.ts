import { describe, expect, test, vi } from "vitest";
import { crashStyles, type CrashStyleName, SimulatedDisk } from "../../../src/disk/simulated.js";
import { decodeCheckpoint } from "../../../src/log/checkpoint/body.js";
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
    // So many that the two checkpoints stand in different files.
    await sendMany(world, 20);
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
      await sendMany(world, 60, 20);
      const disk = world.disk.afterKill();
      disk.flipBit(slot, 300);
      const again = await LogWorld.openOn(disk);
      expect(found(again).numbers).toEqual(range(80));
      expect(again.said.filter((line) => line.startsWith("error"))).toEqual([]);
    },
  );
});

describe("while a checkpoint is being written", () => {
  /** A world in which a checkpoint stands still at its first sync of a slot, until `go`. */
  async function standingStill(): Promise<{ world: LogWorld; checkpoint: Promise<void>; go: () => Promise<void> }> {
    let isHeld = false;
    let go: (() => void) | undefined;
    const disk = new SimulatedDisk({
      syncTakes: () => (isHeld ? new Promise<void>((end) => (go = end)) : Promise.resolve()),
    });
    disk.makeDirectory("");
    const world = await LogWorld.openOn(disk);
    await sendMany(world, 10);
    world.log.touch(world.state.setPage("g/1/1-0", 0, "first"));
    await world.log.flush();
    disk.faults = (call) => {
      isHeld = go === undefined && call.operation === "sync" && call.path.startsWith("checkpoint");
      return undefined;
    };
    const checkpoint = world.log.checkpoint();
    await turn();
    expect(go).toBeDefined();
    return { world, checkpoint, go: () => Promise.resolve(go?.()) };
  }

  test("nothing of the write-ahead log that the one before it needs is used again", async () => {
    const { world, checkpoint, go } = await standingStill();
    await sendMany(world, 60, 10);
    for (const style of ["nothing-unsynced", "everything", "reordered"] as const) {
      const again = await world.cutPower(style, { disk: {} });
      expect([style, found(again).numbers]).toEqual([style, range(70)]);
      expect(again.said.filter((line) => line.startsWith("error"))).toEqual([]);
    }
    await go();
    await checkpoint;
    expect(found(await world.cutPower("nothing-unsynced", { disk: {} })).numbers).toEqual(range(70));
  });

  test("pages that change are not forgotten, even when another one is asked for meanwhile", async () => {
    const { world, checkpoint, go } = await standingStill();
    world.log.touch(world.state.setPage("g/1/1-0", 0, "second").setPage("g/1/1-0", 1, "new"));
    const another = world.log.checkpoint();
    await turn();
    await go();
    await Promise.all([checkpoint, another]);
    const again = await world.cutPower("nothing-unsynced", { disk: {} });
    expect(again.state.pageTexts).toEqual({ "g/1/1-0#0": "second", "g/1/1-0#1": "new" });
  });
});

test("a page that goes while a checkpoint is being written goes only with the next one", async () => {
  let holds = "";
  const held: (() => void)[] = [];
  const disk = new SimulatedDisk({
    syncTakes: () => (holds === "" ? Promise.resolve() : new Promise<void>((end) => held.push(end))),
  });
  disk.makeDirectory("");
  const world = await LogWorld.openOn(disk);
  world.log.touch(world.state.setPage("g/1/1-0", 0, "before"));
  await world.log.checkpoint();
  // A tail too long to stand in a checkpoint: its segment is synced before the pages are written.
  await world.send(world.log.partition(1, 0), "x".repeat(70_000));
  const named = new Map<number, readonly string[]>();
  let waitsFor = "wal/";
  disk.faults = (call) => {
    holds = call.operation === "sync" && call.path.startsWith(waitsFor) ? waitsFor : "";
    const { checkpoint } = readSlots(disk.afterKill());
    if (checkpoint !== undefined)
      named.set(
        checkpoint.sequence,
        decodeCheckpoint(checkpoint.body).pageFiles.map(({ file }) => file),
      );
    return undefined;
  };
  const first = world.log.checkpoint();
  world.log.touch(world.state.set("in the first", "yes"));
  await turn();
  // Asked for again before the commit at which the first is taken is durable.
  world.log.touch(world.state.setPage("g/1/1-0", 0, undefined));
  const second = world.log.checkpoint();
  await turn();
  waitsFor = "t/";
  expect(held).toHaveLength(1);
  held.shift()?.();
  await turn();
  waitsFor = "none";
  expect(held).toHaveLength(1);
  held.shift()?.();
  await Promise.all([first, second]);
  await world.log.checkpoint();
  const [before, ...then] = [...named.values()];
  expect(before).toEqual(["g/1/1-0"]);
  expect(then).toEqual([["g/1/1-0"], []]);
});

test("a directory opened again and again, by processes that die at once, does not grow", async () => {
  const world = await LogWorld.open();
  await sendMany(world, 5);
  const before = filesIn(world.disk, "wal").length;
  let disk = world.disk.afterKill();
  for (let time = 0; time < 8; time++) {
    // Dies when it would write its first checkpoint: recovery has written the last one once more by then.
    let writes = 0;
    const opened = disk;
    opened.faults = (call) => {
      if (call.path.startsWith("checkpoint") && call.operation === "write" && ++writes > 2) opened.crashAt(call.number);
      return undefined;
    };
    expect(found(await LogWorld.openOn(opened)).numbers).toEqual(range(5));
    await turn();
    disk = opened.afterKill();
    expect(filesIn(disk, "wal").length).toBeLessThanOrEqual(before + 1);
  }
});
