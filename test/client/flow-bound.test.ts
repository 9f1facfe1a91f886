/**
 * A fast producer and slow handlers: what the client and the engine hold meanwhile is counted, at every step, and stays under the bounds that
 * docs/design/flow.md states. Counted and not weighed: what a process takes of the system says little about what it holds.
 */
import { expect, onTestFinished, test } from "vitest";
import { leakyBucket, open, queue, silentLogger, stream, topic } from "../../src/index.js";
import type { Channel, ConsumerInfo, HandleOptions, Millrace } from "../../src/index.js";
import { defaultLimits } from "../../src/base/limits.js";
import { memoryDisk } from "../../src/disk/memory.js";
import { EmbeddedDriver } from "../../src/drivers/embedded/driver.js";
import { Engine } from "../../src/engine/engine.js";
import { StoredChannel } from "../../src/engine/stored-channel.js";
import { ManualClock } from "./manual-clock.js";

const limits = { ...defaultLimits, partitionTailBytes: 64 * 1024, tailBytes: 256 * 1024, segmentBytes: 256 * 1024 };

async function engine(): Promise<{ readonly mill: Millrace; readonly clock: ManualClock; readonly engine: Engine }> {
  const clock = new ManualClock();
  const disk = memoryDisk();
  disk.makeDirectory("");
  const opened = await Engine.open({
    disk,
    clock,
    limits,
    durability: "fsync",
    logger: silentLogger,
    random: () => 0.5,
  });
  const driver = new EmbeddedDriver(opened, "memory", () => {});
  const mill = await open(driver, { clock, logger: silentLogger, random: () => 0.5 });
  onTestFinished(() => mill.close({ drain: 0 }).catch(() => {}));
  return { mill, clock, engine: opened };
}

interface Peak {
  stored: number;
  leased: number;
  held: number;
  tailBytes: number;
}

/** Sends as fast as it is let, from eight places at once, while handlers take a second each; looks every 100 ms. */
async function run(
  world: Awaited<ReturnType<typeof engine>>,
  channel: Channel<string>,
  load: { readonly total: number; readonly consumers: number; readonly options: HandleOptions<string> },
): Promise<Peak> {
  const { mill, clock } = world;
  const peak: Peak = { stored: 0, leased: 0, held: 0, tailBytes: 0 };
  let handled = 0;
  const handler = async (): Promise<void> => {
    await new Promise<void>((resolve) => void clock.after(1_000, resolve));
    handled += 1;
  };
  for (let count = 0; count < load.consumers; count++) mill.handle(channel, handler, load.options);
  let sent = 0;
  const producer = async (): Promise<void> => {
    while (sent < load.total) await mill.send(channel, `${sent++} ${"x".repeat(100)}`);
  };
  const sending = Promise.all(Array.from({ length: 8 }, producer));
  for (let step = 0; handled < load.total && step < 600; step++) {
    await clock.advance(100);
    await look(world, channel.name, peak);
  }
  await sending;
  expect(handled).toBe(load.total);
  return peak;
}

async function look(
  { mill, engine: opened }: Awaited<ReturnType<typeof engine>>,
  name: string,
  peak: Peak,
): Promise<void> {
  const stats = await mill.admin.stats(name);
  const held = (each: ConsumerInfo): number => each.running + each.waiting + each.abandoned;
  const channel = opened.channel(name);
  const tails = channel instanceof StoredChannel ? channel.partitions.map((partition) => partition.tail.bytes) : [];
  peak.stored = Math.max(peak.stored, stats.messages);
  peak.leased = Math.max(peak.leased, stats.inFlight);
  peak.held = Math.max(
    peak.held,
    mill.admin.consumers().reduce((sum, each) => sum + held(each), 0),
  );
  peak.tailBytes = Math.max(
    peak.tailBytes,
    tails.reduce((sum, each) => sum + each, 0),
  );
}

test(
  "one consumer with a thousand places: a thousand messages, and what the queue may hold",
  { timeout: 120_000 },
  async () => {
    const world = await engine();
    const work = queue<string>("work", { capacity: { messages: 3_000, whenFull: "block" } });
    const peak = await run(world, work, { total: 10_000, consumers: 1, options: { concurrency: 1_000 } });
    expect(peak.stored).toBe(3_000);
    expect(peak.leased).toBe(1_000);
    expect(peak.held).toBe(1_000);
    expect(peak.tailBytes).toBeLessThanOrEqual(limits.partitionTailBytes + 64 * 1024);
  },
);

test("a thousand consumers with one place each: the same", { timeout: 120_000 }, async () => {
  const world = await engine();
  const work = queue<string>("work", { capacity: { messages: 3_000, whenFull: "block" } });
  const peak = await run(world, work, { total: 4_000, consumers: 1_000, options: {} });
  expect(peak.stored).toBe(3_000);
  expect(peak.leased).toBeLessThanOrEqual(1_000);
  expect(peak.held).toBeLessThanOrEqual(1_000);
});

test(
  "of a stream: what is under way, and as much ahead as it gets done in half a second",
  { timeout: 120_000 },
  async () => {
    const world = await engine();
    const events = stream<string>("events", { partitions: 4 });
    const peak = await run(world, events, { total: 6_000, consumers: 1, options: { group: "g", concurrency: 200 } });
    // Twice its places, or 1,024 where that is more.
    expect(peak.held).toBeLessThanOrEqual(1_024);
    expect(peak.leased).toBeLessThanOrEqual(1_024);
    expect(peak.tailBytes).toBeLessThanOrEqual(limits.tailBytes);
  },
);

test("with a rate, messages wait in the queue, and not under a lease", { timeout: 120_000 }, async () => {
  const world = await engine();
  const work = queue<string>("work", { capacity: { messages: 200, whenFull: "block" } });
  const options = { concurrency: 1_000, rate: leakyBucket({ limit: 20, every: "1s" }) };
  const peak = await run(world, work, { total: 300, consumers: 1, options });
  // Twenty a second, of a second each; one that has begun may end a moment after the next has.
  expect(peak.held).toBeLessThanOrEqual(22);
  expect(peak.leased).toBeLessThanOrEqual(22);
});

test("of a topic that is not durable: the buffer of each subscriber, and its places", async () => {
  const { mill, clock } = await engine();
  const ticker = topic<string>("ticker", { durable: false, buffer: { messages: 50, whenFull: "drop-oldest" } });
  const slow = mill.handle(ticker, () => new Promise(() => {}), { concurrency: 10 });
  await slow.ready;
  for (let count = 0; count < 1_000; count++) await mill.send(ticker, "x");
  await clock.advance(100);
  const { messages, dropped } = await mill.admin.stats(ticker);
  expect([messages, mill.admin.consumers()[0]?.running, dropped]).toEqual([50, 10, 940]);
});
