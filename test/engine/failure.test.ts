import { describe, expect, test } from "vitest";
import { MillraceError } from "../../src/base/errors.js";
import { consume, errorOf, message, numbered, retry, sendAll, turn, World } from "./world.js";

describe("after a failed sync", () => {
  async function fenced(world: World): Promise<void> {
    world.disk.faults = (call) => (call.operation === "sync" ? { fail: "EIO" } : undefined);
    const queue = await world.queue("other").catch(() => undefined);
    await queue?.publish(message("x")).catch(() => undefined);
    await turn();
  }

  test("everybody who waits is told", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await world.queue("other");
    const stream = await world.stream();
    const [one, two] = [await consume(queue), await consume(stream, { group: "g" })];
    const takes = [one.source.take(1), two.source.take(1)].map((take) =>
      expect(take).rejects.toMatchObject({ code: "LOG_FENCED" }),
    );
    await fenced(world);
    await Promise.all(takes);
    await expect(queue.publish(message("y"))).rejects.toMatchObject({ code: "LOG_FENCED" });
    await expect(one.source.take(1)).rejects.toMatchObject({ code: "LOG_FENCED" });
    await expect(one.source.flush()).rejects.toMatchObject({ code: "LOG_FENCED" });
    await one.source.close();
  });

  test("senders that wait for room are told", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { capacity: { messages: 1, bytes: Infinity, whenFull: "block" } });
    await world.queue("other");
    await sendAll(queue, ["1"]);
    const waiting = errorOf(queue.publish(message("2")));
    await fenced(world);
    expect(await waiting).toMatchObject({ code: "LOG_FENCED" });
  });

  test("nothing that was acknowledged before is lost", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await world.queue("other");
    await sendAll(queue, numbered(5));
    await fenced(world);
    await world.engine.close().catch((error: unknown) => expect(error).toBeInstanceOf(MillraceError));
    await world.cutPower();
    expect((await world.queue()).depth).toBe(5);
  });
});

describe("a time that never comes", () => {
  test("is refused before it can do harm", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["1"]);
    const consumer = await consume(queue);
    const deliveries = await consumer.take();
    for (const delayMs of [Infinity, Number.NaN, -1])
      expect(() => consumer.settle(deliveries, retry(delayMs))).toThrow("not a time");
    expect(() => consumer.source.extend(deliveries, Number.NaN)).toThrow("not a time");
    await expect(consume(queue, { leaseMs: Infinity })).rejects.toThrow("not a time");
    expect(consumer.settle(deliveries)).toEqual([true]);
  });
});
