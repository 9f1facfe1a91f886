import { describe, expect, test } from "vitest";
import type { CapacitySpec } from "../../src/engine/channel-spec.js";
import type { PublishOptions } from "../../src/engine/message.js";
import { consume, done, errorOf, message, numbered, sendAll, texts, turn, World } from "./world.js";

const forEver: PublishOptions = { signal: undefined, timeoutMs: Infinity };

const bounded = (
  messages: number,
  whenFull: CapacitySpec["whenFull"] = "block",
  bytes = Infinity,
): { capacity: CapacitySpec } => ({
  capacity: { messages, bytes, whenFull },
});

/** Whether the promise is still open after everything had its turn. */
async function waits(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol("open");
  return (
    (await Promise.race([
      promise,
      turn()
        .then(turn)
        .then(() => open),
    ])) === open
  );
}

describe("a full queue that blocks", () => {
  test("lets sends wait until a message is settled, one for each", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(3));
    await sendAll(queue, numbered(3));
    const [fourth, fifth] = [queue.publish(message("3")), queue.publish(message("4"))];
    expect(await waits(fourth)).toBe(true);
    const consumer = await consume(queue);
    const deliveries = await consumer.take(2);
    expect(await waits(fourth)).toBe(true);
    consumer.source.settle(deliveries[0]!, done);
    await fourth;
    expect(await waits(fifth)).toBe(true);
    expect(queue.depth).toBe(3);
    consumer.source.settle(deliveries[1]!, done);
    await fifth;
  });

  test("is never fuller than it may be, however many send at once", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(5));
    const sends = numbered(50).map((each) => queue.publish(message(each)));
    const consumer = await consume(queue);
    let settled = 0;
    while (settled < 50) {
      expect(queue.depth).toBeLessThanOrEqual(5);
      const deliveries = await consumer.take(3);
      consumer.settle(deliveries);
      settled += deliveries.length;
    }
    await Promise.all(sends);
  });

  test("lets in first who has waited longest: a small send does not overtake a large one", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(4));
    await sendAll(queue, numbered(3));
    const large = queue.publishAll(numbered(3, 100).map((each) => message(each)));
    const small = queue.publish(message("small"));
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(1));
    expect(await waits(small)).toBe(true);
    consumer.settle(await consumer.take(1));
    await large;
    expect(await waits(small)).toBe(true);
    consumer.settle(await consumer.take(1));
    await small;
    expect(texts(await consumer.take())).toEqual(["100", "101", "102", "small"]);
  });

  test("ends a wait at its time limit, with nothing sent", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(1));
    await sendAll(queue, ["1"]);
    const late = queue.publish(message("2"), { signal: undefined, timeoutMs: 1000 });
    const refused = errorOf(late);
    await world.clock.advance(1000);
    expect(await refused).toMatchObject({ code: "TIMEOUT" });
    const consumer = await consume(queue);
    consumer.settle(await consumer.take());
    expect(await consumer.take()).toEqual([]);
  });

  test("ends a wait when its signal aborts, with nothing sent, and lets the next one in", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(2));
    await sendAll(queue, ["1"]);
    const stop = new AbortController();
    const large = queue.publishAll(
      numbered(2).map((each) => message(each)),
      { signal: stop.signal, timeoutMs: Infinity },
    );
    const small = queue.publish(message("small"));
    const refused = errorOf(large);
    expect(await waits(small)).toBe(true);
    stop.abort();
    expect(await refused).toMatchObject({ code: "ABORTED" });
    await small;
  });

  test("refuses at once when there is no time, or the signal has aborted before", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(1));
    await sendAll(queue, ["1"]);
    const aborted = AbortSignal.abort();
    await expect(queue.publish(message("2"), { signal: undefined, timeoutMs: 0 })).rejects.toMatchObject({
      code: "TIMEOUT",
    });
    await expect(queue.publish(message("2"), { signal: aborted, timeoutMs: Infinity })).rejects.toMatchObject({
      code: "ABORTED",
    });
  });

  test("takes a batch that is larger than itself as consumers make room", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(10));
    const sending = queue.publishAll(numbered(35).map((each) => message(each)));
    const consumer = await consume(queue);
    const values: string[] = [];
    while (values.length < 35) {
      const deliveries = await consumer.take();
      expect(queue.depth).toBeLessThanOrEqual(10);
      values.push(...texts(deliveries));
      consumer.settle(deliveries);
    }
    expect(values).toEqual(numbered(35));
    expect((await sending).map((receipt) => Number(receipt.offset))).toEqual(numbered(35).map(Number));
  });

  test("tells when there is room, in turn with those who send", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(1));
    expect(queue.room(forEver)).toBe(undefined);
    await sendAll(queue, ["1"]);
    const room = queue.room(forEver)!;
    expect(await waits(room)).toBe(true);
    const consumer = await consume(queue);
    consumer.settle(await consumer.take());
    await room;
  });

  test("refuses those who wait when it closes", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(1));
    await sendAll(queue, ["1"]);
    const refused = errorOf(queue.publish(message("2")));
    await world.engine.close();
    expect(await refused).toMatchObject({ code: "CLOSED" });
  });

  test("knows after a restart how full it is, without reading what it holds", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(10));
    await sendAll(queue, numbered(10));
    const consumer = await consume(queue);
    consumer.settle((await consumer.take()).filter((_, index) => index % 3 === 1));
    await consumer.source.flush();
    await world.cutPower();
    const again = await world.queue("work", bounded(10));
    expect(again.depth).toBe(7);
    await sendAll(again, numbered(3));
    expect(await waits(again.publish(message("more")))).toBe(true);
  });

  test("lets more in when it is declared larger", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(1));
    await sendAll(queue, ["1"]);
    const second = queue.publish(message("2"));
    expect(await waits(second)).toBe(true);
    await world.queue("work", bounded(2));
    await second;
  });
});

