/** What has been done is not done again: over the real engine, which sets its marks in the commit of the settlement. */
import { describe, expect, onTestFinished, test } from "vitest";
import { defaultLimits } from "../../src/base/limits.js";
import { seededRandom } from "../../src/base/random.js";
import { SimulatedDisk } from "../../src/disk/simulated.js";
import { openOn } from "../../src/drivers/embedded/index.js";
import { fixed, later, open, queue, reject, silentLogger, stream, topic } from "../../src/index.js";
import type { Millrace, OnceOptions } from "../../src/index.js";
import { turn } from "../../src/testing/manual-clock.js";
import { ManualClock } from "./manual-clock.js";
import { world } from "./world.js";

interface Order {
  readonly order: string;
}

const limits = { ...defaultLimits, walFileBytes: 256 * 1024, checkpointBytes: 512 * 1024, reserveBytes: 0 };
const orders = queue<Order>("orders", { attempts: 3, backoff: fixed("1s") });
const invoices = queue<string>("invoices");
const once: OnceOptions<Order> = { by: ({ value }) => value.order, keep: "1h" };

interface Opened {
  readonly mill: Millrace;
  readonly clock: ManualClock;
  readonly disk: SimulatedDisk;
}

async function opened(disk = freshDisk(), losesDisk = false): Promise<Opened> {
  const clock = new ManualClock();
  const random = seededRandom(1);
  const options = { limits, clock, random, durability: "fsync", logger: silentLogger } as const;
  const driver = await openOn(disk, { ...options, name: "embedded", release: () => {} });
  const mill = await open(driver, { clock, random, logger: silentLogger });
  // One that loses its disk would wait for it for ever.
  if (!losesDisk) onTestFinished(() => mill.close({ drain: 0 }).catch(() => {}));
  return { mill, clock, disk };
}

function freshDisk(): SimulatedDisk {
  const disk = new SimulatedDisk();
  disk.makeDirectory("");
  return disk;
}

function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

describe("a handler with once", () => {
  test("is called once for a key, and what comes again is settled", async () => {
    const { mill, clock } = await opened();
    const seen: string[] = [];
    await mill.sendAll(orders, [{ order: "a" }, { order: "a" }, { order: "b" }]);
    mill.handle(orders, ({ order }) => void seen.push(order), { once });
    await clock.advance(1_000);
    await mill.send(orders, { order: "a" });
    await clock.advance(0);
    expect(seen).toEqual(["a", "b"]);
    expect(await mill.admin.stats(orders)).toMatchObject({ messages: 0, settled: 4 });
  });

  test("is called once also when two consumers have the key at the same time: the second waits, uncounted", async () => {
    const { mill, clock } = await opened();
    const first = gate();
    const seen: string[] = [];
    const handle = (name: string): void => {
      mill.handle(
        orders,
        async () => {
          seen.push(name);
          await first.passed;
        },
        { once },
      );
    };
    handle("one");
    handle("two");
    await mill.sendAll(orders, [{ order: "a" }, { order: "a" }]);
    await clock.advance(20_000);
    expect(seen).toHaveLength(1);
    first.open();
    await clock.advance(1_000);
    expect(seen).toHaveLength(1);
    expect(await mill.admin.stats(orders)).toMatchObject({ messages: 0, settled: 2 });
    expect(await mill.admin.dead(orders).list()).toEqual([]);
  });

  test("is called for the second message when it failed with the first", async () => {
    const { mill, clock } = await opened();
    const seen: number[] = [];
    await mill.sendAll(orders, [{ order: "a" }, { order: "a" }]);
    mill.handle(
      orders,
      (_order, { attempt }) => {
        seen.push(attempt);
        if (seen.length === 1) throw new Error("not yet");
      },
      { once, concurrency: 2 },
    );
    await clock.advance(5_000);
    expect(seen).toHaveLength(2);
    expect(await mill.admin.stats(orders)).toMatchObject({ messages: 0 });
  });

  test("leaves no mark of what it puts off, rejects, or lets die", async () => {
    const { mill, clock } = await opened();
    let calls = 0;
    await mill.send(orders, { order: "a" });
    mill.handle(orders, () => (++calls === 1 ? later("1s") : calls === 2 ? reject("no") : undefined), { once });
    await clock.advance(2_000);
    expect(await mill.admin.dead(orders).redrive({ all: true })).toBe(1);
    await clock.advance(0);
    expect(calls).toBe(3);
    await mill.send(orders, { order: "a" });
    await clock.advance(0);
    expect(calls).toBe(3);
  });

  test("may be called again once the keep time is over", async () => {
    const { mill, clock } = await opened();
    let calls = 0;
    mill.handle(orders, () => void calls++, { once });
    await mill.send(orders, { order: "a" });
    await clock.advance(59 * 60_000);
    await mill.send(orders, { order: "a" });
    await clock.advance(0);
    expect(calls).toBe(1);
    await clock.advance(8 * 60_000);
    await mill.send(orders, { order: "a" });
    await clock.advance(0);
    expect(calls).toBe(2);
  });

  test("is called for each group of a topic and a stream", async () => {
    const { mill, clock } = await opened();
    const news = topic<Order>("news");
    const events = stream<Order>("events", { partitions: 2 });
    const seen: string[] = [];
    for (const channel of [news, events]) {
      for (const group of ["one", "two"]) {
        mill.handle(channel, ({ order }) => void seen.push(`${channel.name} ${group} ${order}`), { group, once });
      }
    }
    await clock.advance(0);
    for (const channel of [news, events]) await mill.sendAll(channel, [{ order: "a" }, { order: "a" }]);
    await clock.advance(1_000);
    expect(seen.toSorted()).toEqual(["events one a", "events two a", "news one a", "news two a"]);
    expect((await mill.admin.lag(events, "one")).map(({ messages }) => messages)).toEqual([0, 0]);
  });

  test("takes over the key of a delivery whose lease has ended", async () => {
    const { mill, clock } = await opened();
    const never = gate();
    let calls = 0;
    mill.handle(orders, () => (++calls === 1 ? never.passed : undefined), { once, concurrency: 2, timeout: "10s" });
    await mill.sendAll(orders, [{ order: "a" }, { order: "a" }]);
    await clock.advance(9_000);
    expect(calls).toBe(1);
    await clock.advance(5_000);
    expect(calls).toBe(2);
    never.open();
    await clock.advance(5_000);
    expect(calls).toBe(2);
    expect(await mill.admin.stats(orders)).toMatchObject({ messages: 0 });
  });
});

