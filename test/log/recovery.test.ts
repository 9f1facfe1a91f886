/** What a process makes of a directory before it serves anybody. */
import { describe, expect, test } from "vitest";
import { crashStyles, type CrashStyleName, SimulatedDisk } from "../../src/disk/simulated.js";
import { encodeFileHeader } from "../../src/log/wal/layout.js";
import { turn } from "../../src/testing/manual-clock.js";
import { LogWorld, type LogWorldOptions, plain, valuesOf } from "./log-world.js";

const options: LogWorldOptions = { limits: { directBytesMin: 300, partitionTailBytes: 300, segmentBytes: 900 } };

function contentOf(world: LogWorld): unknown {
  const values = [1, 2].map((topic) => valuesOf(world.log.partition(topic, 0)));
  return {
    values,
    notes: [...world.state.values].sort(),
    pages: world.state.pageTexts,
    declared: world.state.declared,
  };
}

/** A checkpoint, and all kinds of commits behind it. */
async function filled(): Promise<LogWorld> {
  const world = await LogWorld.open(options);
  await world.log.appendMeta({ channel: 1 });
  const work = async (from: number): Promise<void> => {
    for (let count = from; count < from + 4; count++) {
      await world.send(world.log.partition(1 + (count % 2), 0), `${count}`.padEnd(count % 4 === 0 ? 400 : 100, "."));
      await world.note(`note ${count}`, `${count}`);
    }
    world.log.touch(world.state.setPage("g/1/1-0", from, `page ${from}`));
    await world.log.flush();
  };
  await work(0);
  await world.log.checkpoint();
  await work(4);
  return world;
}

describe("recovery", () => {
  test("may be interrupted at every call, in every way, as often as it likes: the next one finds the same", async () => {
    const world = await filled();
    const expected = contentOf(await world.kill());
    for (const style of Object.keys(crashStyles) as CrashStyleName[]) {
      for (const start of [world.disk.afterKill(), world.disk.afterCrash(style, () => 0.4)]) {
        const forks: SimulatedDisk[] = [];
        start.faults = (call) => {
          if (call.changes) forks.push(start.afterCrash(style, () => 0.6));
          return undefined;
        };
        await LogWorld.openOn(start, options);
        await turn();
        expect(forks.length).toBeGreaterThan(10);
        for (const fork of forks) {
          const again = await LogWorld.openOn(fork, options);
          expect([style, contentOf(again)]).toEqual([style, expected]);
          expect(again.said.filter((line) => line.startsWith("error"))).toEqual([]);
        }
      }
    }
  });

  test("makes what it has read durable before anybody is served, after a failed sync of many commits too", async () => {
    // Nobody promised these commits anything; but whoever reads them, and is promised something on top, must keep them.
    const world = await LogWorld.open({ ...options, durability: "os" });
    for (let count = 0; count < 6; count++) {
      await world.send(world.log.partition(1, 0), `${count}`.padEnd(count === 3 ? 400 : 20, "."));
    }
    world.disk.faults = ({ operation }) => (operation === "sync" ? { fail: "EIO" } : undefined);
    await expect(world.log.flush()).rejects.toMatchObject({ code: "LOG_FENCED" });
    const disk = world.disk.afterKill();
    disk.faults = undefined;
    const again = await LogWorld.openOn(disk, options);
    const served = valuesOf(again.log.partition(1, 0));
    expect(served).toHaveLength(6);
    let afterPowerCut: SimulatedDisk | undefined;
    await again.send(again.log.partition(2, 0), "promised").then(() => {
      afterPowerCut = again.disk.afterCrash("nothing-unsynced", () => 0.5);
    });
    const third = await LogWorld.openOn(afterPowerCut as SimulatedDisk, options);
    expect(valuesOf(third.log.partition(1, 0))).toEqual(served);
    expect(valuesOf(third.log.partition(2, 0))).toEqual(["promised"]);
  });

  test("makes the names it has found durable before it uses what they name", async () => {
    const world = await LogWorld.open(options);
    let isHeld = false;
    let killed: SimulatedDisk | undefined;
    world.disk.faults = ({ operation, path }) => {
      // A file of the write-ahead log was made and named; the process dies before its directory is synced.
      const isNamed = operation === "syncDirectory" && path === "wal" && world.disk.exists("wal/0000000002.wal");
      if (isNamed)
        killed ??= world.disk.afterKill({ syncTakes: () => (isHeld ? new Promise(() => {}) : Promise.resolve()) });
      return undefined;
    };
    await world.send(world.log.partition(1, 0), "first");
    await turn();
    const disk = killed as SimulatedDisk;
    disk.faults = ({ operation, path }) => {
      // The next process makes one more file: not in time, or its own sync of the directory would come to help.
      isHeld = operation === "sync" && path.endsWith(".new");
      return undefined;
    };
    const again = await LogWorld.openOn(disk, options);
    let afterPowerCut: SimulatedDisk | undefined;
    await again.send(again.log.partition(2, 0), "promised").then(() => {
      afterPowerCut = again.disk.afterCrash("nothing-unsynced", () => 0.5);
    });
    const third = await LogWorld.openOn(afterPowerCut as SimulatedDisk, options);
    expect(valuesOf(third.log.partition(2, 0))).toEqual(["promised"]);
  });

  test("gives offsets on where they ended, in order with what is there", async () => {
    const world = await filled();
    const { nextOffset } = world.log.partition(1, 0);
    const again = await world.kill();
    expect(again.log.append(again.log.partition(1, 0), plain("next"), 0)).toBe(nextOffset);
  });

  test("keeps its memory within the limits, however much the write-ahead log holds", async () => {
    const world = await LogWorld.open({ limits: { ...options.limits, partitionTailBytes: 1_000_000 } });
    for (let count = 0; count < 60; count++) await world.send(world.log.partition(1, 0), `${count}`.padEnd(200, "."));
    const again = await world.kill({ limits: options.limits ?? {} });
    const partition = again.log.partition(1, 0);
    expect(partition.segments().filter((segment) => segment.sealed).length).toBeGreaterThan(5);
    expect(partition.tail.bytes).toBeLessThan(700);
    expect(valuesOf(partition)).toHaveLength(60);
  });
});

