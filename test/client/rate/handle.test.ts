/** Limits on the side that handles: what is not allowed yet waits where it is. */
import { expect, test } from "vitest";
import { fixed, fixedWindow, leakyBucket, queue, stream, tokenBucket } from "../../../src/index.js";
import { rest } from "../manual-clock.js";
import { world } from "../world.js";

const channel = queue<number>("q", { attempts: 2, backoff: fixed("1s") });
const tenants = queue<string>("tenants");
const tenantOf = (value: string): string => value[0] ?? "";

test("handlers begin as often as the rate allows, and what has to wait stays in the queue unleased", async () => {
  const { mill, driver, clock } = await world();
  const startMs = clock.monotonicMs();
  const begunAt: number[] = [];
  await mill.sendAll(channel, [1, 2, 3, 4, 5, 6]);
  mill.handle(channel, () => void begunAt.push(clock.monotonicMs() - startMs), {
    rate: tokenBucket({ limit: 1, every: "10s", burst: 3 }),
    concurrency: 10,
  });
  await rest();
  expect(begunAt).toEqual([0, 0, 0]);
  expect((await driver.admin.stats("q")).inFlight).toBe(0);
  await clock.advance(9_999);
  expect(begunAt).toHaveLength(3);
  await clock.advance(30_000);
  expect(begunAt.slice(3)).toEqual([10_000, 20_000, 30_000]);
});

test("while nothing may begin, nothing is asked for, and it costs one timer", async () => {
  const { mill, driver, clock } = await world();
  await mill.sendAll(channel, [1, 2, 3]);
  mill.handle(channel, () => {}, { rate: leakyBucket({ limit: 1, every: "1h" }) });
  await rest();
  const { takes } = driver.channel("q").source();
  const before = takes.length;
  await clock.advance(59 * 60_000);
  expect(takes.length).toBe(before);
});

test("two consumers with the same limit stay under it together, and neither starves", async () => {
  const { mill, clock } = await world();
  const other = queue<number>("other");
  const numbers = Array.from({ length: 50 }, (_, index) => index);
  await mill.sendAll(channel, numbers);
  await mill.sendAll(other, numbers);
  const rate = leakyBucket({ limit: 1, every: "1s" });
  const seen = { q: 0, other: 0 };
  mill.handle(channel, () => void seen.q++, { rate });
  mill.handle(other, () => void seen.other++, { rate });
  await rest();
  await clock.advance(20_000);
  expect(seen.q + seen.other).toBe(21);
  expect(Math.min(seen.q, seen.other)).toBeGreaterThanOrEqual(10);
});

test("a batch costs as many tokens as it has messages", async () => {
  const { mill, clock } = await world();
  await mill.sendAll(
    channel,
    Array.from({ length: 30 }, (_, index) => index),
  );
  const sizes: number[] = [];
  mill.handleBatch(channel, (values) => void sizes.push(values.length), {
    size: 8,
    rate: fixedWindow({ limit: 10, every: "1m" }),
  });
  await rest();
  expect(sizes).toEqual([8, 2]);
  await clock.advance(60_000);
  expect(sizes).toEqual([8, 2, 8, 2]);
});

test("a retry costs a token too", async () => {
  const { mill, clock } = await world();
  await mill.send(channel, 1);
  const startMs = clock.monotonicMs();
  const begunAt: number[] = [];
  mill.handle(
    channel,
    () => {
      begunAt.push(clock.monotonicMs() - startMs);
      throw new Error("no");
    },
    { rate: leakyBucket({ limit: 1, every: "5s" }) },
  );
  await clock.advance(20_000);
  expect(begunAt).toEqual([0, 5_000]);
});

test("per key, a key out of tokens is put off uncounted until it has some, and others go on", async () => {
  const { mill, driver, clock } = await world();
  const startMs = clock.monotonicMs();
  const begun: string[] = [];
  await mill.sendAll(tenants, ["a1", "a2", "a3", "a4", "b1"]);
  mill.handle(
    tenants,
    (value, { attempt }) => void begun.push(`${value}#${attempt} at ${clock.monotonicMs() - startMs}`),
    { rate: leakyBucket({ limit: 1, every: "10s", per: tenantOf }) },
  );
  await rest();
  expect(begun).toEqual(["a1#1 at 0", "b1#1 at 0"]);
  expect((await driver.admin.stats("tenants")).delayed).toBe(3);
  await clock.advance(30_000);
  expect(begun.slice(2)).toEqual(["a2#1 at 10000", "a3#1 at 20000", "a4#1 at 30000"]);
  // Each was given back once, with the time of its own turn.
  const settlements = driver
    .channel("tenants")
    .source()
    .settlements.map(({ settlement }) => settlement);
  expect(settlements.filter(({ kind }) => kind === "retry")).toEqual(
    [10_000, 20_000, 30_000].map((delayMs) => ({ kind: "retry", delayMs, counts: false })),
  );
});

test("per key in a batch, the others make the batch", async () => {
  const { mill, clock } = await world();
  await mill.sendAll(tenants, ["a1", "b1", "a2", "c1"]);
  const batches: (readonly string[])[] = [];
  mill.handleBatch(tenants, (values) => void batches.push(values), {
    size: 10,
    rate: leakyBucket({ limit: 1, every: "10s", per: tenantOf }),
  });
  await clock.advance(10_000);
  expect(batches).toEqual([["a1", "b1", "c1"], ["a2"]]);
});

