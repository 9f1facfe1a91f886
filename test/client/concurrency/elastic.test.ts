/** A consumer whose concurrency is a range, over the real engine. */
import { expect, onTestFinished, test } from "vitest";
import { open, queue, silentLogger, stream } from "../../../src/index.js";
import type { Millrace } from "../../../src/index.js";
import { ManualClock } from "../manual-clock.js";

async function engine(): Promise<{ readonly mill: Millrace; readonly clock: ManualClock }> {
  const clock = new ManualClock();
  const mill = await open("memory:", { clock, logger: silentLogger, random: () => 0.5 });
  onTestFinished(() => mill.close({ drain: 0 }).catch(() => {}));
  return { mill, clock };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Handlers that take their time, and how many were at work at once. */
function slow(clock: ManualClock, ms: number): { readonly handler: () => Promise<void>; most: () => number } {
  let now = 0;
  let most = 0;
  const handler = async (): Promise<void> => {
    most = Math.max(most, ++now);
    await new Promise<void>((resolve) => void clock.after(ms, resolve));
    now -= 1;
  };
  return {
    handler,
    most: () => {
      const seen = most;
      most = now;
      return seen;
    },
  };
}

test("it begins with the least, grows with what waits, and gives the places back when there is nothing to do", async () => {
  const { mill, clock } = await engine();
  const work = queue<number>("work");
  await mill.sendAll(work, numbers(2_000));
  const { handler, most } = slow(clock, 200);
  mill.handle(work, handler, { concurrency: { min: 2, max: 32 } });
  await clock.advance(500);
  expect([most(), mill.admin.consumers()[0]?.places]).toEqual([2, 2]);
  await clock.advance(6_000);
  expect([most(), mill.admin.consumers()[0]?.places]).toEqual([32, 32]);
  await clock.advance(60_000);
  expect(await mill.admin.stats(work)).toMatchObject({ messages: 0 });
  expect(mill.admin.consumers()[0]?.places).toBe(2);
  most();
  await mill.sendAll(work, numbers(10));
  await clock.advance(300);
  expect(most()).toBe(2);
});

test("with batches of a stream there are never more places than partitions; by key there can be", async () => {
  const { mill, clock } = await engine();
  const events = stream<number>("events", { partitions: 3, key: String });
  await mill.sendAll(events, numbers(500));
  const batches = slow(clock, 1_000);
  mill.handleBatch(events, batches.handler, { group: "batches", size: 2, concurrency: { min: 1, max: 50 } });
  const single = slow(clock, 1_000);
  mill.handle(events, single.handler, { group: "keys", concurrency: { min: 1, max: 50 } });
  await clock.advance(15_000);
  expect(batches.most()).toBe(3);
  expect(single.most()).toBeGreaterThan(20);
});

test("a fixed concurrency is looked after by nobody", async () => {
  const { mill, clock } = await engine();
  const work = queue<number>("work");
  await mill.sendAll(work, numbers(100));
  const { handler, most } = slow(clock, 1_000);
  mill.handle(work, handler, { concurrency: 3 });
  await clock.advance(10_000);
  expect([most(), mill.admin.consumers()[0]?.places]).toEqual([3, 3]);
});

test("two consumers of a queue share what waits between them", async () => {
  const { mill, clock } = await engine();
  const work = queue<number>("work");
  const { handler, most } = slow(clock, 1_000);
  const options = { concurrency: { min: 1, max: 100 } };
  mill.handle(work, handler, options);
  mill.handle(work, handler, options);
  for (let second = 0; second < 40; second++) {
    await mill.sendAll(work, numbers(20));
    await clock.advance(1_000);
  }
  const places = mill.admin.consumers().map((each) => each.places ?? 0);
  // Twenty a second of a second each need twenty places, and not twenty of each.
  expect(places[0]! + places[1]!).toBeLessThanOrEqual(34);
  expect(most()).toBeGreaterThanOrEqual(20);
});
