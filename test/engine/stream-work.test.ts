/** A stream's group whose messages are settled each by itself. */
import { describe, expect, test } from "vitest";
import { silentLogger } from "../../src/base/logger.js";
import { partitionOfKey } from "../../src/engine/partitioner.js";
import type { StreamChannel } from "../../src/engine/stream-channel.js";
import type { ConsumeOptions } from "../../src/engine/message.js";
import { type Consumer, consume, errorOf, leaseMs, message, numbered, retry, sendAll, texts, World } from "./world.js";

const each = { group: "g", settle: "each" } as const;

function member(stream: StreamChannel, options: Partial<ConsumeOptions> = {}): Promise<Consumer> {
  return consume(stream, { ...each, ...options });
}

/** Two messages in each of three partitions: "0a" and "0b" in the first, and so on. */
async function threePartitions(world: World): Promise<StreamChannel> {
  const stream = await world.stream("events", { partitions: 3 });
  const keys = Array.from("abcdefghijkl");
  for (const partition of [0, 1, 2]) {
    const key = keys.find((each) => partitionOfKey(each, 3) === partition)!;
    await stream.publishAll(["a", "b"].map((name) => message(`${partition}${name}`, { key })));
  }
  return stream;
}

describe("a group of a stream that settles each message by itself", () => {
  test("hands out messages of all partitions to all members", async () => {
    const world = await World.open();
    const stream = await threePartitions(world);
    const [one, other] = [await member(stream), await member(stream)];
    const first = await one.take(3);
    const second = await other.take();
    expect(texts([...first, ...second]).toSorted()).toEqual(["0a", "0b", "1a", "1b", "2a", "2b"]);
    expect(new Set(first.map(({ partition }) => partition)).size).toBe(3);
  });

  test("lets a message that fails hold up nothing of its partition, and counts its attempts", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { partitions: 1 });
    await sendAll(stream, numbered(3));
    const consumer = await member(stream);
    const [first] = await consumer.take(1);
    consumer.settle([first!], retry(10_000));
    const rest = await consumer.take();
    expect(texts(rest)).toEqual(["1", "2"]);
    consumer.settle(rest);
    await consumer.source.flush();
    await world.kill();
    const after = await member(await world.stream("events", { partitions: 1 }));
    expect(await after.take()).toEqual([]);
    await world.clock.advance(10_000);
    const again = await after.take();
    expect(again.map(({ attempt, offset }) => [attempt, offset])).toEqual([[2, 0n]]);
    after.settle(again);
    expect((await world.admin.lag("events", "g")).map(({ messages }) => messages)).toEqual([0]);
  });

  test("gives a message back when its lease ends, without moving a partition", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { partitions: 1 });
    await sendAll(stream, ["x", "y"]);
    const [hanging, other] = [await member(stream), await member(stream)];
    expect(texts(await hanging.take(1))).toEqual(["x"]);
    const y = await other.take();
    expect(texts(y)).toEqual(["y"]);
    other.settle(y);
    await world.clock.advance(leaseMs);
    expect(texts(await other.take())).toEqual(["x"]);
    expect(texts(hanging.lost)).toEqual(["x"]);
  });

  test("shares the stream with groups that read it in order", async () => {
    const world = await World.open();
    const stream = await threePartitions(world);
    const consumer = await member(stream);
    consumer.settle(await consumer.take());
    expect(await (await consume(stream, { group: "in order" })).take()).toHaveLength(6);
  });

  test("reads partitions that are added while it works", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { partitions: 1 });
    const consumer = await member(stream);
    expect(await consumer.take()).toEqual([]);
    await world.stream("events", { partitions: 4 });
    await stream.publishAll(["a", "b", "c", "d"].map((key) => message(key, { key })));
    const taken = [...(await consumer.take()), ...(await consumer.take())];
    expect(texts(taken).toSorted()).toEqual(["a", "b", "c", "d"]);
    expect(new Set(taken.map(({ partition }) => partition)).size).toBeGreaterThan(1);
  });

  test("is moved like any other, in one partition or in all", async () => {
    const world = await World.open();
    const stream = await threePartitions(world);
    const consumer = await member(stream);
    consumer.settle(await consumer.take());
    await world.admin.seek("events", { group: "g", to: "earliest", partition: 1 });
    const again = await consumer.take();
    expect(again.map(({ partition, replay }) => [partition, replay])).toEqual([
      [1, true],
      [1, true],
    ]);
  });

  test("misses what retention takes away before it was settled, and says how much", async () => {
    const warnings: object[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) };
    const world = await World.open({ logger });
    const stream = await world.stream("events", { partitions: 1, retention: { timeMs: 60_000, bytes: Infinity } });
    await sendAll(
      stream,
      numbered(10).map((each) => each.padEnd(4_000, ".")),
    );
    const consumer = await member(stream);
    const taken = await consumer.take(4);
    consumer.settle(taken.slice(0, 2));
    consumer.settle(taken.slice(2, 3), retry(3_600_000));
    for (let minute = 0; minute < 10; minute++) await world.clock.advance(60_000);
    await sendAll(stream, ["new"]);
    await world.engine.keeper.pass();
    expect(stream.partitions[0]!.startOffset).toBeGreaterThan(0);
    const { startOffset } = stream.partitions[0]!;
    const rest = await consumer.take();
    expect(rest.map(({ offset }) => Number(offset))).toEqual(
      Array.from({ length: 11 - startOffset }, (_, index) => startOffset + index),
    );
    const missed = warnings.filter((each) => "messages" in each).map((each) => (each as { messages: number }).messages);
    expect(missed.reduce((sum, count) => sum + count, 0)).toBe(startOffset - 2);
  });
});

describe("how a group settles", () => {
  test("belongs to the group, and is stored with it: a consumer that says otherwise is refused", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { partitions: 1 });
    await member(stream);
    await consume(stream, { group: "in order" });
    for (const reopened of [false, true]) {
      if (reopened) await world.restart();
      const again = reopened ? await world.stream("events", { partitions: 1 }) : stream;
      expect(await errorOf(consume(again, { group: "g" }))).toMatchObject({ code: "CHANNEL_MISMATCH" });
      expect(await errorOf(member(again, { group: "in order" }))).toMatchObject({ code: "CHANNEL_MISMATCH" });
      await member(again);
    }
  });

  test("is decided by the first of several that come at once", async () => {
    const world = await World.open();
    const stream = await world.stream();
    const [one, other] = await Promise.allSettled([member(stream), consume(stream, { group: "g" })]);
    expect([one.status, other.status]).toEqual(["fulfilled", "rejected"]);
  });
});
