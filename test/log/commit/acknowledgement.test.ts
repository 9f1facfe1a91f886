/** Rule 1: nothing is acknowledged before its `fdatasync`. */
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../src/base/random.js";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { turn } from "../../../src/testing/manual-clock.js";
import { LogWorld, type LogWorldOptions, plain, valuesOf } from "../log-world.js";

async function traced(options: LogWorldOptions = {}): Promise<LogWorld> {
  const disk = new SimulatedDisk({ trace: true });
  disk.makeDirectory("");
  const world = await LogWorld.openOn(disk, options);
  await world.log.checkpoint();
  return world;
}

/** What the disk was asked for and what was acknowledged, of the files of the log's data. */
function protocolOf(world: LogWorld, from: number): string[] {
  return world.disk.trace
    .slice(from)
    .filter(({ what }) => ["write", "sync", "synced", "syncDirectory", "syncedDirectory", "note"].includes(what))
    .map(({ what, path }) => (what === "note" ? path : `${what} ${path}`));
}

describe("an acknowledgement", () => {
  test("comes after the sync of its commit has ended", async () => {
    const world = await traced();
    const from = world.disk.trace.length;
    await world.send(world.log.partition(1, 0), "a");
    world.disk.note("acknowledged");
    expect(protocolOf(world, from)).toEqual([
      "write wal/0000000001.wal",
      "sync wal/0000000001.wal",
      "synced wal/0000000001.wal",
      "acknowledged",
    ]);
  });

  test("of a large batch comes after its segment, the segment's name and the reference to it are synced", async () => {
    const world = await traced({ limits: { directBytesMin: 100 } });
    const from = world.disk.trace.length;
    await world.send(world.log.partition(1, 0), "a".repeat(200));
    world.disk.note("acknowledged");
    const protocol = protocolOf(world, from);
    expect(protocol.at(-1)).toBe("acknowledged");
    const segment = "t/1/0/00000000000000000000.log";
    const needed = [`synced ${segment}`, "synced wal/0000000001.wal", "t/1/0", "t/1", "t", ""].map((each) =>
      each.startsWith("synced ") ? each : `syncedDirectory ${each}`,
    );
    for (const each of needed) expect(protocol).toContain(each);
    expect(protocol.indexOf(`write ${segment}`)).toBeLessThan(protocol.indexOf(`sync ${segment}`));
  });

  test("of a declaration comes after both mirrors are synced, one after the other", async () => {
    const world = await traced();
    const from = world.disk.trace.length;
    await world.log.appendMeta({ name: "a channel" });
    world.disk.note("acknowledged");
    const mirror = (name: string): string[] => [`write meta/${name}`, `sync meta/${name}`, `synced meta/${name}`];
    expect(protocolOf(world, from)).toEqual([...mirror("a"), ...mirror("b"), "acknowledged"]);
  });

  test("holds at the very moment it is given: a power cut then leaves everything acknowledged so far", async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = seededRandom(seed);
      const limits = { directBytesMin: 300, checkpointBytes: 3_000, partitionTailBytes: 300 };
      const world = await LogWorld.open({ limits });
      const acknowledged: string[] = [];
      const forks: { disk: SimulatedDisk; acknowledged: readonly string[] }[] = [];
      for (let count = 0; count < 25; count++) {
        const value = `${count}`.padEnd(1 + Math.floor(random() * 500), "-");
        void world.send(world.log.partition(1 + (count % 3), 0), value).then(() => {
          acknowledged.push(value);
          forks.push({ disk: world.disk.afterCrash("nothing-unsynced", random), acknowledged: [...acknowledged] });
        });
        if (random() < 0.6) await turn();
      }
      await world.log.flush();
      expect(forks).toHaveLength(25);
      for (const fork of forks) {
        const { log } = await LogWorld.openOn(fork.disk, { limits });
        const found = [1, 2, 3].flatMap((topic) => valuesOf(log.partition(topic, 0)));
        expect([seed, fork.acknowledged.filter((value) => !found.includes(value))]).toEqual([seed, []]);
      }
    }
  });

  test("is given at the next open only to what is durable by then", async () => {
    const world = await LogWorld.open();
    world.log.append(world.log.partition(1, 0), plain("written, not synced"), 0);
    // Dies between the write and the end of its sync: the page cache has what the medium has not.
    const killed = await new Promise<SimulatedDisk>((found) => {
      world.disk.faults = (call) => {
        if (call.operation === "sync") found(world.disk.afterKill());
        return undefined;
      };
    });
    const again = await LogWorld.openOn(killed);
    expect(valuesOf(again.log.partition(1, 0))).toEqual(["written, not synced"]);
    const afterPowerCut = await again.cutPower("nothing-unsynced");
    expect(valuesOf(afterPowerCut.log.partition(1, 0))).toEqual(["written, not synced"]);
  });

  test("is given at the next open to no declaration that a power cut and damage to one mirror would take back", async () => {
    for (const mirror of ["meta/a", "meta/b"]) {
      const world = await LogWorld.open();
      void world.log.appendMeta({ name: "half declared" });
      const killed = await new Promise<SimulatedDisk>((found) => {
        world.disk.faults = (call) => {
          if (call.operation === "sync" && call.path === mirror) found(world.disk.afterKill());
          return undefined;
        };
      });
      const again = await LogWorld.openOn(killed);
      expect(again.state.declared).toEqual([{ name: "half declared" }]);
      for (const damaged of ["meta/a", "meta/b"]) {
        const disk = again.disk.afterCrash("nothing-unsynced", () => 0.5);
        disk.flipBit(damaged, 200);
        expect([mirror, damaged, (await LogWorld.openOn(disk)).state.declared]).toEqual([
          mirror,
          damaged,
          [{ name: "half declared" }],
        ]);
      }
    }
  });
});
