import { expect, test } from "vitest";
import { queue, stream, topic } from "../../src/index.js";
import type { Delivery } from "../../src/index.js";
import { rest } from "./manual-clock.js";
import { world } from "./world.js";

const slow = queue<number>("slow", { lease: "30s" });

test("leases are renewed for as long as the handler runs, by one timer for all of them", async () => {
  const { mill, driver, clock } = await world();
  await mill.sendAll(slow, [1, 2, 3]);
  const open: (() => void)[] = [];
  mill.handle(slow, () => new Promise<void>((resolve) => void open.push(resolve)), { concurrency: 3 });
  await clock.advance(10 * 60_000);
  const { extensions, settlements } = driver.channel("slow").source();
  expect(open).toHaveLength(3);
  expect(extensions).toHaveLength(60);
  expect(new Set(extensions.map((ids) => ids.length))).toEqual(new Set([3]));
  for (const finish of open) finish();
  await clock.advance(0);
  expect(settlements.map((each) => each.taken)).toEqual([true, true, true]);
});

test("nothing is renewed, and no timer runs, once nothing is held", async () => {
  const { mill, driver, clock } = await world();
  const news = topic<number>("news");
  await mill.send(news, 1);
  mill.handle(news, async () => {}, { group: "g" });
  await clock.advance(60_000);
  expect(driver.channel("news").source("g").extensions).toEqual([]);
  // The one for the handler's time, which is set for the first handler and then looks whether there is another; and the one by which
  // it is judged whether the consumer gets what there is.
  expect(clock.timers).toBe(2);
  await clock.advance(20 * 60_000);
  expect(clock.timers).toBe(1);
});

test("events of a stream that wait for their turn are renewed too", async () => {
  const { mill, driver, clock } = await world();
  const events = stream<number>("events", { partitions: 1 });
  await mill.sendAll(events, [1, 2]);
  mill.handle(events, () => new Promise(() => {}), { group: "g" });
  await clock.advance(60_000);
  expect(driver.channel("events").source("g").extensions[0]).toHaveLength(2);
});

test("a lost lease aborts the signal of the handler, and its outcome changes nothing", async () => {
  const { mill, driver, clock } = await world();
  await mill.send(slow, 1);
  const deliveries: Delivery<number>[] = [];
  let finish = (): void => {};
  mill.handle(slow, async (_value, delivery) => {
    deliveries.push(delivery);
    if (delivery.attempt === 1) await new Promise<void>((resolve) => (finish = resolve));
  });
  await rest();
  const channel = driver.channel("slow");
  const [first] = deliveries;
  expect(first?.signal.aborted).toBe(false);
  channel.group("").expire(channel.group("").entries[0]!);
  expect(first?.signal.aborted).toBe(true);
  expect(first?.signal.reason).toMatchObject({ code: "LEASE_EXPIRED" });
  finish();
  await clock.advance(0);
  expect(channel.source().settlements.map(({ taken }) => taken)).toEqual([false, true]);
  expect(deliveries.map((each) => each.attempt)).toEqual([1, 2]);
});

test("a signal that is asked for only after the lease was lost has aborted", async () => {
  const { mill, driver } = await world();
  await mill.send(slow, 1);
  let delivery: Delivery<number> | undefined;
  mill.handle(slow, (_value, got) => {
    delivery ??= got;
    return new Promise(() => {});
  });
  await rest();
  const { entries } = driver.channel("slow").group("");
  driver.channel("slow").group("").expire(entries[0]!);
  expect(delivery?.signal.aborted).toBe(true);
});

test("an event that was lost before its turn does not reach the handler", async () => {
  const { mill, driver } = await world();
  const events = stream<number>("events", { partitions: 1 });
  await mill.sendAll(events, [1, 2]);
  const seen: number[] = [];
  const finish: (() => void)[] = [];
  mill.handle(
    events,
    (value) => {
      seen.push(value);
      return new Promise<void>((resolve) => void finish.push(resolve));
    },
    { group: "g" },
  );
  await rest();
  const group = driver.channel("events").group("g");
  const [, second] = group.entries;
  group.sources[0]!.stopped = true;
  second!.state = "ready";
  group.sources[0]!.options.onLost([second!.delivery!]);
  finish[0]?.();
  await rest();
  expect(seen).toEqual([1]);
});

test("what is lost in the pause of a busy handler makes room, and others are fetched in its place", async () => {
  const { mill, driver, clock } = await world();
  const all = Array.from({ length: 30 }, (_, index) => index + 1);
  await mill.sendAll(slow, all);
  const group = driver.channel("slow").group.bind(driver.channel("slow"));
  const seen: number[] = [];
  mill.handle(
    slow,
    (value) => {
      clock.block(5);
      // The broker takes back what has not begun, while the process is busy; nothing else will come of this fetch.
      if (value === 24) {
        setImmediate(() => {
          for (const entry of group("").entries.slice(24)) group("").expire(entry);
        });
      }
      seen.push(value);
    },
    { concurrency: 30 },
  );
  await rest();
  await rest();
  expect(seen).toEqual(all);
});

test("extend() asks for longer than a lease, and the renewal does not shorten it", async () => {
  const { mill, driver, clock } = await world();
  await mill.send(slow, 1);
  let delivery: Delivery<number> | undefined;
  mill.handle(slow, async (_value, got) => {
    delivery = got;
    await got.extend("10m");
    return new Promise(() => {});
  });
  await clock.advance(60_000);
  const { extensions } = driver.channel("slow").source();
  expect(extensions).toEqual([["slow/0/0"]]);
  await clock.advance(9 * 60_000);
  expect(extensions.length).toBeGreaterThan(1);
  await expect(delivery?.extend("soon" as never)).rejects.toThrow(TypeError);
});

test("a delivery that is settled cannot be extended", async () => {
  const { mill } = await world();
  await mill.send(slow, 1);
  let delivery: Delivery<number> | undefined;
  mill.handle(slow, (_value, got) => void (delivery = got));
  await rest();
  await expect(delivery?.extend("1m")).rejects.toMatchObject({ code: "LEASE_EXPIRED" });
});
