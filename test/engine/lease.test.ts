import { describe, expect, test } from "vitest";
import { consume, leaseMs, numbered, sendAll, texts, turn, World } from "./world.js";

describe("a lease", () => {
  test("that ends gives the message to somebody else, with a higher attempt", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["slow"]);
    const [one, other] = [await consume(queue), await consume(queue)];
    const [first] = await one.take();
    expect(await other.take()).toEqual([]);
    await world.clock.advance(leaseMs);
    const [second] = await other.take();
    expect(texts([second!])).toEqual(["slow"]);
    expect(second!.attempt).toBe(2);
    expect(second!.firstFailedAtMs).toBe(world.clock.nowMs());
    expect(one.lost).toEqual([first]);
  });

  test("that ends is told to its consumer in that moment, though nobody asks for a message", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["slow"]);
    const consumer = await consume(queue);
    const deliveries = await consumer.take();
    await world.clock.advance(leaseMs - 1);
    expect(consumer.lost).toEqual([]);
    await world.clock.advance(1);
    expect(consumer.lost).toEqual(deliveries);
  });

  test("holds until its very deadline", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["slow"]);
    const consumer = await consume(queue);
    const deliveries = await consumer.take();
    await world.clock.advance(leaseMs - 1);
    expect(consumer.lost).toEqual([]);
    expect(consumer.settle(deliveries)).toEqual([true]);
    await world.clock.advance(leaseMs * 2);
    expect(await consumer.take()).toEqual([]);
  });

  test("that has ended makes a settlement nothing", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["slow"]);
    const consumer = await consume(queue);
    const deliveries = await consumer.take();
    await world.clock.advance(leaseMs);
    expect(consumer.settle(deliveries)).toEqual([false]);
    expect(await consumer.take()).toHaveLength(1);
  });

  test("that is prolonged ends later; the others end when they would have", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, numbered(3));
    const consumer = await consume(queue);
    const deliveries = await consumer.take();
    await world.clock.advance(leaseMs - 1);
    consumer.source.extend(deliveries.slice(1, 2), leaseMs);
    await world.clock.advance(1);
    expect(texts(consumer.lost)).toEqual(["0", "2"]);
    await world.clock.advance(leaseMs - 2);
    expect(consumer.lost).toHaveLength(2);
    await world.clock.advance(1);
    expect(texts(consumer.lost)).toEqual(["0", "2", "1"]);
  });

  test("cannot be prolonged once it has ended", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["slow"]);
    const [one, other] = [await consume(queue), await consume(queue)];
    const deliveries = await one.take();
    await world.clock.advance(leaseMs);
    one.source.extend(deliveries, leaseMs);
    expect(await other.take()).toHaveLength(1);
  });

  test("may be shortened: leases end in the order of their deadlines, not of their beginnings", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, numbered(4));
    const consumer = await consume(queue);
    const deliveries = await consumer.take();
    consumer.source.extend(deliveries.slice(3), 10);
    consumer.source.extend(deliveries.slice(2, 3), 20);
    await world.clock.advance(10);
    expect(texts(consumer.lost)).toEqual(["3"]);
    await world.clock.advance(10);
    expect(texts(consumer.lost)).toEqual(["3", "2"]);
  });

  test("is measured in time that passes: a wall clock that is set ends none", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["slow"]);
    const consumer = await consume(queue);
    await consumer.take();
    world.clock.jump(365 * 86_400_000);
    await world.clock.advance(leaseMs - 1);
    expect(consumer.lost).toEqual([]);
    world.clock.jump(-2 * 365 * 86_400_000);
    await world.clock.advance(1);
    expect(consumer.lost).toHaveLength(1);
  });

  test("ends with the process: the next one gets the message, with a higher attempt", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, numbered(3));
    await (await consume(queue)).take(2);
    await turn();
    await world.kill();
    const consumer = await consume(await world.queue());
    const deliveries = await consumer.take();
    expect(texts(deliveries)).toEqual(numbered(3));
    expect(deliveries.map((delivery) => delivery.attempt)).toEqual([2, 2, 1]);
  });

  test("whose loss makes its consumer throw harms nobody else", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["slow"]);
    const onLost = (): void => {
      throw new Error("the consumer's own mistake");
    };
    const one = await consume(queue, { onLost });
    await one.take();
    const other = await consume(queue);
    await world.clock.advance(leaseMs);
    expect(await other.take()).toHaveLength(1);
  });
});
