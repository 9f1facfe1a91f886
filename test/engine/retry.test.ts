import { describe, expect, test } from "vitest";
import { consume, numbered, release, retry, sendAll, texts, turn, World } from "./world.js";

describe("a retry", () => {
  test("brings the message back after its delay and not before, with a higher attempt", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["again"]);
    const consumer = await consume(queue);
    const failedAtMs = world.clock.nowMs();
    consumer.settle(await consumer.take(), retry(5_000));
    await world.clock.advance(4_999);
    expect(await consumer.take()).toEqual([]);
    await world.clock.advance(1);
    const [delivery] = await consumer.take();
    expect(delivery).toMatchObject({ attempt: 2, firstFailedAtMs: failedAtMs });
  });

  test("without a delay brings it back at once", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["again"]);
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(), retry());
    expect((await consumer.take())[0]).toMatchObject({ attempt: 2 });
  });

  test("that is free of charge counts no attempt", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["again"]);
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(), retry(10, false));
    await world.clock.advance(10);
    expect((await consumer.take())[0]).toMatchObject({ attempt: 1, firstFailedAtMs: undefined });
  });

  test("remembers when the message failed for the first time", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["again"]);
    const consumer = await consume(queue);
    const failedAtMs = world.clock.nowMs();
    for (const attempt of [1, 2, 3]) {
      const deliveries = await consumer.take();
      expect(deliveries[0]?.attempt).toBe(attempt);
      consumer.settle(deliveries, retry(100));
      await world.clock.advance(100);
    }
    await world.kill();
    const next = await consume(await world.queue());
    expect((await next.take())[0]).toMatchObject({ attempt: 4, firstFailedAtMs: failedAtMs });
  });

  test("holds up no other message", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, numbered(3));
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(1), retry(1000));
    expect(texts(await consumer.take())).toEqual(["1", "2"]);
  });

  test("comes before fresh messages once it is due, the earliest due first", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, numbered(5));
    const consumer = await consume(queue);
    const deliveries = await consumer.take(3);
    consumer.settle(deliveries.slice(0, 1), retry(30));
    consumer.settle(deliveries.slice(1, 2), retry(10));
    consumer.settle(deliveries.slice(2, 3), retry(20));
    await world.clock.advance(30);
    expect(texts(await consumer.take())).toEqual(["1", "2", "0", "3", "4"]);
  });

  test("waits out the rest of its delay after a restart", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["again"]);
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(), retry(10_000));
    await world.clock.advance(4_000);
    await world.kill();
    const next = await consume(await world.queue());
    await world.clock.advance(5_999);
    expect(await next.take()).toEqual([]);
    await world.clock.advance(1);
    expect((await next.take())[0]).toMatchObject({ attempt: 2 });
  });

  test("is due in time that passes: a wall clock that is set fires nothing early", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["again"]);
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(), retry(10_000));
    await turn();
    world.clock.jump(86_400_000);
    await world.clock.advance(9_999);
    expect(await consumer.take()).toEqual([]);
    await world.clock.advance(1);
    expect(await consumer.take()).toHaveLength(1);
  });

  test("of a message that nobody takes for a while is there when somebody does", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["again"]);
    const one = await consume(queue);
    one.settle(await one.take(), retry(1_000));
    one.source.stop();
    await world.clock.advance(60_000);
    expect(await (await consume(queue)).take()).toHaveLength(1);
  });

  test("can be repeated until the message is settled, also across restarts, and its count never goes down", async () => {
    const world = await World.open();
    let queue = await world.queue();
    await sendAll(queue, ["again"]);
    for (let attempt = 1; attempt <= 20; attempt++) {
      const consumer = await consume(queue);
      const deliveries = await consumer.take();
      expect(deliveries[0]?.attempt).toBe(attempt);
      consumer.settle(deliveries, retry());
      await turn();
      if (attempt % 3 === 0) await world.kill();
      else if (attempt % 3 === 1) await world.restart();
      else await consumer.source.close();
      queue = await world.queue();
    }
  });
});

describe("a release", () => {
  test("gives the message back at once, as if it had never been delivered", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, numbered(3));
    const consumer = await consume(queue);
    consumer.settle((await consumer.take()).slice(1, 2), release);
    const [delivery] = await consumer.take();
    expect(texts([delivery!])).toEqual(["1"]);
    expect(delivery).toMatchObject({ attempt: 1, firstFailedAtMs: undefined });
  });

  test("keeps the attempts that came before it", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["again"]);
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(), retry());
    consumer.settle(await consumer.take(), release);
    expect((await consumer.take())[0]).toMatchObject({ attempt: 2 });
    await turn();
    await world.kill();
    const next = await consume(await world.queue());
    expect((await next.take())[0]).toMatchObject({ attempt: 3 });
  });
});
