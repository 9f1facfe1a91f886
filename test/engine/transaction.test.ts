import { describe, expect, test } from "vitest";
import type { Staged } from "../../src/engine/message.js";
import { consume, message, sendAll, texts, turn, World } from "./world.js";

const sends = (channel: unknown, ...values: string[]): Staged[] =>
  values.map((value) => ({ channel, message: message(value) }));

describe("messages sent together", () => {
  test("go to any channels, and become visible at the same moment", async () => {
    const world = await World.open();
    const [queue, stream, topic] = [await world.queue(), await world.stream(), await world.topic()];
    const ticker = await world.ephemeral();
    const consumers = [
      await consume(queue),
      await consume(stream, { group: "g" }),
      await consume(topic, { group: "g" }),
      await consume(ticker),
    ];
    const receipts = await world.engine.commit([
      ...sends(queue, "q"),
      ...sends(ticker, "e"),
      ...sends(stream, "s"),
      ...sends(topic, "t"),
    ]);
    expect(receipts.map((receipt) => receipt.id)).toEqual(["work/0/0", "ticker/0/1", "events/0/0", "news/0/0"]);
    expect(texts((await Promise.all(consumers.map((consumer) => consumer.take()))).flat())).toEqual([
      "q",
      "s",
      "t",
      "e",
    ]);
  });

  test("are all there after a crash, or none", async () => {
    for (const style of ["nothing-unsynced", "everything", "torn-512"] as const) {
      const world = await World.open();
      const [one, other] = [await world.queue("one"), await world.queue("other")];
      void world.engine.commit([...sends(one, "1"), ...sends(other, "2")]).catch(() => {});
      await Promise.resolve();
      await world.cutPower(style);
      const depths = [(await world.queue("one")).depth, (await world.queue("other")).depth];
      expect(depths[0]).toBe(depths[1]);
    }
  });

  test("that are more than a commit holds are refused before anything is stored", async () => {
    const world = await World.open();
    const queue = await world.queue();
    const many = Array.from({ length: 200 }, () => "x".repeat(1000));
    await expect(world.engine.commit(sends(queue, ...many))).rejects.toMatchObject({ code: "TRANSACTION_TOO_LARGE" });
    await turn();
    expect(queue.depth).toBe(0);
  });

  test("are refused for a channel of somebody else", async () => {
    const [world, foreign] = [await World.open(), await World.open()];
    const queue = await foreign.queue();
    await world.queue();
    await expect(world.engine.commit(sends(queue, "1"))).rejects.toThrow(TypeError);
    await expect(world.engine.commit(sends({ name: "work" }, "1"))).rejects.toThrow(TypeError);
  });
});

describe("a settlement with messages", () => {
  test("publishes them in its own commit: after a crash both are there", async () => {
    const world = await World.open();
    const [queue, next] = [await world.queue(), await world.queue("next")];
    await sendAll(queue, ["in"]);
    const consumer = await consume(queue);
    const deliveries = await consumer.take();
    consumer.settle(deliveries, { kind: "done", sends: sends(next, "out") });
    await consumer.source.flush();
    await world.cutPower();
    expect((await world.queue()).depth).toBe(0);
    expect(texts(await (await consume(await world.queue("next"))).take())).toEqual(["out"]);
  });

  test("that is lost in a crash has sent nothing", async () => {
    const world = await World.open();
    const [queue, next] = [await world.queue(), await world.queue("next")];
    await sendAll(queue, ["in"]);
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(), { kind: "done", sends: sends(next, "out") });
    // In the same turn: nothing of it can have been synced.
    await world.cutPower("nothing-unsynced");
    expect((await world.queue()).depth).toBe(1);
    expect((await world.queue("next")).depth).toBe(0);
  });

  test("of a stream's delivery that was settled out of order is not sent twice", async () => {
    const world = await World.open();
    const [stream, next] = [await world.stream(), await world.queue("next")];
    await sendAll(stream, ["0", "1"]);
    const consumer = await consume(stream, { group: "g" });
    const deliveries = await consumer.take();
    consumer.settle(deliveries.slice(1), { kind: "done", sends: sends(next, "out") });
    await consumer.source.flush();
    await world.cutPower();
    const again = await consume(await world.stream(), { group: "g" });
    expect(texts(await again.take())).toEqual(["0"]);
    expect((await world.queue("next")).depth).toBe(1);
  });

  test("sends nothing when the lease was lost", async () => {
    const world = await World.open();
    const [queue, next] = [await world.queue(), await world.queue("next")];
    await sendAll(queue, ["in"]);
    const consumer = await consume(queue);
    const deliveries = await consumer.take();
    await world.clock.advance(60_000);
    expect(consumer.settle(deliveries, { kind: "done", sends: sends(next, "out") })).toEqual([false]);
    await turn();
    expect(next.depth).toBe(0);
  });

  test("changes nothing when the messages cannot be stored", async () => {
    const world = await World.open();
    const [queue, next] = [await world.queue(), await world.queue("next")];
    await sendAll(queue, ["in"]);
    const consumer = await consume(queue);
    const [delivery] = await consumer.take();
    const tooMuch = Array.from({ length: 200 }, () => "x".repeat(1000));
    const settle = (values: readonly string[]): boolean =>
      consumer.source.settle(delivery!, { kind: "done", sends: sends(next, ...values) });
    expect(() => settle(tooMuch)).toThrow("does not fit");
    expect(settle(["little"])).toBe(true);
    await turn();
    expect([queue.depth, next.depth]).toEqual([0, 1]);
  });

  test("to an ephemeral topic goes out once it is durable", async () => {
    const world = await World.open();
    const [queue, ticker] = [await world.queue(), await world.ephemeral()];
    await sendAll(queue, ["in"]);
    const [consumer, listener] = [await consume(queue), await consume(ticker)];
    consumer.settle(await consumer.take(), { kind: "done", sends: sends(ticker, "news") });
    expect(texts(await listener.take())).toEqual(["news"]);
  });
});
