import { describe, expect, test } from "vitest";
import type { Delivery } from "../../src/engine/message.js";
import type { StreamChannel } from "../../src/engine/stream-channel.js";
import { type Consumer, consume, done, leaseMs, message, numbered, texts, turn, World } from "./world.js";

const group = "audit";

/** One message into each partition, `count` times. The key decides, so look for a key of each partition first. */
async function fill(stream: StreamChannel, count: number): Promise<void> {
  const keys = await keysOf(stream);
  for (let each = 0; each < count; each++) {
    await stream.publishAll(keys.map((key, partition) => message(`${partition}:${each}`, { key })));
  }
}

const found = new WeakMap<StreamChannel, string[]>();
async function keysOf(stream: StreamChannel): Promise<string[]> {
  const known = found.get(stream);
  if (known !== undefined) return known;
  const keys: string[] = [];
  const { partitionOfKey } = await import("../../src/engine/partitioner.js");
  for (let each = 0; keys.filter(Boolean).length < stream.partitions.length; each++) {
    keys[partitionOfKey(`k${each}`, stream.partitions.length)] ??= `k${each}`;
  }
  found.set(stream, keys);
  return keys;
}

function partitionsOf(deliveries: readonly Delivery[]): number[] {
  return [...new Set(deliveries.map((delivery) => delivery.partition as number))].sort((one, other) => one - other);
}

function valuesOf(deliveries: readonly Delivery[], partition: number): string[] {
  return texts(deliveries.filter((delivery) => delivery.partition === partition));
}

async function open(partitions = 4): Promise<{ world: World; stream: StreamChannel }> {
  const world = await World.open();
  return { world, stream: await world.stream("events", { partitions }) };
}

/** Takes and settles until nothing is left. */
async function drain(consumer: Consumer): Promise<Delivery[]> {
  const all: Delivery[] = [];
  for (let deliveries = await consumer.take(); deliveries.length > 0; deliveries = await consumer.take()) {
    all.push(...deliveries);
    consumer.settle(deliveries);
  }
  return all;
}

describe("a group of a stream", () => {
  test("gives each partition's records in order", async () => {
    const { stream } = await open(3);
    await fill(stream, 20);
    const consumer = await consume(stream, { group });
    const deliveries = await drain(consumer);
    for (const partition of [0, 1, 2]) {
      expect(valuesOf(deliveries, partition)).toEqual(numbered(20).map((each) => `${partition}:${each}`));
    }
  });

  test("takes fairly from all partitions, however full one of them is", async () => {
    const { stream } = await open(3);
    const [key] = await keysOf(stream);
    await stream.publishAll(numbered(500).map((each) => message(each, { key })));
    await fill(stream, 5);
    const consumer = await consume(stream, { group });
    expect(partitionsOf(await consumer.take(9))).toEqual([0, 1, 2]);
  });

  test("reads on where it was, in the next life", async () => {
    const { world, stream } = await open(2);
    await fill(stream, 10);
    const consumer = await consume(stream, { group });
    consumer.settle(await consumer.take(7));
    await consumer.source.flush();
    await world.cutPower();
    const again = await world.stream("events", { partitions: 2 });
    expect(await drain(await consume(again, { group }))).toHaveLength(13);
  });

  test("reads everything for itself, whatever other groups have read", async () => {
    const { stream } = await open(2);
    await fill(stream, 10);
    expect(await drain(await consume(stream, { group: "one" }))).toHaveLength(20);
    expect(await drain(await consume(stream, { group: "other" }))).toHaveLength(20);
  });

  test("keeps what was settled out of order: nothing of it comes again after a crash", async () => {
    const { world, stream } = await open(1);
    await fill(stream, 5);
    const consumer = await consume(stream, { group });
    const deliveries = await consumer.take();
    consumer.settle([deliveries[1]!, deliveries[3]!]);
    await consumer.source.flush();
    await world.cutPower();
    const again = await consume(await world.stream("events", { partitions: 1 }), { group });
    const rest = await again.take();
    expect(texts(rest)).toEqual(["0:0", "0:2", "0:4"]);
    expect(rest.map((delivery) => delivery.attempt)).toEqual([2, 2, 2]);
  });
});

