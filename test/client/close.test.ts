import { expect, test } from "vitest";
import { queue, stream } from "../../src/index.js";
import { rest } from "./manual-clock.js";
import { world } from "./world.js";

const channel = queue<number>("q");

test("closing a consumer lets its handlers finish, settles them durably, and leaves", async () => {
  const { mill, driver } = await world();
  await mill.sendAll(channel, [1, 2]);
  const finish: (() => void)[] = [];
  const consumer = mill.handle(channel, () => new Promise<void>((resolve) => void finish.push(resolve)));
  await rest();
  const source = driver.channel("q").source();
  let isClosed = false;
  const closing = consumer.close().then(() => (isClosed = true));
  await rest();
  expect(isClosed).toBe(false);
  finish[0]?.();
  await closing;
  expect(consumer.state).toBe("closed");
  expect(source.flushes).toBe(1);
  expect(driver.channel("q").group("").sources).toEqual([]);
  expect(
    driver
      .channel("q")
      .group("")
      .entries.map((entry) => entry.state),
  ).toEqual(["settled", "ready"]);
});

test("when the drain time is over, signals abort, and the messages go to others without an attempt being counted", async () => {
  const { mill, driver, clock } = await world();
  await mill.send(channel, 1);
  let signal: AbortSignal | undefined;
  const consumer = mill.handle(channel, async (_value, delivery) => {
    signal = delivery.signal;
    await new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal?.reason as Error)));
  });
  await rest();
  const closing = consumer.close({ drain: "5s" });
  await clock.advance(4_999);
  expect(signal?.aborted).toBe(false);
  await clock.advance(1);
  await closing;
  expect(signal?.reason).toMatchObject({ code: "CLOSED" });
  await rest();
  expect(driver.channel("q").group("").entries[0]).toMatchObject({ state: "ready", attempts: 0 });
});

test("without a word about it, handlers have 30 seconds to finish", async () => {
  const { mill, clock } = await world();
  await mill.send(channel, 1);
  const consumer = mill.handle(channel, () => new Promise(() => {}));
  await rest();
  void consumer.close();
  await clock.advance(29_999);
  expect(consumer.state).toBe("running");
  await clock.advance(1);
  expect(consumer.state).toBe("closed");
});

test("events that wait for their turn go back when a consumer closes, the last first", async () => {
  const { mill, driver } = await world();
  const events = stream<number>("events", { partitions: 2 });
  await mill.sendAll(events, [1, 2, 3], { key: "a" });
  const finish: (() => void)[] = [];
  const consumer = mill.handle(events, () => new Promise<void>((resolve) => void finish.push(resolve)), {
    group: "g",
    concurrency: 2,
  });
  await rest();
  const source = driver.channel("events").source("g");
  const closing = consumer.close();
  finish[0]?.();
  await closing;
  expect(source.settlements.map(({ id, settlement }) => `${id} ${settlement.kind}`)).toEqual([
    "events/1/2 release",
    "events/1/1 release",
    "events/1/0 done",
  ]);
});

test("closing twice, or before it has started, is fine", async () => {
  const { mill } = await world();
  const consumer = mill.handle(channel, () => {});
  await Promise.all([consumer.close(), consumer.close()]);
  await consumer.close();
  expect(consumer.state).toBe("closed");
  await expect(consumer.ready).resolves.toBeUndefined();
});

test("closing a Millrace drains its consumers, then closes the driver; handlers may send until then", async () => {
  const { mill, driver } = await world();
  const output = queue<string>("output");
  await mill.send(channel, 1);
  const consumer = mill.handle(channel, async (_value, delivery) => {
    await rest();
    await mill.send(output, "sent while draining");
    await delivery.send(output, "staged while draining");
  });
  await consumer.ready;
  await new Promise((resolve) => setImmediate(resolve));
  const closing = mill.close();
  expect(() => mill.handle(channel, () => {})).toThrow(expect.objectContaining({ code: "CLOSED" }));
  await closing;
  expect(driver.channel("output").texts()).toHaveLength(2);
  expect(consumer.state).toBe("closed");
  expect(driver.closed).toBe(true);
});

test("after close everything rejects with CLOSED, and closing again is fine", async () => {
  const { mill } = await world();
  await mill.send(channel, 1);
  const closing = mill.close();
  const closed = expect.objectContaining({ code: "CLOSED" });
  await expect(mill.send(channel, 2)).rejects.toEqual(closed);
  await closing;
  await expect(mill.send(channel, 2)).rejects.toEqual(closed);
  await expect(mill.send(channel, 2, { key: "k" })).rejects.toEqual(closed);
  await expect(mill.sendAll(channel, [2])).rejects.toEqual(closed);
  await expect(mill.load(channel, [2])).rejects.toEqual(closed);
  await expect(mill.transaction(async () => {})).rejects.toEqual(closed);
  await expect(mill.admin.channels()).rejects.toEqual(closed);
  expect(() => mill.handle(channel, () => {})).toThrow(closed);
  expect(() => mill.read(stream("s"))).toThrow(closed);
  await expect(mill.close()).resolves.toBeUndefined();
});

test("what could not be made durable makes close reject, and the driver is closed all the same", async () => {
  const { mill, driver } = await world();
  await mill.handle(channel, () => {}).ready;
  driver.channel("q").source().flushFailure = new Error("the disk is gone");
  await expect(mill.close()).rejects.toThrow("the disk is gone");
  expect(driver.closed).toBe(true);
});

test("a wrong drain rejects with a TypeError, and nothing closes", async () => {
  const { mill, driver } = await world();
  await expect(mill.close({ drain: "long" as never })).rejects.toThrow(TypeError);
  await expect(mill.close({ wait: 1 } as never)).rejects.toThrow(/no option "wait"/);
  await mill.send(channel, 1);
  expect(driver.closed).toBe(false);
});

test("await using closes", async () => {
  const { mill, driver } = await world();
  {
    await using consumer = mill.handle(channel, () => {});
    await consumer.ready;
    await using scoped = mill;
    void scoped;
  }
  expect(driver.closed).toBe(true);
});
