import { describe, expect, test } from "vitest";
import type { Logger } from "../../src/base/logger.js";
import { partitionOfKey } from "../../src/engine/partitioner.js";
import { consume, done, message, numbered, sendAll, texts, turn, World } from "./world.js";

const kilobyte = "x".repeat(1000);
const minuteMs = 60_000;

describe("a stream's retention", () => {
  test("gives up segments whose newest record is too old, and the last one too when all of it is", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { retention: { timeMs: 10 * minuteMs, bytes: Infinity } });
    const [partition] = stream.partitions;
    for (let each = 0; each < 100; each++) await stream.publish(message(kilobyte));
    await world.clock.advance(6 * minuteMs);
    for (let each = 0; each < 100; each++) await stream.publish(message(kilobyte));
    await world.clock.advance(5 * minuteMs);
    expect(partition!.startOffset).toBeGreaterThan(50);
    expect(partition!.startOffset).toBeLessThanOrEqual(100);
    await world.clock.advance(7 * minuteMs);
    expect(partition!.startOffset).toBe(200);
    expect(partition!.bytes).toBe(0);
  });

  test("gives up the oldest segments of a stream that is too large", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { retention: { timeMs: Infinity, bytes: 50_000 } });
    const [partition] = stream.partitions;
    for (let each = 0; each < 300; each++) await stream.publish(message(kilobyte));
    expect(partition!.bytes).toBeLessThan(50_000 + 2 * 16_384 + 5_000);
    await world.clock.advance(minuteMs);
    expect(partition!.bytes).toBeLessThan(50_000 + 16_384 + 5_000);
    expect(partition!.bytes).toBeGreaterThan(40_000);
    expect(partition!.endOffset).toBe(300);
  });

  test("moves groups on that had not read what is gone", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { retention: { timeMs: 10 * minuteMs, bytes: Infinity } });
    const consumer = await consume(stream, { group: "slow" });
    await sendAll(stream, numbered(10));
    expect(texts(await consumer.take(2))).toEqual(["0", "1"]);
    await world.clock.advance(12 * minuteMs);
    await sendAll(stream, ["fresh"]);
    expect(await world.admin.lag("events", "slow")).toMatchObject([{ messages: 1 }]);
    expect(texts(await consumer.take())).toEqual(["fresh"]);
  });

  test("tells of a group that lagged how many messages it missed", async () => {
    const said: [object, string][] = [];
    const logger: Logger = {
      debug: () => {},
      info: () => {},
      warn: (fields, text) => void said.push([fields, text]),
      error: () => {},
    };
    const world = await World.open({ logger });
    const stream = await world.stream("events", { retention: { timeMs: minuteMs, bytes: Infinity } });
    const consumer = await consume(stream, { group: "slow" });
    await sendAll(stream, numbered(10));
    const held = await consumer.take(3);
    consumer.settle(held.slice(0, 2));
    await world.clock.advance(3 * minuteMs);
    await consumer.take();
    expect(said).toContainEqual([
      { channel: "events", group: "slow", partition: 0, messages: 8 },
      "messages were gone before the group had read them: expired, or damaged",
    ]);
  });

  test("keeps what is not too old, whole segments of it, and as many bytes as are declared", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { retention: { timeMs: Infinity, bytes: 40 * 1024 } });
    for (let each = 0; each < 200; each++) await stream.publish(message(kilobyte));
    await world.engine.keeper.pass();
    await world.engine.log.flush();
    const kept = stream.partitions[0]!.segments().reduce((sum, { bytes }) => sum + bytes, 0);
    // What goes is a segment at a time: so more than is declared is kept, but not by a whole one.
    expect(kept).toBeGreaterThanOrEqual(40 * 1024);
    expect(kept).toBeLessThan((40 + 16) * 1024);
  });

  test("applies to streams that nobody has declared in this process", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { retention: { timeMs: minuteMs, bytes: Infinity } });
    await sendAll(stream, numbered(10));
    await world.restart();
    await world.clock.advance(3 * minuteMs);
    expect(await world.admin.stats("events")).toMatchObject({ messages: 0, bytes: 0 });
  });

  test("applies to all partitions of such a stream, also when the first one is empty", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { partitions: 4, retention: { timeMs: minuteMs, bytes: Infinity } });
    const keys = ["a", "b", "c", "d", "e", "f"].filter((key) => partitionOfKey(key, 4) > 0);
    for (const key of keys) await stream.publish(message("record", { key }));
    await world.restart();
    await world.clock.advance(3 * minuteMs);
    expect(await world.admin.stats("events")).toMatchObject({ messages: 0, bytes: 0 });
  });

  test("survives a restart: what is gone does not come back", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { retention: { timeMs: minuteMs, bytes: Infinity } });
    for (let each = 0; each < 50; each++) await stream.publish(message(kilobyte));
    await world.clock.advance(3 * minuteMs);
    await stream.publish(message("kept"));
    await world.restart();
    const again = await consume(await world.stream("events", { retention: { timeMs: minuteMs, bytes: Infinity } }), {
      group: "g",
    });
    expect(texts(await again.take())).toEqual(["kept"]);
  });
});