test("a power cut between any two disk calls: what the handler sent is there once, and it is done once", async () => {
  for (let afterCalls = 0; afterCalls < 14; afterCalls++) {
    const { mill, disk } = await opened(freshDisk(), true);
    await mill.sendAll(orders, [{ order: "a" }, { order: "a" }, { order: "b" }]);
    const run = (on: Millrace): void => {
      on.handle(orders, ({ order }, delivery) => void delivery.send(invoices, order), { once, concurrency: 3 });
    };
    disk.crashAt(disk.calls + afterCalls);
    run(mill);
    for (let each = 0; each < 6; each++) await turn();
    const again = await opened(disk.afterCrash("reordered", seededRandom(afterCalls)));
    run(again.mill);
    await again.clock.advance(60_000);
    expect((await again.mill.admin.peek(invoices)).map(({ value }) => value).toSorted()).toEqual(["a", "b"]);
    expect(await again.mill.admin.stats(orders)).toMatchObject({ messages: 0 });
  }
});

describe("once is refused", () => {
  const handle = (mill: Millrace, options: object): unknown => mill.handle(orders, () => {}, options);

  test.for([
    ["without a key", { once: { keep: "1h" } }, /once\.by must be a function/],
    ["without a time", { once: { by: String } }, /once\.keep/],
    ["for no time", { once: { by: String, keep: 0 } }, /keep must be more than 0/],
    ["with a store that is none", { once: { once: true } }, /a store has a function/],
    ["with a settlement ahead", { once, guarantee: "at-most-once" }, /at-most-once/],
  ] as const)("%s", async ([, options, text]) => {
    const { mill } = await world();
    expect(() => handle(mill, options)).toThrow(TypeError);
    expect(() => handle(mill, options)).toThrow(text);
  });

  test("for batches, and by a driver that keeps no marks", async () => {
    const { mill } = await world();
    expect(() => mill.handleBatch(orders, () => {}, { size: 2, once } as { size: number })).toThrow(/no option "once"/);
    const modest = await world({ supports: { once: { level: "refused", note: "use a store of your own" } } });
    expect(() => handle(modest.mill, { once })).toThrow(/once is not supported.*store of your own/);
  });

  test("for a key that is none: the delivery fails", async () => {
    const { mill, clock } = await opened();
    await mill.send(orders, { order: "" });
    let calls = 0;
    mill.handle(orders, () => void calls++, { once });
    await clock.advance(10_000);
    expect(calls).toBe(0);
    expect(await mill.admin.dead(orders).list()).toMatchObject([{ error: { name: "TypeError" } }]);
  });
});