describe("a full queue that rejects", () => {
  test("refuses a send with QUEUE_FULL, with nothing sent", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(2, "reject"));
    await sendAll(queue, ["1"]);
    await expect(sendAll(queue, ["2", "3"])).rejects.toMatchObject({ code: "QUEUE_FULL", retryable: true });
    await expect(sendAll(queue, numbered(30))).rejects.toMatchObject({ code: "QUEUE_FULL" });
    await sendAll(queue, ["2"]);
    expect(texts(await (await consume(queue)).take())).toEqual(["1", "2"]);
  });
});

describe("a queue that is bounded in bytes", () => {
  const value = "x".repeat(1000);

  test("takes as much as fits, and more once messages are settled", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(1000, "reject", 5000));
    for (let each = 0; each < 4; each++) await queue.publish(message(value));
    await expect(queue.publish(message(value))).rejects.toMatchObject({ code: "QUEUE_FULL" });
    await queue.publish(message("small"));
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(1));
    await queue.publish(message(value));
    await expect(queue.publish(message(value))).rejects.toMatchObject({ code: "QUEUE_FULL" });
  });

  test("counts the same after a crash, and nothing once it is empty", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(1000, "reject", 5000));
    for (let each = 0; each < 4; each++)
      await queue.publish(message(value, { key: "k", headers: { a: "b" }, id: `${each}` }));
    const before = queue.work.bytes;
    await world.cutPower();
    const again = await world.queue("work", bounded(1000, "reject", 5000));
    expect(again.work.bytes).toBe(before);
    const consumer = await consume(again);
    consumer.settle(await consumer.take());
    expect(again.work.bytes).toBe(0);
  });

  test("refuses a message that can never fit", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(1000, "block", 500));
    await expect(queue.publish(message(value))).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  });

  test("estimates what it held before it was bounded", async () => {
    const world = await World.open();
    const queue = await world.queue();
    for (let each = 0; each < 4; each++) await queue.publish(message(value));
    await world.queue("work", bounded(1000, "reject", 5000));
    expect(queue.work.bytes).toBeGreaterThan(4000);
    expect(queue.work.bytes).toBeLessThan(4500);
  });

  test("takes a batch of more bytes than it may hold as consumers make room", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(1000, "block", 3000));
    const sending = queue.publishAll(numbered(10).map((each) => message(each.repeat(900))));
    const consumer = await consume(queue);
    const values: string[] = [];
    while (values.length < 10) {
      expect(queue.work.bytes).toBeLessThanOrEqual(3000);
      const deliveries = await consumer.take();
      values.push(...texts(deliveries).map((value) => value[0]!));
      consumer.settle(deliveries);
    }
    expect(values).toEqual(numbered(10));
    expect(await sending).toHaveLength(10);
  });

  test("refuses a batch of which one message can never fit, and says what was sent before it", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(1000, "block", 3000));
    const sending = errorOf(queue.publishAll(["a", "b", "c", "d".repeat(5000)].map((each) => message(each))));
    expect(await sending).toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
      message: expect.stringContaining("The first 3 messages of the batch were sent"),
    });
  });
});
