import { expect, test } from "vitest";
import { sleep } from "../../src/base/clock.js";
import { fixed, reject, stream } from "../../src/index.js";
import { rest } from "./manual-clock.js";
import { world } from "./world.js";
import type { World } from "./world.js";

const events = stream<string>("events", { partitions: 3, attempts: 3, backoff: fixed("10s") });

/** The fake places a key by its length: "a1" and "a2" in partition 1, "bb1" and "bb2" in partition 2. */
async function fill(mill: World["mill"], values: readonly string[]): Promise<void> {
  for (const value of values) await mill.send(events, value, { key: value.replace(/\d+/, "") });
}

test("within a partition events are handled one at a time, in their order; other partitions go on beside it", async () => {
  const { mill } = await world();
  await fill(mill, ["a1", "a2", "bb1", "a3", "bb2"]);
  const open = new Map<string, () => void>();
  mill.handle(events, (value) => new Promise<void>((resolve) => void open.set(value, resolve)), {
    group: "g",
    concurrency: 3,
  });
  await rest();
  expect([...open.keys()]).toEqual(["a1", "bb1"]);
  open.get("bb1")?.();
  await rest();
  expect([...open.keys()]).toEqual(["a1", "bb1", "bb2"]);
  open.get("a1")?.();
  await rest();
  expect([...open.keys()]).toEqual(["a1", "bb1", "bb2", "a2"]);
});

test("without concurrency it is one event at a time over all partitions", async () => {
  const { mill } = await world();
  await fill(mill, ["a1", "bb1", "a2"]);
  const open: string[] = [];
  mill.handle(
    events,
    (value) => {
      open.push(value);
      return new Promise(() => {});
    },
    { group: "g" },
  );
  await rest();
  expect(open).toEqual(["a1"]);
});

test("an event that fails holds back its partition until it succeeds, and no other", async () => {
  const { mill, clock } = await world();
  await fill(mill, ["a1", "a2", "bb1", "a3", "bb2"]);
  const seen: string[] = [];
  mill.handle(
    events,
    (value, { attempt }) => {
      seen.push(`${value}#${attempt}`);
      if (value === "a2" && attempt < 3) throw new Error("not yet");
    },
    { group: "g" },
  );
  await clock.advance(0);
  expect(seen).toEqual(["a1#1", "bb1#1", "a2#1", "bb2#1"].toSorted(byTurn(seen)));
  await fill(mill, ["bb3"]);
  await clock.advance(9_999);
  expect(seen.slice(4)).toEqual(["bb3#1"]);
  await clock.advance(1);
  expect(seen.slice(5)).toEqual(["a2#2"]);
  await clock.advance(10_000);
  expect(seen.slice(6)).toEqual(["a2#3", "a3#1"]);
});

/** Partitions take turns as they like; what counts is that these four came, and in which order within each. */
function byTurn(seen: readonly string[]): (one: string, other: string) => number {
  return (one, other) => seen.indexOf(one) - seen.indexOf(other);
}

test("after its last attempt it goes to the dead letters with its position, and the partition goes on", async () => {
  const { mill, driver, clock } = await world();
  await fill(mill, ["a1", "a2", "a3"]);
  const done: string[] = [];
  mill.handle(
    events,
    (value) => {
      if (value === "a2") throw new Error("never");
      done.push(value);
    },
    { group: "g" },
  );
  await clock.advance(60_000);
  expect(done).toEqual(["a1", "a3"]);
  expect(await mill.admin.dead(events, { group: "g" }).list()).toMatchObject([
    {
      message: { value: "a2", key: "a" },
      origin: { channel: "events", group: "g", partition: 1, offset: 1n },
      attempts: 3,
    },
  ]);
  expect(driver.channel("events").group("g").unsettled).toEqual([]);
});

test("an event that is rejected does not hold up its partition", async () => {
  const { mill, clock } = await world();
  await fill(mill, ["a1", "a2"]);
  const seen: string[] = [];
  mill.handle(
    events,
    (value) => {
      seen.push(value);
      return value === "a1" ? reject("no") : undefined;
    },
    { group: "g" },
  );
  await clock.advance(0);
  expect(seen).toEqual(["a1", "a2"]);
});

