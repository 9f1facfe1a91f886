/**
 * The bug that is reported most in this field: a consumer that goes silent after its source has failed. Here a broker fails at whatever it is
 * asked, at random, for thousands of steps. Every message is handled in the end, and a consumer that says it runs gets messages.
 */
import { expect, test } from "vitest";
import { fixed, MillraceError, queue, stream } from "../../src/index.js";
import type { Consumer, Millrace } from "../../src/index.js";
import { seededRandom } from "../../src/base/random.js";
import type { Random } from "../../src/base/random.js";
import type { DriverSettlement, IncomingDelivery } from "../../src/driver.js";
import type { FakeChannel } from "./fake-driver.js";
import type { FakeSource } from "./fake-group.js";
import type { ManualClock } from "./manual-clock.js";
import { world } from "./world.js";

const steps = 2_500;

/** In one of so many calls. */
const failsIn = { take: 40, settle: 40, extend: 20, flush: 20, consume: 3, silence: 150 };

function fault(what: string): MillraceError {
  return new MillraceError("TIMEOUT", `${what} failed`);
}

/** Makes every source of the channel fail now and then, as long as `isFaulty` says so. */
function spoil(channel: FakeChannel, random: Random, isFaulty: () => boolean): void {
  const hits = (oneIn: number): boolean => isFaulty() && random() * oneIn < 1;
  const consume = channel.consume.bind(channel);
  channel.consume = async (options) => {
    if (hits(failsIn.consume)) throw fault("consume");
    const source = (await consume(options)) as FakeSource;
    const { take, settle, extend, flush } = {
      take: source.take.bind(source),
      settle: source.settle.bind(source),
      extend: source.extend.bind(source),
      flush: source.flush.bind(source),
    };
    source.take = async (max) => {
      if (hits(failsIn.take)) throw fault("take");
      if (hits(failsIn.silence)) source.forgotten = true;
      if (hits(failsIn.silence)) source.deaf = true;
      return take(max);
    };
    source.settle = (delivery: IncomingDelivery, settlement: DriverSettlement) => {
      if (hits(failsIn.settle)) throw fault("settle");
      return settle(delivery, settlement);
    };
    source.extend = (deliveries, leaseMs) => {
      if (hits(failsIn.extend)) throw fault("extend");
      extend(deliveries, leaseMs);
    };
    source.flush = async () => {
      if (hits(failsIn.flush)) throw fault("flush");
      return flush();
    };
    return source;
  };
}

interface Run {
  readonly mill: Millrace;
  readonly clock: ManualClock;
  readonly consumer: Consumer;
  readonly group: string;
  readonly channel: FakeChannel;
  readonly send: (value: number) => Promise<unknown>;
}

/** Within three minutes, a consumer that says it runs takes something of what waits, or is not running any more. */
async function isAlive({ clock, consumer, channel, group }: Run): Promise<boolean> {
  const left = (): number => channel.group(group).unsettled.length;
  const before = left();
  if (before === 0 || consumer.state !== "running") return true;
  for (let minute = 0; minute < 4; minute++) {
    await clock.advance(60_000);
    if (left() < before || consumer.state !== "running") return true;
  }
  return false;
}

async function torment(run: Run, random: Random): Promise<number> {
  let sent = 0;
  for (let step = 0; step < steps; step++) {
    if (random() < 0.5) await run.send(sent++);
    if (random() < 0.7) await run.clock.advance(Math.floor(random() * 3_000));
    if (step % 100 === 99) expect(await isAlive(run)).toBe(true);
  }
  return sent;
}

const seeds = [1, 2];

test.for(seeds)("a queue, seed %s", { timeout: 120_000 }, async (seed) => {
  const { mill, driver, clock } = await world();
  const random = seededRandom(seed);
  const work = queue<number>("work", { attempts: 1_000, backoff: fixed("1s"), lease: "5s" });
  await mill.send(work, -1);
  let isFaulty = true;
  const channel = driver.channel("work");
  spoil(channel, random, () => isFaulty);
  const handled = new Set<number>();
  const handler = async (value: number): Promise<void> => {
    if (random() < 0.3) await new Promise<void>((resolve) => void clock.after(random() * 8_000, resolve));
    if (random() < 0.1) throw new Error("the handler has its faults too");
    handled.add(value);
  };
  let consumer = mill.handle(work, handler, { concurrency: 3 });
  // One that cannot start has said so: it is started again.
  while (
    !(await consumer.ready.then(
      () => true,
      () => false,
    ))
  )
    consumer = mill.handle(work, handler, { concurrency: 3 });
  const sent = await torment(
    { mill, clock, consumer, group: "", channel, send: (value) => mill.send(work, value) },
    random,
  );
  isFaulty = false;
  for (let minute = 0; minute < 30; minute++) await clock.advance(60_000);
  expect(consumer.state).toBe("running");
  expect(mill.admin.consumers()[0]?.stalls).toBeGreaterThan(50);
  expect(handled.size).toBe(sent + 1);
  expect(channel.group("").unsettled).toEqual([]);
});

test.for(seeds)("a stream, seed %s", { timeout: 120_000 }, async (seed) => {
  const { mill, driver, clock } = await world();
  const random = seededRandom(seed + 100);
  const events = stream<number>("events", {
    partitions: 3,
    attempts: 1_000,
    backoff: fixed("1s"),
    lease: "5s",
    key: String,
  });
  await mill.send(events, -1);
  let isFaulty = true;
  const channel = driver.channel("events");
  spoil(channel, random, () => isFaulty);
  const handled = new Set<number>();
  const handler = async (value: number): Promise<void> => {
    if (random() < 0.3) await new Promise<void>((resolve) => void clock.after(random() * 8_000, resolve));
    handled.add(value);
  };
  const options = { group: "g", concurrency: 3 };
  let consumer = mill.handle(events, handler, options);
  while (
    !(await consumer.ready.then(
      () => true,
      () => false,
    ))
  )
    consumer = mill.handle(events, handler, options);
  const sent = await torment(
    { mill, clock, consumer, group: "g", channel, send: (value) => mill.send(events, value) },
    random,
  );
  isFaulty = false;
  for (let minute = 0; minute < 30; minute++) await clock.advance(60_000);
  expect(consumer.state).toBe("running");
  expect(mill.admin.consumers()[0]?.stalls).toBeGreaterThan(50);
  expect(handled.size).toBe(sent + 1);
  expect(channel.group("g").unsettled).toEqual([]);
});
