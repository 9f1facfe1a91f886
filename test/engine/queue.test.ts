import { describe, expect, test } from "vitest";
import { consume, message, numbered, sendAll, texts, turn, World } from "./world.js";

describe("a queue", () => {
  test("hands out messages in the order they were sent", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, numbered(5));
    const consumer = await consume(queue);
    expect(texts(await consumer.take())).toEqual(numbered(5));
  });

  test("gives each message to one consumer only", async () => {
    const world = await World.open();
    const queue = await world.queue();
    const [one, other] = [await consume(queue), await consume(queue)];
    await sendAll(queue, numbered(100));
    const first = await one.take(60);
    const second = await other.take(60);
    expect(texts([...first, ...second])).toEqual(numbered(100));
    expect(await one.take()).toEqual([]);
  });

  test("gives no more than were asked for", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, numbered(10));
    const consumer = await consume(queue);
    expect(await consumer.take(3)).toHaveLength(3);
    expect(await consumer.take(3)).toHaveLength(3);
    expect(await consumer.take(30)).toHaveLength(4);
  });

  test("lets a take wait until a message comes", async () => {
    const world = await World.open();
    const queue = await world.queue();
    const consumer = await consume(queue);
    expect(await consumer.take()).toEqual([]);
    await queue.publish(message("late"));
    expect(texts(await consumer.take())).toEqual(["late"]);
  });

  test("serves first who has waited longest", async () => {
    const world = await World.open();
    const queue = await world.queue();
    const consumers = [await consume(queue), await consume(queue), await consume(queue)];
    const served: string[] = [];
    const waiting = consumers.map(async (consumer, index) => {
      const [delivery] = await consumer.source.take(1);
      served.push(`${index}:${texts([delivery!]).join()}`);
    });
    await turn();
    for (const value of ["a", "b", "c"]) await queue.publish(message(value));
    await Promise.all(waiting);
    expect(served).toEqual(["0:a", "1:b", "2:c"]);
  });

  test("forgets a message once it is settled, in this life and the next", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, numbered(10));
    const consumer = await consume(queue);
    const deliveries = await consumer.take();
    consumer.settle(deliveries.filter((_, index) => index % 2 === 0));
    await consumer.source.flush();
    await world.cutPower();
    const next = await consume(await world.queue());
    expect(texts(await next.take())).toEqual(["1", "3", "5", "7", "9"]);
  });

  test("settles a message once", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["only"]);
    const consumer = await consume(queue);
    const deliveries = await consumer.take();
    expect(consumer.settle(deliveries)).toEqual([true]);
    expect(consumer.settle(deliveries)).toEqual([false]);
  });

  test("lets nobody settle what another consumer has", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["mine"]);
    const [one, other] = [await consume(queue), await consume(queue)];
    const deliveries = await one.take();
    expect(other.settle(deliveries)).toEqual([false]);
    expect(one.settle(deliveries)).toEqual([true]);
  });

  test("brings a message as it was sent", async () => {
    const world = await World.open();
    const queue = await world.queue();
    const headers = { trace: "7", __proto__x: "no" };
    const receipt = await queue.publish(message("größe", { id: "an id", key: "a key", headers }));
    await queue.publish({ ...message(""), value: new Uint8Array([0, 255]) });
    expect(receipt.id).toBe("an id");
    const consumer = await consume(queue);
    const [first, second] = await consumer.take();
    expect(texts([first!])).toEqual(["größe"]);
    expect(first).toMatchObject({
      id: "an id",
      key: "a key",
      partition: 0,
      offset: 0n,
      attempt: 1,
      firstFailedAtMs: undefined,
    });
    expect({ ...first!.headers }).toEqual(headers);
    expect(first!.sentAtMs).toBe(world.clock.nowMs());
    expect(second).toMatchObject({ id: "work/0/1", key: undefined, offset: 1n });
    expect([...second!.value]).toEqual([0, 255]);
  });

  test("tells where each message was stored", async () => {
    const world = await World.open();
    const queue = await world.queue();
    const receipts = await queue.publishAll([message("a"), message("b", { id: "given" })]);
    expect(
      receipts.map(({ id, partition, offset, duplicate, dropped }) => ({ id, partition, offset, duplicate, dropped })),
    ).toEqual([
      { id: "work/0/0", partition: 0, offset: 0n, duplicate: false, dropped: false },
      { id: "given", partition: 0, offset: 1n, duplicate: false, dropped: false },
    ]);
  });

  test("answers a waiting take with nothing when its source stops", async () => {
    const world = await World.open();
    const queue = await world.queue();
    const consumer = await consume(queue);
    const taking = consumer.source.take(1);
    consumer.source.stop();
    expect(await taking).toEqual([]);
    await sendAll(queue, ["later"]);
    expect(await consumer.source.take(1)).toEqual([]);
  });

  test("lets a stopped source settle what it has", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["kept"]);
    const consumer = await consume(queue);
    const deliveries = await consumer.take();
    consumer.source.stop();
    expect(consumer.settle(deliveries)).toEqual([true]);
  });

  test("gives what a closed source had to the next, in order and uncounted", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, numbered(6));
    const one = await consume(queue);
    one.settle((await one.take(5)).slice(1, 2));
    const other = await consume(queue);
    await one.source.close();
    await turn();
    const deliveries = await other.take();
    expect(texts(deliveries)).toEqual(["0", "2", "3", "4", "5"]);
    expect(deliveries.map((delivery) => delivery.attempt)).toEqual([1, 1, 1, 1, 1]);
  });

  test("keeps its order through 10,000 messages, restarts and small segments", async () => {
    const world = await World.open();
    for (let round = 0; round < 5; round++) {
      const queue = await world.queue();
      await sendAll(queue, numbered(2000, round * 2000));
      await world.kill();
    }
    const consumer = await consume(await world.queue());
    const values: string[] = [];
    while (values.length < 10_000) {
      const deliveries = await consumer.take(700);
      values.push(...texts(deliveries));
      consumer.settle(deliveries);
    }
    expect(values).toEqual(numbered(10_000));
  });
});
