/** Large batches go once, to their segment, with a reference in the write-ahead log. */
import { describe, expect, test } from "vitest";
import type { SimulatedDisk } from "../../../src/disk/simulated.js";
import { turn } from "../../../src/testing/manual-clock.js";
import { replace } from "../segments/fixture.js";
import { filesIn, LogWorld, type LogWorldOptions, plain, valuesOf } from "../log-world.js";

const options: LogWorldOptions = { limits: { directBytesMin: 300, segmentBytes: 5_000 } };
const large = (name: string): string => name.padEnd(400, ".");
const names = (values: readonly string[]): string[] => values.map((value) => value.replace(/\.+$/, ""));

async function world(): Promise<LogWorld> {
  const fresh = await LogWorld.open({ ...options, disk: { trace: true } });
  await fresh.log.checkpoint();
  return fresh;
}

describe("a large batch", () => {
  test("is written once: to its segment, and a reference to the write-ahead log", async () => {
    const first = await world();
    const from = first.disk.trace.length;
    await first.send(first.log.partition(1, 0), large("a"));
    const written = first.disk.trace.slice(from).filter(({ what }) => what === "write");
    expect(written.map(({ path }) => path)).toEqual(["t/1/0/00000000000000000000.log", "wal/0000000001.wal"]);
    expect(written[1]?.bytes).toBeLessThan(100);
  });

  test("is what readers get, after a kill and after a power cut, in order with small ones", async () => {
    const first = await world();
    const partition = first.log.partition(1, 0);
    for (const name of ["a", "b"]) await first.send(partition, large(name));
    await first.send(partition, "c");
    await first.send(partition, large("d"));
    await first.send(partition, "e");
    const expected = ["a", "b", "c", "d", "e"];
    expect(names(valuesOf(partition))).toEqual(expected);
    for (const next of [await first.kill(), await first.cutPower(), await first.restart()]) {
      expect([names(valuesOf(next.log.partition(1, 0))), next.said]).toEqual([expected, []]);
    }
  });

  test("goes on in the segment of the one before it, and begins a new one when that is full", async () => {
    const first = await world();
    for (let count = 0; count < 12; count++) await first.send(first.log.partition(1, 0), large(`${count}`));
    await turn();
    expect(filesIn(first.disk, "t/1/0").filter((name) => name.endsWith(".log"))).toHaveLength(2);
    expect(names(valuesOf((await first.cutPower()).log.partition(1, 0)))).toHaveLength(12);
  });

  test("takes all batches of its partition in that commit with it, so that they stay in order", async () => {
    const first = await world();
    const [one, other] = [first.log.partition(1, 0), first.log.partition(2, 0)];
    await first.durable(() => {
      for (let count = 0; count < 4; count++) first.log.append(one, plain(large(`${count}`)), 0);
      first.log.append(other, plain("small"), 0);
    });
    const next = await first.cutPower();
    expect(names(valuesOf(next.log.partition(1, 0)))).toEqual(["0", "1", "2", "3"]);
    expect(valuesOf(next.log.partition(2, 0))).toEqual(["small"]);
  });

  test("goes through the write-ahead log after all when the disk has no room for its segment", async () => {
    const first = await world();
    first.disk.faults = ({ operation, path }) =>
      operation === "create" && path.startsWith("t/") ? { fail: "ENOSPC" } : undefined;
    await first.send(first.log.partition(1, 0), large("a"));
    first.disk.faults = undefined;
    expect(names(valuesOf((await first.cutPower()).log.partition(1, 0)))).toEqual(["a"]);
  });
});

