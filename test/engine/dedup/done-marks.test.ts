import { describe, expect, test } from "vitest";
import type { Delivery } from "../../../src/engine/message.js";
import { type Consumer, consume, leaseMs, message, numbered, retry, sendAll, turn, World } from "../world.js";

const keepMs = 60_000;
const mark = (key: string): { key: string; keepMs: number } => ({ key, keepMs });

function claim(consumer: Consumer, delivery: Delivery | undefined, key: string): string {
  return consumer.source.claim(delivery!, mark(key));
}

function settle(consumer: Consumer, delivery: Delivery | undefined, key: string): boolean {
  return consumer.source.settle(delivery!, { kind: "done", sends: [], mark: mark(key) });
}

describe("a key of a group", () => {
  test("is free, then taken by the delivery that claimed it, then done", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, numbered(3));
    const consumer = await consume(queue);
    const [first, second] = await consumer.take();
    expect([claim(consumer, first, "k"), claim(consumer, first, "k")]).toEqual(["free", "free"]);
    expect([claim(consumer, second, "k"), claim(consumer, second, "other")]).toEqual(["taken", "free"]);
    expect(settle(consumer, first, "k")).toBe(true);
    expect(claim(consumer, second, "k")).toBe("done");
  });

  test.for(["retry", "release", "lease", "close"] as const)("is free again when its lease ends by %s", async (how) => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, numbered(2));
    const [one, other] = [await consume(queue), await consume(queue)];
    const [first] = await one.take(1);
    const [second] = await other.take(1);
    expect([claim(one, first, "k"), claim(other, second, "k")]).toEqual(["free", "taken"]);
    if (how === "retry") one.settle([first!], retry());
    else if (how === "release") one.settle([first!], { kind: "release" });
    else if (how === "close") await one.source.close();
    else {
      other.source.extend([second!], 10 * leaseMs);
      await world.clock.advance(leaseMs);
    }
    expect(claim(other, second, "k")).toBe("free");
    expect(claim(one, first, "k")).toBe("taken");
    expect(settle(one, first, "k")).toBe(false);
    expect(claim(other, second, "k")).toBe("free");
  });

  test.for(["restart", "kill", "cutPower"] as const)("stays done over a %s, for its keep time", async (how) => {
    const world = await World.open();
    const before = await world.queue();
    await sendAll(before, numbered(2));
    const consumer = await consume(before);
    const [first] = await consumer.take();
    settle(consumer, first, "k");
    await consumer.source.flush();
    if (how === "kill") await world.engine.log.checkpoint();
    await world[how]();
    const again = await consume(await world.queue());
    const [second] = await again.take();
    expect(claim(again, second, "k")).toBe("done");
    again.source.extend([second!], 10 * leaseMs);
    await world.clock.advance(keepMs * 1.1);
    expect(claim(again, second, "k")).toBe("free");
  });

  test("is not done when the settlement with its sends could not be stored", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, numbered(1));
    const consumer = await consume(queue);
    const [delivery] = await consumer.take();
    claim(consumer, delivery, "k");
    const sends = Array.from({ length: 4 }, () => ({ channel: queue, message: message("x".repeat(60_000)) }));
    expect(() => consumer.source.settle(delivery!, { kind: "done", sends, mark: mark("k") })).toThrow(/one commit/);
    expect(claim(consumer, delivery, "k")).toBe("free");
  });
});

test("claims that have ended are not kept", async () => {
  const world = await World.open();
  const queue = await world.queue();
  const consumer = await consume(queue);
  for (let round = 0; round < 20; round++) {
    await sendAll(queue, numbered(50));
    const deliveries = await consumer.take(50);
    for (const [index, delivery] of deliveries.entries()) claim(consumer, delivery, `${round}-${index}`);
    consumer.settle(deliveries);
    await turn();
    expect(queue.work.marks.claims).toBeLessThanOrEqual(128);
  }
});
