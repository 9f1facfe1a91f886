import { describe, expect, test } from "vitest";
import type { StreamChannel } from "../../src/engine/stream-channel.js";
import { consume, leaseMs, numbered, release, retry, sendAll, texts, turn, World } from "./world.js";

const group = "audit";

async function open(): Promise<{ world: World; stream: StreamChannel }> {
  const world = await World.open();
  return { world, stream: await world.stream() };
}

describe("a stream's delivery that is retried", () => {
  test("comes again together with everything behind it, in order", async () => {
    const { stream } = await open();
    await sendAll(stream, numbered(6));
    const consumer = await consume(stream, { group });
    const held = await consumer.take(4);
    consumer.settle(held.slice(1, 2), retry());
    expect(texts(consumer.lost)).toEqual(["2", "3"]);
    const again = await consumer.take();
    expect(texts(again)).toEqual(["1", "2", "3", "4", "5"]);
    expect(again.map((delivery) => delivery.attempt)).toEqual([2, 1, 1, 1, 1]);
  });

  test("does not bring back what is settled", async () => {
    const { stream } = await open();
    await sendAll(stream, numbered(5));
    const consumer = await consume(stream, { group });
    const held = await consumer.take();
    consumer.settle([held[2]!, held[4]!]);
    consumer.settle(held.slice(1, 2), retry());
    expect(texts(await consumer.take())).toEqual(["1", "3"]);
    expect(consumer.settle(held.slice(0, 1))).toEqual([true]);
  });

  test("holds up its partition for its delay, and no other", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { partitions: 2 });
    await sendAll(stream, numbered(3));
    await sendAll(stream, numbered(3, 10));
    const consumer = await consume(stream, { group });
    const held = await consumer.take(2);
    const first = held.find((delivery) => delivery.partition === 0)!;
    consumer.settle([first], retry(1000));
    const meanwhile = await consumer.take();
    expect(meanwhile.every((delivery) => delivery.partition !== first.partition)).toBe(true);
    await world.clock.advance(999);
    expect(await consumer.take()).toEqual([]);
    await world.clock.advance(1);
    expect((await consumer.take())[0]).toMatchObject({ partition: 0, attempt: 2, offset: first.offset });
  });

  test("waits out the rest of its delay after a restart", async () => {
    const { world, stream } = await open();
    await sendAll(stream, numbered(3));
    const consumer = await consume(stream, { group });
    consumer.settle(await consumer.take(1), retry(10_000));
    await world.clock.advance(4_000);
    await world.kill();
    const next = await consume(await world.stream(), { group });
    await world.clock.advance(5_999);
    expect(await next.take()).toEqual([]);
    await world.clock.advance(1);
    expect(texts(await next.take())).toEqual(numbered(3));
  });

  test("counts its attempts through restarts, and those of its neighbours apart", async () => {
    const { world, stream } = await open();
    await sendAll(stream, numbered(2));
    let current = stream;
    for (const attempt of [1, 2, 3, 4]) {
      const consumer = await consume(current, { group });
      const held = await consumer.take();
      expect(held.map((delivery) => delivery.attempt)).toEqual([attempt, 1]);
      consumer.settle(held.slice(0, 1), retry());
      await turn();
      await world.kill();
      current = await world.stream();
    }
  });

  test("that is released comes again uncounted", async () => {
    const { stream } = await open();
    await sendAll(stream, numbered(3));
    const consumer = await consume(stream, { group });
    const held = await consumer.take();
    consumer.settle(held.slice(0, 1), release);
    expect(texts(consumer.lost)).toEqual(["1", "2"]);
    const again = await consumer.take();
    expect(again.map((delivery) => delivery.attempt)).toEqual([1, 1, 1]);
    expect(texts(again)).toEqual(numbered(3));
  });
});

describe("a stream's leases that end", () => {
  test("bring back everything from the first of them on, and count for those that ended", async () => {
    const { world, stream } = await open();
    await sendAll(stream, numbered(4));
    const consumer = await consume(stream, { group });
    const early = await consumer.take(2);
    await world.clock.advance(1000);
    await consumer.take(2);
    expect(consumer.settle(early.slice(0, 1))).toEqual([true]);
    await world.clock.advance(leaseMs - 1000);
    expect(texts(consumer.lost)).toEqual(["1", "2", "3"]);
    const again = await consumer.take();
    expect(texts(again)).toEqual(["1", "2", "3"]);
    expect(again.map((delivery) => delivery.attempt)).toEqual([2, 1, 1]);
  });
});

describe("a group's window", () => {
  test("bounds what is leased of a partition", async () => {
    const world = await World.open({ limits: { inFlightMax: 10 } });
    const stream = await world.stream("events", { partitions: 2 });
    await sendAll(stream, numbered(50));
    const consumer = await consume(stream, { group });
    const held = await consumer.take();
    expect(held).toHaveLength(5);
    consumer.settle(held.slice(0, 2));
    expect(await consumer.take()).toHaveLength(2);
    expect(await consumer.take()).toEqual([]);
  });
});