describe("the members of a group", () => {
  test("share the partitions evenly", async () => {
    const { stream } = await open(4);
    const consumers = [await consume(stream, { group }), await consume(stream, { group })];
    await fill(stream, 3);
    const [one, other] = await Promise.all(consumers.map((consumer) => consumer.take()));
    expect(partitionsOf(one!)).toHaveLength(2);
    expect(partitionsOf([...one!, ...other!])).toEqual([0, 1, 2, 3]);
  });

  test("take over what a member that leaves has not settled", async () => {
    const { stream } = await open(4);
    await fill(stream, 3);
    const one = await consume(stream, { group });
    const other = await consume(stream, { group });
    one.settle((await one.take()).slice(0, 1));
    const taken = await other.take();
    other.settle(taken);
    await one.source.close();
    await turn();
    const rest = await drain(other);
    expect(taken.length + rest.length).toBe(11);
    expect(rest.every((delivery) => delivery.attempt === 1)).toBe(true);
  });

  test("go on in partitions that stay while others move", async () => {
    const { stream } = await open(4);
    await fill(stream, 2);
    const one = await consume(stream, { group });
    const held = await one.take();
    expect(partitionsOf(held)).toEqual([0, 1, 2, 3]);
    const other = await consume(stream, { group });
    await fill(stream, 1);
    // Two partitions are to move; the other two are read on meanwhile, and none of the two is read by both.
    const more = await one.take();
    expect(partitionsOf(more)).toHaveLength(2);
    expect(await other.take()).toEqual([]);
    one.settle(held);
    const moved = [...(await other.take()), ...(await other.take())];
    expect(partitionsOf([...more, ...moved])).toEqual([0, 1, 2, 3]);
    expect(one.lost).toEqual([]);
  });

  test("wait for the leases of the old owner to end before a partition moves", async () => {
    const { world, stream } = await open(2);
    await fill(stream, 2);
    const one = await consume(stream, { group });
    const held = await one.take();
    const other = await consume(stream, { group });
    // There is something new to read in the partition that is to move, and nobody reads it yet.
    await fill(stream, 1);
    expect(await other.take()).toEqual([]);
    await world.clock.advance(leaseMs);
    await turn();
    // Its leases have ended, so it counts as stalled, and everything is the other's.
    expect(one.lost).toHaveLength(held.length);
    const taken = await drain(other);
    expect(taken.map((delivery) => delivery.attempt).toSorted()).toEqual([1, 1, 2, 2, 2, 2]);
  });

  test("that stall lose their partitions, and share again once they take", async () => {
    const { world, stream } = await open(2);
    const stalled = await consume(stream, { group });
    const working = await consume(stream, { group });
    await fill(stream, 1);
    expect(await stalled.take()).toHaveLength(1);
    working.settle(await working.take());
    await world.clock.advance(leaseMs);
    expect(stalled.lost).toHaveLength(1);
    expect(await drain(working)).toHaveLength(1);
    await stalled.take();
    await fill(stream, 1);
    expect(await stalled.take()).toHaveLength(1);
    expect(await working.take()).toHaveLength(1);
  });

  test("get the same partitions back when they return under the same name", async () => {
    const { stream } = await open(6);
    const join = (member: string): Promise<Consumer> => consume(stream, { group, member });
    const [, second, third] = [await join("a"), await join("b"), await join("c")];
    await fill(stream, 1);
    const before = { b: await second.take(), c: await third.take() };
    second.settle(before.b);
    third.settle(before.c);
    await second.source.close();
    await third.source.close();
    // They come back in another order.
    const thirdAgain = await join("c");
    const secondAgain = await join("b");
    await fill(stream, 1);
    expect(partitionsOf(await secondAgain.take())).toEqual(partitionsOf(before.b));
    expect(partitionsOf(await thirdAgain.take())).toEqual(partitionsOf(before.c));
  });

  test("that are more than the partitions wait until one is free", async () => {
    const { stream } = await open(1);
    const one = await consume(stream, { group });
    const other = await consume(stream, { group });
    await fill(stream, 1);
    const [deliveries, nothing] = [await one.take(), await other.take()];
    expect([deliveries.length, nothing.length]).toEqual([1, 0]);
    await one.source.close();
    await turn();
    expect(await other.take()).toHaveLength(1);
  });

  test("that stop give their partitions away as they settle", async () => {
    const { stream } = await open(2);
    const one = await consume(stream, { group });
    const other = await consume(stream, { group });
    await fill(stream, 2);
    const held = await one.take();
    other.settle(await other.take());
    one.source.stop();
    await fill(stream, 1);
    expect(partitionsOf(await drain(other))).toHaveLength(1);
    expect(one.settle(held)).toEqual([true, true]);
    expect(await drain(other)).toHaveLength(1);
  });

  test("read partitions that are added later from their beginning", async () => {
    const { world, stream } = await open(2);
    const consumer = await consume(stream, { group, from: "latest" });
    const wider = await world.stream("events", { partitions: 5 });
    expect(wider).toBe(stream);
    found.delete(stream);
    await fill(stream, 2);
    expect(partitionsOf(await drain(consumer))).toEqual([0, 1, 2, 3, 4]);
    await world.kill();
    const again = await world.stream("events", { partitions: 5 });
    expect(again.partitions).toHaveLength(5);
  });
});

describe("a group begins", () => {
  test.for([
    ["earliest", 10],
    ["latest", 0],
    [4n, 6],
    [1000n, 0],
  ] as const)("at %s", async ([from, count]) => {
    const { world, stream } = await open(1);
    await fill(stream, 10);
    const consumer = await consume(stream, { group, from });
    expect(await drain(consumer)).toHaveLength(count);
    await fill(stream, 1);
    expect(await drain(consumer)).toHaveLength(1);
    await world.kill();
    // It has begun: what `from` says is not asked again.
    const again = await world.stream("events", { partitions: 1 });
    expect(await drain(await consume(again, { group, from: "earliest" }))).toEqual([]);
  });

  test("at a date", async () => {
    const { world, stream } = await open(2);
    await fill(stream, 3);
    await world.clock.advance(1000);
    const from = new Date(world.clock.nowMs());
    await fill(stream, 2);
    expect(await drain(await consume(stream, { group, from }))).toHaveLength(4);
  });

  test("before its first message was settled, also after a crash", async () => {
    const { world, stream } = await open(1);
    await fill(stream, 5);
    await consume(stream, { group, from: "latest" });
    await fill(stream, 2);
    await world.cutPower();
    const again = await world.stream("events", { partitions: 1 });
    expect(await drain(await consume(again, { group, from: "earliest" }))).toHaveLength(2);
  });

  test("once, however many members begin it together", async () => {
    const { world, stream } = await open(2);
    await Promise.all([1, 2, 3].map(() => consume(stream, { group })));
    expect(await world.admin.groups("events")).toEqual([{ name: group, members: 3 }]);
  });
});

describe("a settlement of a stream's delivery", () => {
  test("is refused once its lease has ended", async () => {
    const { world, stream } = await open(1);
    await fill(stream, 1);
    const consumer = await consume(stream, { group });
    const [delivery] = await consumer.take();
    await world.clock.advance(leaseMs);
    expect(consumer.source.settle(delivery!, done)).toBe(false);
  });
});
