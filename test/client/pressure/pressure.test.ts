/** The pressure of channels of the real engine. */
import { expect, onTestFinished, test } from "vitest";
import { fixed, open, queue, silentLogger, stream, topic } from "../../../src/index.js";
import type { Millrace } from "../../../src/index.js";
import { ManualClock } from "../manual-clock.js";

async function engine(): Promise<{ readonly mill: Millrace; readonly clock: ManualClock }> {
  const clock = new ManualClock();
  const mill = await open("memory:", { clock, logger: silentLogger, random: () => 0.5 });
  onTestFinished(() => mill.close({ drain: 0 }).catch(() => {}));
  return { mill, clock };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

test("of a queue: what waits and what is in flight, its age, and how much of its capacity that is", async () => {
  const { mill, clock } = await engine();
  const work = queue<number>("work", { capacity: { messages: 10, whenFull: "reject" } });
  await mill.sendAll(work, numbers(7));
  expect(await mill.admin.pressure(work)).toMatchObject({ depth: 7, work: 7, inFlight: 0, consumers: 0, level: "ok" });
  await mill.send(work, 8);
  expect(await mill.admin.pressure(work)).toMatchObject({ level: "high" });
  await mill.sendAll(work, [9, 10]);
  mill.handle(work, () => new Promise(() => {}), { concurrency: 3 });
  await clock.advance(5_000);
  expect(await mill.admin.pressure("work")).toMatchObject({
    depth: 10,
    inFlight: 3,
    work: 10,
    consumers: 1,
    level: "full",
    oldestMs: 5_000,
  });
});

test("what is delayed counts for the depth, and is no work yet", async () => {
  const { mill, clock } = await engine();
  const work = queue<number>("work", { backoff: fixed("1m") });
  await mill.sendAll(work, [1, 2]);
  mill.handle(work, () => {
    throw new Error("no");
  });
  await clock.advance(0);
  expect(await mill.admin.pressure(work)).toMatchObject({ depth: 2, work: 0, predictedWaitMs: 0 });
});

test("a bound on bytes counts too", async () => {
  const { mill } = await engine();
  const work = queue<string>("work", { capacity: { bytes: 1_000, whenFull: "block" } });
  await mill.send(work, "x".repeat(850));
  const { level, bytes } = await mill.admin.pressure(work);
  expect([level, bytes > 850 && bytes < 1_000]).toEqual(["high", true]);
});

test("the rate at which it drains is seen by asking, and predicts the wait", async () => {
  const { mill, clock } = await engine();
  const work = queue<number>("work");
  await mill.sendAll(work, numbers(100));
  const pressure = await mill.admin.pressure(work);
  expect([pressure.drainPerSecond, pressure.predictedWaitMs]).toEqual([undefined, undefined]);
  mill.handle(work, () => new Promise<void>((resolve) => void clock.after(500, resolve)));
  await clock.advance(10_000);
  expect(await mill.admin.pressure(work)).toMatchObject({ drainPerSecond: 2, predictedWaitMs: 40_000, depth: 80 });
});

test("while nothing gets done, the wait has no end", async () => {
  const { mill, clock } = await engine();
  const work = queue<number>("work");
  await mill.send(work, 1);
  await mill.admin.pressure(work);
  await clock.advance(10_000);
  expect(await mill.admin.pressure(work)).toMatchObject({ drainPerSecond: 0, predictedWaitMs: Infinity, consumers: 0 });
});

test("of a stream: of one group, or of the one that is furthest behind", async () => {
  const { mill, clock } = await engine();
  const events = stream<number>("events", { partitions: 2, key: String });
  await mill.sendAll(events, numbers(20));
  expect(await mill.admin.pressure(events)).toMatchObject({ depth: 0, work: 0, level: "ok", oldestMs: undefined });
  mill.handle(events, () => {}, { group: "fast" });
  mill.handle(events, () => new Promise(() => {}), { group: "slow" });
  await clock.advance(1_000);
  expect(await mill.admin.pressure(events)).toMatchObject({ depth: 20, work: 20, consumers: 1, oldestMs: 1_000 });
  expect(await mill.admin.pressure(events, { group: "fast" })).toMatchObject({ depth: 0, oldestMs: undefined });
  await expect(mill.admin.pressure(events, { group: "none" })).rejects.toMatchObject({ code: "GROUP_UNKNOWN" });
});

test("of a topic that is not durable: what waits in the buffers", async () => {
  const { mill, clock } = await engine();
  const ticker = topic<number>("ticker", { durable: false, buffer: { messages: 10, whenFull: "drop-oldest" } });
  const slow = mill.handle(ticker, () => new Promise(() => {}));
  const free = mill.handle(ticker, () => {});
  await Promise.all([slow.ready, free.ready]);
  await mill.sendAll(ticker, numbers(5));
  await clock.advance(0);
  expect(await mill.admin.pressure(ticker)).toMatchObject({ consumers: 2, level: "ok" });
});

test("an unknown channel has no pressure", async () => {
  const { mill } = await engine();
  await expect(mill.admin.pressure("nothing")).rejects.toMatchObject({ code: "CHANNEL_UNKNOWN" });
});