describe("a durable topic's retention", () => {
  test("counts as long as no group reads it", async () => {
    const world = await World.open();
    const topic = await world.topic("news", { retention: { timeMs: minuteMs, bytes: Infinity } });
    await sendAll(topic, ["old"]);
    await world.clock.advance(3 * minuteMs);
    const consumer = await consume(topic, { group: "g" });
    await sendAll(topic, ["new"]);
    await world.clock.advance(3 * minuteMs);
    expect(texts(await consumer.take())).toEqual(["new"]);
  });

  test("keeps everything for the first group that comes, however many segments it takes", async () => {
    const world = await World.open();
    const topic = await world.topic("news");
    for (let each = 0; each < 100; each++) await topic.publish(message(kilobyte));
    await world.engine.keeper.pass();
    const consumer = await consume(topic, { group: "g" });
    expect(await consumer.take()).toHaveLength(100);
  });
});

describe("a queue", () => {
  test("frees its disk as its messages are settled", async () => {
    const world = await World.open();
    const queue = await world.queue();
    for (let each = 0; each < 300; each++) await queue.publish(message(kilobyte));
    const before = queue.work.lanes[0]?.source.bytes ?? 0;
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(200));
    await world.clock.advance(minuteMs);
    expect(queue.work.lanes[0]?.source.bytes).toBeLessThan(before * 0.5);
    consumer.settle(await consumer.take());
    await turn();
    expect(queue.work.lanes[0]?.source.bytes).toBe(0);
  });

  test("is not pinned to the disk by one stuck message", async () => {
    const world = await World.open();
    const queue = await world.queue();
    for (let each = 0; each < 300; each++) await queue.publish(message(each === 5 ? "stuck" : kilobyte));
    const consumer = await consume(queue);
    const deliveries = await consumer.take();
    for (const delivery of deliveries) if (texts([delivery])[0] !== "stuck") consumer.source.settle(delivery, done);
    const before = queue.work.lanes[0]?.source.bytes ?? 0;
    await world.engine.keeper.pass();
    await turn();
    expect(queue.work.lanes[0]?.source.bytes).toBeLessThan(before * 0.2);
    await world.kill();
    const again = await consume(await world.queue());
    expect(texts(await again.take())).toEqual(["stuck"]);
  });

  test("is not rewritten time and again when nothing changes", async () => {
    const world = await World.open();
    const queue = await world.queue();
    for (let each = 0; each < 200; each++) await queue.publish(message(kilobyte));
    const consumer = await consume(queue);
    const deliveries = await consumer.take();
    for (const [index, delivery] of deliveries.entries()) if (index % 6 !== 0) consumer.source.settle(delivery, done);
    await world.engine.keeper.pass();
    for (let each = 0; each < 20; each++) await turn();
    const before = world.disk.calls;
    await world.engine.keeper.pass();
    expect(world.disk.calls - before).toBe(0);
  });
});

describe("looking after a closed engine", () => {
  test("has ended", async () => {
    const world = await World.open();
    await world.queue();
    await world.engine.close();
    expect(world.clock.timers).toBe(0);
  });
});