describe("recovery of large batches", () => {
  test("leaves a segment alone to which the write-ahead log still refers, however often it is interrupted", async () => {
    // So little memory that recovery itself writes what it takes in to segments.
    const small: LogWorldOptions = { limits: { ...options.limits, partitionTailBytes: 100 } };
    let next = await LogWorld.open(small);
    await next.send(next.log.partition(1, 0), large("a"));
    await next.log.checkpoint();
    for (const name of ["b", "c", "d"]) await next.send(next.log.partition(1, 0), large(name));
    await next.send(next.log.partition(1, 0), "e");
    let disk = next.disk.afterKill();
    for (let time = 0; time < 3; time++) {
      const interrupted = disk;
      // Dies before the checkpoint that recovery asks for; it has written the last one once more by then.
      let writes = 0;
      interrupted.faults = (call) => {
        if (call.path.startsWith("checkpoint") && call.operation === "write" && ++writes > 2)
          interrupted.crashAt(call.number);
        return undefined;
      };
      next = await LogWorld.openOn(interrupted, small);
      expect([names(valuesOf(next.log.partition(1, 0))), next.said]).toEqual([["a", "b", "c", "d", "e"], []]);
      await turn();
      disk = interrupted.afterKill();
    }
  });

  test("takes a commit for not made when the batch it refers to did not reach the disk, the rest of it too", async () => {
    const first = await world();
    first.log.append(first.log.partition(1, 0), plain(large("lost")), 0);
    first.log.append(first.log.partition(2, 0), plain("of the same commit"), 0);
    const next = await LogWorld.openOn(await frameWithoutSegment(first), options);
    expect([valuesOf(next.log.partition(1, 0)), valuesOf(next.log.partition(2, 0))]).toEqual([[], []]);
    expect(next.said).toEqual([expect.stringMatching(/^warn: wal.*was never acknowledged/)]);
  });

  test("never brings such a commit back, not even when another process has written just there", async () => {
    const first = await world();
    first.log.append(first.log.partition(1, 0), plain(large("lost")), 0);
    first.log.append(first.log.partition(2, 0), plain("never acknowledged"), 0);
    const next = await LogWorld.openOn(await frameWithoutSegment(first), options);
    const forks: SimulatedDisk[] = [];
    next.disk.faults = (call) => {
      if (call.changes) forks.push(next.disk.afterKill());
      return undefined;
    };
    const acknowledged: { forks: number; values: string[] }[] = [{ forks: 0, values: [] }];
    for (const name of ["x", "y", "z"]) {
      await next.send(next.log.partition(1, 0), large(name));
      acknowledged.push({ forks: forks.length, values: [...(acknowledged.at(-1)?.values ?? []), name] });
    }
    await turn();
    for (const [index, fork] of forks.entries()) {
      fork.faults = undefined;
      const { log } = await LogWorld.openOn(fork, options);
      const promised = acknowledged.findLast((each) => each.forks <= index)?.values ?? [];
      const found = names(valuesOf(log.partition(1, 0)));
      expect([index, found.slice(0, promised.length), valuesOf(log.partition(2, 0))]).toEqual([index, promised, []]);
    }
  });
});

/** The power fails when the commit's frame has reached the disk and its segment has not. */
async function frameWithoutSegment(world: LogWorld): Promise<SimulatedDisk> {
  return new Promise((found) => {
    world.disk.faults = (call) => {
      if (call.operation === "sync" && call.path.startsWith("t/"))
        found(world.disk.afterCrash("names-last", () => 0.5));
      return undefined;
    };
  });
}

test("a large batch that is damaged after it was acknowledged is told as lost, and its offsets are not given again", async () => {
  const first = await world();
  const partition = first.log.partition(1, 0);
  await first.send(partition, large("a"));
  await first.send(partition, large("b"));
  // Another commit follows: the one before had been acknowledged.
  await first.send(first.log.partition(2, 0), "c");
  const disk = first.disk.afterKill();
  disk.flipBit("t/1/0/00000000000000000000.log", (disk.bytesOf("t/1/0/00000000000000000000.log").length - 10) * 8);
  const next = await LogWorld.openOn(disk, options);
  expect(names(valuesOf(next.log.partition(1, 0)))).toEqual(["a"]);
  expect(next.said).toContainEqual(expect.stringMatching(/^error: t\/1\/0: .*lost: offsets 1 to 1$/));
  expect(next.log.append(next.log.partition(1, 0), plain("d"), 0)).toBe(2);
});

test("whole bytes in the place of a large batch, of another one, are not taken for it", async () => {
  const first = await world();
  for (const name of ["a", "b"]) await first.send(first.log.partition(1, 0), large(name));
  await first.send(first.log.partition(2, 0), "c");
  const disk = first.disk.afterKill();
  const path = "t/1/0/00000000000000000000.log";
  const bytes = Buffer.from(disk.bytesOf(path));
  // A write that went astray: "a" once more where "b" stood.
  replace(disk, path, Buffer.concat([bytes.subarray(0, bytes.length / 2), bytes.subarray(0, bytes.length / 2)]));
  const next = await LogWorld.openOn(disk, options);
  expect(names(valuesOf(next.log.partition(1, 0)))).toEqual(["a"]);
  expect(next.said).toContainEqual(expect.stringMatching(/^error: t\/1\/0: .*lost: offsets 1 to 1$/));
});
