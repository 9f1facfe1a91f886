/** Rule 2: after a failed sync nothing is retried and nothing acknowledged, until the directory is opened anew. */
import { describe, expect, test } from "vitest";
import type { MillraceError } from "../../../src/base/errors.js";
import type { DiskCall } from "../../../src/disk/simulated.js";
import { turn } from "../../../src/testing/manual-clock.js";
import { LogWorld, plain, valuesOf } from "../log-world.js";

const fenced = expect.objectContaining({
  code: "LOG_FENCED",
  message: expect.stringMatching(/Close and open again/) as string,
});

/** The next call that fits fails; the rest of the disk goes on. */
function failOnce(world: LogWorld, fits: (call: DiskCall) => boolean): void {
  let done = false;
  world.disk.faults = (call) => {
    if (done || !fits(call)) return undefined;
    done = true;
    return { fail: "EIO" };
  };
}

const walSync = (call: DiskCall): boolean => call.operation === "sync" && call.path.startsWith("wal/");

async function settledWorld(): Promise<LogWorld> {
  const world = await LogWorld.open();
  await world.send(world.log.partition(1, 0), "acknowledged");
  await world.log.checkpoint();
  await turn();
  return world;
}

describe("a failed sync of a commit", () => {
  test("fails everybody who waits, for that commit and for the next", async () => {
    const world = await settledWorld();
    failOnce(world, walSync);
    const sends = [world.send(world.log.partition(1, 0), "one"), world.note("name", "value")];
    await Promise.resolve();
    const later = world.log.flush();
    const outcomes = await Promise.allSettled([...sends, later]);
    expect(outcomes).toEqual(outcomes.map(() => ({ status: "rejected", reason: fenced })));
    expect(world.said).toEqual([expect.stringMatching(/^error: the disk failed while committing .*EIO/)]);
  });

  test("is final: every later call is refused, though the disk works again, and no further byte is written", async () => {
    const world = await settledWorld();
    const { log } = world;
    const partition = log.partition(1, 0);
    failOnce(world, walSync);
    await expect(world.send(partition, "one")).rejects.toEqual(fenced);
    const { calls } = world.disk;
    expect(() => log.append(partition, plain("two"), 0)).toThrow(fenced);
    expect(() => log.touch(world.state)).toThrow(fenced);
    expect(() => log.atomically(10, () => 0)).toThrow(fenced);
    expect(() => log.admission(10)).toThrow(fenced);
    await expect(log.flush()).rejects.toEqual(fenced);
    await expect(log.appendMeta({ name: "x" })).rejects.toEqual(fenced);
    await expect(log.checkpoint()).rejects.toEqual(fenced);
    await world.clock.advance(60_000);
    expect(world.disk.calls).toBe(calls);
    expect(valuesOf(partition)).toEqual(["acknowledged"]);
  });

  test("leaves reading as it was", async () => {
    const world = await settledWorld();
    failOnce(world, walSync);
    await expect(world.send(world.log.partition(1, 0), "one")).rejects.toEqual(fenced);
    expect(valuesOf(world.log.partition(1, 0))).toEqual(["acknowledged"]);
  });

  test("is told again by close, which writes nothing more", async () => {
    const world = await settledWorld();
    failOnce(world, walSync);
    await expect(world.send(world.log.partition(1, 0), "one")).rejects.toEqual(fenced);
    const writes = world.disk.count("write");
    await expect(world.log.close()).rejects.toEqual(fenced);
    expect(world.disk.count("write")).toBe(writes);
  });

  test("leaves a directory that opens with all that was acknowledged; what the cache kept is made durable first", async () => {
    for (const unsynced of ["stay-in-cache", "are-dropped"] as const) {
      const world = await settledWorld();
      let failed = false;
      world.disk.faults = (call) => {
        if (failed || !walSync(call)) return undefined;
        failed = true;
        return { fail: "EIO", unsynced };
      };
      await expect(world.send(world.log.partition(1, 0), "in doubt")).rejects.toEqual(fenced);
      world.disk.faults = undefined;
      const again = await world.kill();
      const served = valuesOf(again.log.partition(1, 0));
      expect(served).toEqual(unsynced === "are-dropped" ? ["acknowledged"] : ["acknowledged", "in doubt"]);
      // What was served to anybody now survives a power cut, although its first sync failed.
      const afterPowerCut = await again.cutPower();
      expect(valuesOf(afterPowerCut.log.partition(1, 0))).toEqual(served);
    }
  });
});

describe("whatever else fails while making something durable fences too:", () => {
  const cases: readonly (readonly [string, (call: DiskCall) => boolean, (world: LogWorld) => Promise<unknown>])[] = [
    [
      "a write of a commit",
      ({ operation, path }) => operation === "write" && path.startsWith("wal/"),
      (world) => world.note("a", "b"),
    ],
    [
      "the sync of a mirror",
      ({ operation, path }) => operation === "sync" && path === "meta/a",
      (world) => world.log.appendMeta({ a: 1 }),
    ],
    [
      "the sync of the other mirror",
      ({ operation, path }) => operation === "sync" && path === "meta/b",
      (world) => world.log.appendMeta({ a: 1 }),
    ],
    [
      "the sync of a checkpoint",
      ({ operation, path }) => operation === "sync" && path.startsWith("checkpoint"),
      (world) => world.log.checkpoint(),
    ],
    [
      "the sync of a page file",
      ({ operation, path }) => operation === "sync" && path.startsWith("g/"),
      (world) => world.log.checkpoint(),
    ],
    [
      "the sync of a segment",
      ({ operation, path }) => operation === "sync" && path.startsWith("t/"),
      (world) => world.log.checkpoint(),
    ],
    [
      "the sync of a directory",
      ({ operation, path }) => operation === "syncDirectory" && path === "t/1",
      (world) => world.log.checkpoint(),
    ],
  ];

  test.for(cases.map(([what, fits, work]) => ({ what, fits, work })))("$what", async ({ fits, work }) => {
    const world = await LogWorld.open({ limits: { partitionTailBytes: 10 } });
    await world.send(world.log.partition(1, 0), "acknowledged");
    world.log.touch(world.state.setPage("g/1/1-0", 0, "a page"));
    await world.log.flush();
    failOnce(world, fits);
    const outcome = await work(world).catch((error: unknown) => (error as MillraceError).code);
    await turn();
    expect(["LOG_FENCED", "DISK_FAILED", undefined]).toContain(outcome);
    await expect(world.send(world.log.partition(1, 0), "later")).rejects.toEqual(fenced);
    world.disk.faults = undefined;
    const again = await world.cutPower();
    expect(valuesOf(again.log.partition(1, 0))).toEqual(["acknowledged"]);
    expect(again.state.pageTexts).toEqual({ "g/1/1-0#0": "a page" });
  });
});

test("closing twice is harmless, and afterwards everything is refused as closed", async () => {
  const world = await settledWorld();
  await Promise.all([world.log.close(), world.log.close()]);
  const closed = expect.objectContaining({ code: "CLOSED" });
  expect(() => world.log.append(world.log.partition(1, 0), plain("x"), 0)).toThrow(closed);
  expect(() => world.log.touch(world.state)).toThrow(closed);
  await expect(world.log.flush()).rejects.toEqual(closed);
  await expect(world.log.appendMeta({})).rejects.toEqual(closed);
  await expect(world.log.checkpoint()).rejects.toEqual(closed);
});