describe("a directory that cannot be opened", () => {
  test("because one of its files is of a newer release is left as it is, to the byte", async () => {
    const world = await filled();
    await world.log.close();
    const disk = world.disk.afterKill();
    // A page file cut short and a torn mirror would be mended, if it were ours to mend.
    disk.truncateFile("meta/b", 20);
    const newer = encodeFileHeader({
      version: 9,
      eachFrameSynced: true,
      generation: 1,
      salt: 7,
      bytes: 4096,
      afterLsn: undefined,
    });
    const file = disk.open("wal/0000000001.wal", "write");
    file.write(newer, 0);
    file.close();
    const before = disk.files().map((path) => [path, Buffer.from(disk.bytesOf(path)).toString("hex")]);
    await expect(LogWorld.openOn(disk, options)).rejects.toMatchObject({ code: "LOG_VERSION_UNSUPPORTED" });
    expect(disk.files().map((path) => [path, Buffer.from(disk.bytesOf(path)).toString("hex")])).toEqual(before);
  });

  test("because both checkpoint slots are gone, and segments are there, is LOG_CORRUPT and left as it is", async () => {
    const world = await filled();
    await world.log.close();
    const disk = world.disk.afterKill();
    for (const slot of ["checkpoint.0", "checkpoint.1"]) disk.remove(slot);
    const before = disk.files();
    await expect(LogWorld.openOn(disk, options)).rejects.toMatchObject({
      code: "LOG_CORRUPT",
      message: expect.stringMatching(/millrace verify/) as string,
    });
    expect(disk.files()).toEqual(before);
  });

  test("holds no handle and no timer afterwards: the next attempt finds the directory free", async () => {
    const disk = new SimulatedDisk({ capacityBytes: 2_000 });
    disk.makeDirectory("");
    await expect(LogWorld.openOn(disk)).rejects.toMatchObject({ code: "DISK_FULL" });
    disk.capacityBytes = Number.POSITIVE_INFINITY;
    const world = await LogWorld.openOn(disk);
    await world.send(world.log.partition(1, 0), "a");
    expect(valuesOf((await world.kill()).log.partition(1, 0))).toEqual(["a"]);
  });
});

test("what was acknowledged and is damaged is told, copied aside for a human, and the rest goes on", async () => {
  const world = await filled();
  const disk = world.disk.afterKill();
  const path =
    disk.files().find((each) => each.startsWith("wal/") && Buffer.from(disk.bytesOf(each)).includes("note 5")) ??
    "none";
  const bytes = Buffer.from(disk.bytesOf(path));
  disk.flipBit(path, (bytes.indexOf("note 5") + 2) * 8);
  const damaged = Buffer.from(disk.bytesOf(path));
  const again = await LogWorld.openOn(disk, options);
  expect(again.said.filter((line) => line.startsWith("error"))).toEqual([
    expect.stringMatching(/^error: wal\/.*; lost: commits \d+ to \d+$/),
  ]);
  expect([again.state.values.has("note 5"), again.state.values.get("note 7")]).toEqual([false, "7"]);
  const copies = again.disk.files().filter((each) => each.startsWith("quarantine/"));
  expect(copies).toHaveLength(1);
  expect(damaged.equals(again.disk.bytesOf(copies[0] ?? ""))).toBe(true);
  // It is told once: the next checkpoint has left it behind.
  await again.log.checkpoint();
  const third = await again.kill();
  expect(third.said).toEqual([]);
  expect(third.disk.files().filter((each) => each.startsWith("quarantine/"))).toEqual(copies);
});