test("the next event waits until the dead letter of the one before it is on its way", async () => {
  const { mill, driver } = await world();
  await fill(mill, ["a1", "a2"]);
  const declared: string[] = [];
  mill.handle(
    events,
    (value) => {
      declared.push(`${value} ${driver.channels.has("events.g.dead")}`);
      return reject("no");
    },
    { group: "g" },
  );
  await rest();
  expect(declared).toEqual(["a1 false", "a2 true"]);
});

test("a batch of a stream is of one partition, in order", async () => {
  const { mill } = await world();
  await fill(mill, ["a1", "bb1", "a2", "bb2", "a3"]);
  const batches: string[] = [];
  mill.handleBatch(events, (values) => void batches.push(values.join(" ")), { group: "g", size: 2 });
  await rest();
  expect(batches.toSorted()).toEqual(["a1 a2", "a3", "bb1 bb2"]);
});

test("what fails in a batch of a stream comes again before anything behind the batch; what was done stays done", async () => {
  const { mill, driver, clock } = await world();
  await fill(mill, ["a1", "a2", "a3", "a4", "a5", "a6"]);
  const calls: string[] = [];
  mill.handleBatch(
    events,
    (values, deliveries) => {
      calls.push(deliveries.map((each) => `${each.message.value}#${each.attempt}`).join(" "));
      return values.map((value, index) =>
        ["a2", "a4"].includes(value) && deliveries[index]?.attempt === 1
          ? { kind: "later", delayMs: undefined, why: undefined, counts: true }
          : undefined,
      );
    },
    { group: "g", size: 4 },
  );
  await clock.advance(0);
  expect(calls).toEqual(["a1#1 a2#1 a3#1 a4#1"]);
  await clock.advance(10_000);
  expect(calls.slice(1).join(" ")).toBe("a2#2 a4#2 a5#1 a6#1");
  expect(driver.channel("events").group("g").unsettled).toEqual([]);
});

test("on its last attempt an event of a batch comes alone, and order is kept", async () => {
  const { mill, clock } = await world();
  await fill(mill, ["a1", "a2", "a3"]);
  const calls: string[] = [];
  mill.handleBatch(
    events,
    (_values, deliveries) => {
      calls.push(deliveries.map((each) => `${each.message.value}#${each.attempt}`).join(" "));
      if (deliveries.some((each) => each.message.value === "a2")) throw new Error("poison");
    },
    { group: "g", size: 10 },
  );
  await clock.advance(60_000);
  expect(calls).toEqual(["a1#1 a2#1 a3#1", "a1#2 a2#2 a3#2", "a1#3", "a2#3", "a3#3"]);
  expect(await mill.admin.dead(events, { group: "g" }).list()).toMatchObject([{ message: { value: "a2" } }]);
});

test("a consumer holds as many events as it gets done in a moment: few when they take long, many when they do not", async () => {
  for (const [handlerMs, least, most] of [
    [10_000, 2, 2],
    [20, 20, 25],
    [0, 1_000, 1_024],
  ] as const) {
    const { mill, driver, clock } = await world();
    await mill.load(
      events,
      Array.from({ length: 4_000 }, () => "x"),
    );
    const { entries } = driver.channel("events").group("g");
    let held = 0;
    const consumer = mill.handle(
      events,
      async () => {
        held = Math.max(held, entries.filter((entry) => entry.state === "leased").length);
        if (handlerMs > 0) await sleep(clock, handlerMs);
      },
      { group: "g" },
    );
    await clock.advance(handlerMs * 50);
    expect(held).toBeGreaterThanOrEqual(least);
    expect(held).toBeLessThanOrEqual(most);
    void consumer.close();
    await clock.advance(30_000);
  }
});

test("a consumer asks for several events at once, not for each by itself", async () => {
  const { mill, driver, clock } = await world();
  await mill.load(
    events,
    Array.from({ length: 200 }, () => "x"),
  );
  let handled = 0;
  mill.handle(
    events,
    async () => {
      await sleep(clock, 5);
      handled += 1;
    },
    { group: "g" },
  );
  await clock.advance(1_000);
  expect(handled).toBe(200);
  expect(driver.channel("events").source("g").takes.length).toBeLessThan(20);
});