test("in a stream, a key out of tokens holds up its partition, in order, and not the others", async () => {
  const { mill, driver, clock } = await world();
  // The fake puts a key into the partition of its length.
  const events = stream<string>("events", { partitions: 2, key: (value) => (value.startsWith("a") ? "a" : "bb") });
  await mill.sendAll(events, ["a1", "a2", "b1"]);
  const begun: string[] = [];
  mill.handle(events, (value) => void begun.push(value), {
    group: "g",
    concurrency: 2,
    rate: leakyBucket({ limit: 1, every: "10s", per: tenantOf }),
  });
  await rest();
  await mill.sendAll(events, ["b2", "a3"]);
  await rest();
  expect(begun).toEqual(["a1", "b1"]);
  await clock.advance(20_000);
  expect(begun.filter((each) => each.startsWith("a"))).toEqual(["a1", "a2", "a3"]);
  expect(begun).toContain("b2");
  expect(
    driver
      .channel("events")
      .source("g")
      .settlements.every(({ settlement }) => settlement.kind === "done"),
  ).toBe(true);
});

test("what waits for a token is kept under its lease, and its time as a handler has not begun", async () => {
  const { mill, driver, clock } = await world();
  const events = stream<string>("events", { partitions: 1, lease: "10s" });
  await mill.sendAll(events, ["a1", "a2"]);
  const begun: string[] = [];
  mill.handle(events, (value, { attempt }) => void begun.push(`${value}#${attempt}`), {
    group: "g",
    timeout: "5s",
    rate: leakyBucket({ limit: 1, every: "1m", per: tenantOf }),
  });
  await clock.advance(60_000);
  expect(begun).toEqual(["a1#1", "a2#1"]);
  expect(driver.channel("events").source("g").extensions.length).toBeGreaterThan(3);
});

test.for(["pause", "close"] as const)("on %s, what waits for a token goes back uncounted, at once", async (how) => {
  const { mill, driver } = await world();
  const events = stream<string>("events", { partitions: 1 });
  await mill.sendAll(events, ["a1", "a2", "a3"]);
  const consumer = mill.handle(events, () => {}, {
    group: "g",
    rate: leakyBucket({ limit: 1, every: "1h", per: tenantOf }),
  });
  await rest();
  const { entries } = driver.channel("events").group("g");
  expect(entries.map((each) => each.state)).toEqual(["settled", "leased", "leased"]);
  if (how === "pause") consumer.pause();
  else await consumer.close();
  expect(entries.map((each) => [each.state, each.attempts])).toEqual([
    ["settled", 1],
    ["ready", 0],
    ["ready", 0],
  ]);
});

test("a lease lost while it waits for a token leaves its place to others", async () => {
  const { mill, driver, clock } = await world();
  const events = stream<string>("events", { partitions: 1 });
  await mill.sendAll(events, ["a1", "a2"]);
  const begun: string[] = [];
  mill.handle(events, (value, { attempt }) => void begun.push(`${value}#${attempt}`), {
    group: "g",
    rate: leakyBucket({ limit: 1, every: "1m", per: tenantOf }),
  });
  await rest();
  const group = driver.channel("events").group("g");
  const waiting = group.entries[1]!;
  group.expire(waiting);
  await clock.advance(120_000);
  expect(begun).toEqual(["a1#1", "a2#2"]);
});

test("a limit that is raised lets go on at once", async () => {
  const { mill, clock } = await world();
  await mill.sendAll(channel, [1, 2, 3]);
  const seen: number[] = [];
  const rate = leakyBucket({ limit: 1, every: "1h" });
  mill.handle(channel, (value) => void seen.push(value), { rate });
  await rest();
  rate.set({ limit: 1, every: "1s" });
  await clock.advance(2_000);
  expect(seen).toEqual([1, 2, 3]);
});

test("a key function that throws fails its message, like a handler", async () => {
  const { mill, clock } = await world();
  await mill.sendAll(channel, [1, 2]);
  const seen: number[] = [];
  const per = (value: number): string => {
    if (value === 1) throw new RangeError("no key");
    return "k";
  };
  mill.handle(channel, (value) => void seen.push(value), { rate: tokenBucket({ limit: 1, every: "1s", per }) });
  await clock.advance(5_000);
  expect(seen).toEqual([2]);
  expect(await mill.admin.dead(channel).list()).toMatchObject([{ reason: "attempts", error: { message: "no key" } }]);
});

test("what cannot be read needs no token, and goes to the dead letters", async () => {
  const { mill, driver, clock } = await world();
  const consumer = mill.handle(channel, () => {}, { rate: leakyBucket({ limit: 1, every: "1h", per: String }) });
  await consumer.ready;
  driver.channel("q").append({ value: "{", key: undefined, id: undefined, headers: undefined });
  await clock.advance(0);
  expect(await mill.admin.dead(channel).list()).toMatchObject([{ reason: "unreadable" }]);
});

test("that there are more keys than its limit tells apart is said once", async () => {
  const { mill, clock, log } = await world();
  await mill.sendAll(tenants, ["a1", "b1", "c1", "d1", "e1"]);
  const seen: string[] = [];
  const rate = leakyBucket({ limit: 1, every: "10s", per: tenantOf, keysMax: 2 });
  mill.handle(tenants, (value) => void seen.push(value), { rate });
  await clock.advance(60_000);
  expect(seen.toSorted()).toEqual(["a1", "b1", "c1", "d1", "e1"]);
  expect(log).toMatchObject([{ level: "warn", fields: { limit: "keysMax", most: 2 } }]);
});

test("a rate has to be made by one of the three functions", async () => {
  const { mill } = await world();
  expect(() => mill.handle(channel, () => {}, { rate: { limit: 1 } as never })).toThrow(/must be made by tokenBucket/);
});
