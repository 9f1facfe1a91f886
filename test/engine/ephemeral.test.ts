import { describe, expect, test } from "vitest";
import type { CapacitySpec } from "../../src/engine/channel-spec.js";
import { consume, leaseMs, message, numbered, release, retry, sendAll, texts, turn, World } from "./world.js";

const bounded = (messages: number, whenFull: CapacitySpec["whenFull"]): { capacity: CapacitySpec } => ({
  capacity: { messages, bytes: Infinity, whenFull },
});

describe("an ephemeral topic", () => {
  test("gives every subscriber what is sent while it listens, and nothing else", async () => {
    const world = await World.open();
    const ticker = await world.ephemeral();
    const early = await consume(ticker);
    await sendAll(ticker, ["1", "2"]);
    const late = await consume(ticker);
    await sendAll(ticker, ["3"]);
    expect(texts(await early.take())).toEqual(["1", "2", "3"]);
    expect(texts(await late.take())).toEqual(["3"]);
  });

  test("stores nothing", async () => {
    const world = await World.open();
    const ticker = await world.ephemeral();
    const walBytes = world.disk.calls;
    await sendAll(ticker, numbered(100));
    expect(world.disk.calls).toBe(walBytes);
    await world.restart();
    expect(await (await consume(await world.ephemeral())).take()).toEqual([]);
  });

  test("is not changed by what the sender does with its bytes afterwards", async () => {
    const world = await World.open();
    const ticker = await world.ephemeral();
    const consumer = await consume(ticker);
    const value = Buffer.from("before");
    const headers = { name: "before" };
    await ticker.publish({ ...message(""), value, headers, id: "given", key: "k" });
    value.write("after!");
    headers.name = "after";
    const [delivery] = await consumer.take();
    expect(texts([delivery!])).toEqual(["before"]);
    expect(delivery).toMatchObject({ id: "given", key: "k", attempt: 1, partition: undefined, offset: undefined });
    expect({ ...delivery!.headers }).toEqual({ name: "before" });
  });

  test("drops the oldest when a buffer is full, and counts it", async () => {
    const world = await World.open();
    const ticker = await world.ephemeral("ticker", bounded(3, "drop-oldest"));
    const consumer = await consume(ticker);
    await sendAll(ticker, numbered(10));
    expect(texts(await consumer.take())).toEqual(["7", "8", "9"]);
    expect(await world.admin.stats("ticker")).toMatchObject({ sent: 10, dropped: 7 });
    await consumer.source.close();
    expect(await world.admin.stats("ticker")).toMatchObject({ dropped: 7 });
  });

  test("drops the newest when a buffer is full, and says so when nobody got it", async () => {
    const world = await World.open();
    const ticker = await world.ephemeral("ticker", bounded(2, "drop-newest"));
    const consumer = await consume(ticker);
    const receipts = await ticker.publishAll(numbered(3).map((each) => message(each)));
    expect(receipts.map((receipt) => receipt.dropped)).toEqual([false, false, true]);
    expect(texts(await consumer.take())).toEqual(["0", "1"]);
  });

  test("drops any that waits when a buffer is full, each subscriber by itself, and the newest goes in", async () => {
    const world = await World.open();
    const ticker = await world.ephemeral("ticker", bounded(5, "drop-random"));
    const [one, other] = [await consume(ticker), await consume(ticker)];
    await sendAll(ticker, numbered(50));
    const [left, elsewhere] = [texts(await one.take()), texts(await other.take())];
    expect(left).toHaveLength(5);
    expect(left.at(-1)).toBe("49");
    expect(left).toEqual(left.toSorted((first, second) => Number(first) - Number(second)));
    expect(left).not.toEqual(numbered(5, 45));
    expect(elsewhere).not.toEqual(left);
    expect(await world.admin.stats("ticker")).toMatchObject({ dropped: 90 });
  });

  test("drops a message that can never fit, and nothing for it", async () => {
    const world = await World.open();
    const capacity: CapacitySpec = { messages: 100, bytes: 10, whenFull: "drop-oldest" };
    const ticker = await world.ephemeral("ticker", { capacity });
    const consumer = await consume(ticker);
    await sendAll(ticker, ["aaaa", "far too large for it"]);
    expect(texts(await consumer.take())).toEqual(["aaaa"]);
    expect(await world.admin.stats("ticker")).toMatchObject({ dropped: 1 });
  });

  test("bounds a buffer in bytes as well", async () => {
    const world = await World.open();
    const capacity: CapacitySpec = { messages: 100, bytes: 10, whenFull: "drop-oldest" };
    const ticker = await world.ephemeral("ticker", { capacity });
    const consumer = await consume(ticker);
    await sendAll(ticker, ["aaaa", "bbbb", "cccc"]);
    expect(texts(await consumer.take())).toEqual(["bbbb", "cccc"]);
  });

  test("lets a send wait for the slowest subscriber, if told so", async () => {
    const world = await World.open();
    const ticker = await world.ephemeral("ticker", bounded(2, "block"));
    const [fast, slow] = [await consume(ticker), await consume(ticker)];
    await sendAll(ticker, ["1", "2"]);
    await fast.take();
    const third = ticker.publish(message("3"));
    expect(await Promise.race([third, turn()])).toBe(undefined);
    expect(texts(await slow.take(1))).toEqual(["1"]);
    await third;
    expect(texts(await slow.take())).toEqual(["2", "3"]);
  });

  test("stops waiting for a subscriber that leaves", async () => {
    const world = await World.open();
    const ticker = await world.ephemeral("ticker", bounded(1, "block"));
    const slow = await consume(ticker);
    await sendAll(ticker, ["1"]);
    const second = ticker.publish(message("2"));
    await slow.source.close();
    await second;
  });

  test("refuses a send when a buffer is full, if told so", async () => {
    const world = await World.open();
    const ticker = await world.ephemeral("ticker", bounded(1, "reject"));
    await consume(ticker);
    await sendAll(ticker, ["1"]);
    await expect(ticker.publish(message("2"))).rejects.toMatchObject({ code: "QUEUE_FULL" });
  });

  test("takes any send while nobody listens", async () => {
    const world = await World.open();
    const ticker = await world.ephemeral("ticker", bounded(1, "block"));
    await sendAll(ticker, ["1"]);
    await sendAll(ticker, numbered(20));
  });

  test("brings a message back to the subscriber that retries it", async () => {
    const world = await World.open();
    const ticker = await world.ephemeral();
    const [one, other] = [await consume(ticker), await consume(ticker)];
    await sendAll(ticker, ["again"]);
    await other.take();
    one.settle(await one.take(), retry(1000));
    await world.clock.advance(999);
    expect(await one.take()).toEqual([]);
    await world.clock.advance(1);
    expect((await one.take())[0]).toMatchObject({ attempt: 2 });
    expect(await other.take()).toEqual([]);
  });

  test("gives a released message again, uncounted and before the others", async () => {
    const world = await World.open();
    const ticker = await world.ephemeral();
    const consumer = await consume(ticker);
    await sendAll(ticker, ["1", "2"]);
    consumer.settle(await consumer.take(1), release);
    const deliveries = await consumer.take();
    expect(texts(deliveries)).toEqual(["1", "2"]);
    expect(deliveries[0]?.attempt).toBe(1);
  });

  test("knows no leases: what was taken is the subscriber's until it settles it", async () => {
    const world = await World.open();
    const ticker = await world.ephemeral();
    const consumer = await consume(ticker);
    await sendAll(ticker, ["1"]);
    const deliveries = await consumer.take();
    await world.clock.advance(leaseMs * 10);
    expect(consumer.settle(deliveries)).toEqual([true]);
    expect(consumer.settle(deliveries)).toEqual([false]);
  });
});
