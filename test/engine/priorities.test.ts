import { describe, expect, test } from "vitest";
import type { QueueChannel } from "../../src/engine/queue-channel.js";
import { consume, leaseMs, message, release, retry, texts, turn, World } from "./world.js";

/** "2c" is the message "c" of priority 2. */
async function send(queue: QueueChannel, ...messages: readonly string[]): Promise<void> {
  for (const each of messages) await queue.publish(message(each, { priority: Number(each[0]) }));
}

describe("a queue with priorities", () => {
  test("hands out the higher priority first, each in order of arrival", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { priorities: 3 });
    await send(queue, "1a", "3a", "2a", "1b", "2b", "3b");
    const consumer = await consume(queue);
    expect(texts(await consumer.take())).toEqual(["3a", "3b", "2a", "2b", "1a", "1b"]);
  });

  test("takes a message without a priority for one of the lowest", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { priorities: 2 });
    await queue.publishAll([message("plain"), message("urgent", { priority: 2 })]);
    const consumer = await consume(queue);
    expect(texts(await consumer.take())).toEqual(["urgent", "plain"]);
  });

  test("lets an urgent message overtake what waits, and wakes who waits for any", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { priorities: 2 });
    await send(queue, "1a", "1b", "1c");
    const consumer = await consume(queue);
    expect(texts(await consumer.take(1))).toEqual(["1a"]);
    await send(queue, "2a");
    expect(texts(await consumer.take())).toEqual(["2a", "1b", "1c"]);
    expect(await consumer.take()).toEqual([]);
    await send(queue, "1d");
    expect(texts(await consumer.take())).toEqual(["1d"]);
  });

  test("keeps the priority of a message that is retried, given back or lost", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { priorities: 3 });
    await send(queue, "1a", "2a", "3a", "2b");
    const consumer = await consume(queue);
    const [three, two, two2, one] = await consumer.take();
    consumer.settle([two!], retry(0));
    consumer.settle([one!], release);
    await turn();
    expect(texts(await consumer.take())).toEqual(["2a", "1a"]);
    await world.clock.advance(leaseMs);
    expect(consumer.lost).toHaveLength(4);
    const again = await consumer.take();
    expect(texts(again)).toEqual(["3a", "2a", "2b", "1a"]);
    expect(again.map((delivery) => delivery.attempt)).toEqual([2, 3, 2, 2]);
    expect([three!.id, two!.id, two2!.id, one!.id]).toEqual(["work/2/0", "work/1/0", "work/1/1", "work/0/0"]);
  });

  test("knows everything again after it was killed", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { priorities: 2 });
    await send(queue, "1a", "1b", "2a", "2b");
    const consumer = await consume(queue);
    const [first, second] = await consumer.take(2);
    consumer.settle([first!]);
    consumer.settle([second!], retry(1000));
    await turn();
    await world.kill();
    const again = await consume(await world.queue("work", { priorities: 2 }));
    expect(texts(await again.take())).toEqual(["1a", "1b"]);
    await world.clock.advance(1000);
    expect(texts(await again.take())).toEqual(["2b"]);
  });

  test("has one bound for all of them", async () => {
    const world = await World.open();
    const capacity = { messages: 3, bytes: Infinity, whenFull: "reject" } as const;
    const queue = await world.queue("work", { priorities: 2, capacity });
    await send(queue, "1a", "2a", "1b");
    await expect(send(queue, "2b")).rejects.toMatchObject({ code: "QUEUE_FULL" });
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(1));
    await send(queue, "2b");
    expect(queue.depth).toBe(3);
    expect(await world.admin.stats("work")).toMatchObject({ messages: 3, ready: 3, sent: 4 });
  });

  test("gives back the disk of each", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { priorities: 2 });
    for (let each = 0; each < 100; each++) await send(queue, `1${"x".repeat(500)}`, `2${"x".repeat(500)}`);
    const consumer = await consume(queue);
    consumer.settle(await consumer.take());
    await turn();
    expect(queue.partitions.map((partition) => partition.bytes)).toEqual([0, 0]);
  });

  test("cannot get more or fewer of them, but another share", async () => {
    const world = await World.open();
    await world.queue("work", { priorities: 2 });
    await expect(world.queue("work", { priorities: 3 })).rejects.toMatchObject({ code: "CHANNEL_MISMATCH" });
    const queue = await world.queue("work", { priorities: 2, priorityShare: 0.5 });
    await send(queue, "1a", "1b", "1c", "2a", "2b", "2c");
    const consumer = await consume(queue);
    expect(texts(await consumer.take())).toEqual(["2a", "1a", "2b", "1b", "2c", "1c"]);
    await world.kill();
    expect((await world.admin.describe("work"))?.priorityShare).toBe(0.5);
  });

  test("shows what waits in the order in which it will be handed out, page by page, and removes any of it", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { priorities: 2 });
    await queue.publishAll([message("1a", { id: "a" }), message("1b"), message("2a", { id: "c", priority: 2 })]);
    const page = async (after?: string): Promise<string[]> =>
      texts(await world.admin.peek("work", { group: "", limit: 2, after }));
    expect(await page()).toEqual(["2a", "1a"]);
    expect(await page("a")).toEqual(["1b"]);
    expect(await page("c")).toEqual(["1a", "1b"]);
    const removals = ["c", "work/0/1"].map((id) => ({ id, sends: [] }));
    expect(await world.admin.remove("work", removals)).toEqual(["c", "work/0/1"]);
    expect(await page()).toEqual(["1a"]);
    expect((await world.admin.lag("work", "")).map((each) => [each.partition, each.messages])).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });
});

describe("the share of the lowest", () => {
  test.for([
    [0, "222222222"],
    [0.1, "222222222122222222212"],
    [0.25, "222122212221"],
    [0.5, "212121"],
  ] as const)("%d: in the order that its count says, however many are taken at once", async ([share, order]) => {
    for (const atOnce of [1, 3, 100]) {
      const world = await World.open();
      const queue = await world.queue("work", { priorities: 2, priorityShare: share });
      await queue.publishAll(
        Array.from({ length: 60 }, (_, each) => message(String(1 + (each % 2)), { priority: 1 + (each % 2) })),
      );
      const consumer = await consume(queue);
      let said = "";
      while (said.length < order.length) said += texts(await consumer.take(atOnce)).join("");
      expect(said.slice(0, order.length)).toBe(order);
    }
  });

  test("goes to others while the lowest have nothing, and takes nothing from anybody", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { priorities: 3, priorityShare: 0.5 });
    await send(queue, "3a", "3b", "2a", "2b");
    const consumer = await consume(queue);
    expect(texts(await consumer.take())).toEqual(["3a", "2a", "3b", "2b"]);
  });
});
