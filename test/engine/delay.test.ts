import { describe, expect, test } from "vitest";
import type { QueueChannel } from "../../src/engine/queue-channel.js";
import { type Consumer, consume, leaseMs, message, release, retry, texts, turn, World } from "./world.js";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const yearMs = 366 * dayMs;

async function send(queue: QueueChannel, value: string, delayMs: number, priority?: number): Promise<string> {
  return (await queue.publish(message(value, { delayMs, priority }))).id;
}

async function ready(consumer: Consumer): Promise<string[]> {
  return texts(await consumer.take());
}

describe("a delayed message", () => {
  test("is handed out when its time has come, and not before; the earliest first", async () => {
    const world = await World.open();
    const queue = await world.queue();
    const consumer = await consume(queue);
    await send(queue, "later", 2000);
    await send(queue, "sooner", 1000);
    await queue.publish(message("now"));
    expect(await ready(consumer)).toEqual(["now"]);
    expect(await ready(consumer)).toEqual([]);
    await world.clock.advance(999);
    expect(await ready(consumer)).toEqual([]);
    await world.clock.advance(1);
    expect(await ready(consumer)).toEqual(["sooner"]);
    await world.clock.advance(1000);
    expect(await ready(consumer)).toEqual(["later"]);
  });

  test("comes in the order of sending among those that are due at the same millisecond, whatever the fractions of the two clocks", async () => {
    const world = await World.open();
    const queue = await world.queue();
    const consumer = await consume(queue);
    const { clock } = world;
    const wall = clock.nowMs.bind(clock);
    // As the system's: the wall clock tells whole milliseconds, the monotonic one fractions.
    clock.nowMs = () => Math.floor(wall());
    const dueAtMs = clock.nowMs() + 5_000;
    for (const [value, thenMs] of [
      ["1", 0.9],
      ["2", 0.2],
      ["3", 0],
    ] as const) {
      await queue.publish(message(value, { dueAtMs }));
      await clock.advance(thenMs);
    }
    await clock.advance(6_000);
    expect(await ready(consumer)).toEqual(["1", "2", "3"]);
  });

  test("wakes who has waited since before it was sent", async () => {
    const world = await World.open();
    const queue = await world.queue();
    const consumer = await consume(queue);
    expect(await ready(consumer)).toEqual([]);
    await send(queue, "later", 2000);
    await send(queue, "sooner", 1000);
    await world.clock.advance(1000);
    expect(await ready(consumer)).toEqual(["sooner"]);
    expect(await ready(consumer)).toEqual([]);
    await world.clock.advance(1000);
    expect(await ready(consumer)).toEqual(["later"]);
  });

  test("whose place in the index is damaged is found again where it lies", async () => {
    const world = await World.open({ limits: { dueInMemory: 2 } });
    const queue = await world.queue();
    for (const each of [7, 3, 9, 1, 8, 2, 6, 4, 5]) await send(queue, String(each), each * 1000);
    const [, , timeline] = queue.partitions;
    expect(timeline!.endOffset).toBeGreaterThan(1);
    const consumer = await consume(queue);
    await world.clock.advance(2000);
    expect(await ready(consumer)).toEqual(["1", "2"]);
    timeline!.trim(timeline!.endOffset);
    await queue.publish(message("now"));
    expect(await ready(consumer)).toEqual(["now"]);
    await world.clock.advance(7000);
    const found: string[] = [];
    while (found.length < 7) found.push(...(await ready(consumer)));
    expect(found).toEqual(["3", "4", "5", "6", "7", "8", "9"]);
  });

  test("may wait for longer than a timer can", async () => {
    const world = await World.open();
    const queue = await world.queue();
    const consumer = await consume(queue);
    await send(queue, "anniversary", 30 * dayMs);
    await world.clock.advance(30 * dayMs - 1);
    expect(await ready(consumer)).toEqual([]);
    await world.clock.advance(1);
    expect(await ready(consumer)).toEqual(["anniversary"]);
  });

  test("can be due at a time instead of after one; a time that has passed is none", async () => {
    const world = await World.open();
    const queue = await world.queue();
    const consumer = await consume(queue);
    const nowMs = world.clock.nowMs();
    await queue.publish(message("at", { dueAtMs: nowMs + 500 }));
    const past = await queue.publish(message("past", { dueAtMs: nowMs - 500 }));
    expect(past.id).toBe("work/0/0");
    expect(await ready(consumer)).toEqual(["past"]);
    await world.clock.advance(500);
    expect(await ready(consumer)).toEqual(["at"]);
  });

  test("overtakes what has its priority, and none of a higher one", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { priorities: 2 });
    await send(queue, "low, delayed", 10, 1);
    await send(queue, "high, delayed", 10, 2);
    await queue.publishAll([message("low"), message("high", { priority: 2 })]);
    await world.clock.advance(10);
    expect(await ready(await consume(queue))).toEqual(["high, delayed", "high", "low, delayed", "low"]);
  });

  test("counts its attempts like any other, also across processes that die", async () => {
    const world = await World.open();
    let consumer = await consume(await world.queue());
    await send(await world.queue(), "m", 1000);
    await world.clock.advance(1000);
    const attempts: number[] = [];
    for (const what of ["retry", "release", "lose", "kill", "retry"]) {
      const [delivery] = await consumer.take();
      attempts.push(delivery!.attempt);
      if (what === "retry") consumer.settle([delivery!], retry(500));
      if (what === "release") consumer.settle([delivery!], release);
      if (what === "lose") await world.clock.advance(leaseMs);
      await turn();
      if (what === "kill") {
        await world.kill();
        consumer = await consume(await world.queue());
      }
      if (what === "retry") await world.clock.advance(500);
    }
    expect(attempts).toEqual([1, 2, 2, 3, 4]);
  });

  test("given back before any attempt is there again at once, also after a restart", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await send(queue, "m", 1000);
    await world.clock.advance(1000);
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(), release);
    await turn();
    await world.kill();
    const [again] = await (await consume(await world.queue())).take();
    expect(again?.attempt).toBe(1);
  });

  test("is in a transaction like any other", async () => {
    const world = await World.open();
    const [queue, other] = [await world.queue(), await world.queue("other")];
    const sends = [
      { channel: queue, message: message("a", { delayMs: 100 }) },
      { channel: other, message: message("b") },
    ];
    const receipts = await world.engine.commit(sends);
    expect(receipts.map((receipt) => receipt.id)).toEqual(["work/1/0", "other/0/0"]);
    const consumer = await consume(queue);
    await world.clock.advance(100);
    expect(await ready(consumer)).toEqual(["a"]);
  });

  test("is refused where there are no delays, and nothing is stored", async () => {
    const world = await World.open();
    const keyed = await world.queue("keyed", { order: "per-key" });
    for (const channel of [await world.stream(), await world.topic(), keyed]) {
      const refusal = await channel.publish(message("m", { delayMs: 5 })).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: "NOT_SUPPORTED" });
      expect((await world.admin.stats(channel.name)).messages).toBe(0);
    }
  });
});

describe("a clock that is set", () => {
  test.for([hourMs, -hourMs, 10 * yearMs, -10 * yearMs])(
    "by %d ms fires nothing early and nothing late",
    async (ms) => {
      const world = await World.open({ limits: { dueInMemory: 4 } });
      const queue = await world.queue();
      const consumer = await consume(queue);
      const sent = Array.from({ length: 20 }, (_, each) => String(each));
      for (const each of sent.slice(0, 10)) await send(queue, each, 1000 * (1 + Number(each)));
      world.clock.jump(ms);
      for (const each of sent.slice(10)) await send(queue, each, 1000 * (1 + Number(each)));
      for (const each of sent) {
        await world.clock.advance(999);
        expect(await ready(consumer)).toEqual([]);
        await world.clock.advance(1);
        expect(await ready(consumer)).toEqual([each]);
      }
    },
  );
});

test("what waits on the disk is due at its time also when the clock was set, and then the process ended", async () => {
  const world = await World.open({ limits: { dueInMemory: 4 } });
  const queue = await world.queue();
  for (let each = 0; each < 20; each++) await send(queue, String(each), 1000 * (1 + each));
  world.clock.jump(-hourMs);
  await send(queue, "20", 21_000);
  await world.restart();
  const consumer = await consume(await world.queue());
  for (let each = 0; each <= 20; each++) {
    await world.clock.advance(999);
    expect(await ready(consumer)).toEqual([]);
    await world.clock.advance(1);
    expect(await ready(consumer)).toEqual([String(each)]);
  }
});

describe("delayed messages that wait", () => {
  test("survive the process, and are due at the time that was said", async () => {
    for (const how of ["kill", "restart", "cutPower"] as const) {
      const world = await World.open();
      const queue = await world.queue();
      await send(queue, "b", 2 * hourMs);
      await send(queue, "a", hourMs);
      await world.clock.advance(1000);
      await world[how]();
      const consumer = await consume(await world.queue());
      await world.clock.advance(hourMs - 1001);
      expect(await ready(consumer)).toEqual([]);
      await world.clock.advance(1);
      const [a] = await consumer.take();
      expect(texts([a!])).toEqual(["a"]);
      consumer.settle([a!]);
      await world.clock.advance(hourMs);
      expect(await ready(consumer)).toEqual(["b"]);
    }
  });

  test("count against the bound, and are shown as delayed until they are due", async () => {
    const world = await World.open();
    const capacity = { messages: 3, bytes: Infinity, whenFull: "reject" } as const;
    const queue = await world.queue("work", { capacity });
    await send(queue, "a", 1000);
    await send(queue, "b", 3000);
    await queue.publish(message("c"));
    await expect(send(queue, "d", 1000)).rejects.toMatchObject({ code: "QUEUE_FULL" });
    expect(await world.admin.stats("work")).toMatchObject({ messages: 3, ready: 1, delayed: 2, oldestMs: 0 });
    await world.clock.advance(1500);
    expect(await world.admin.stats("work")).toMatchObject({ messages: 3, ready: 2, delayed: 1, oldestMs: 1500 });
    const lag = await world.admin.lag("work", "");
    expect(lag.map((each) => [each.partition, each.messages, each.ms])).toEqual([
      [1, 2, 500],
      [0, 1, 1500],
    ]);
  });

  test("can be listed with their times, apart from the others, and page by page", async () => {
    const world = await World.open();
    const queue = await world.queue();
    const ids = [await send(queue, "a", 2000), await send(queue, "b", 1000), await send(queue, "c", 3000)];
    await queue.publish(message("plain"));
    const page = async (state: "ready" | "delayed", after?: string): Promise<unknown[]> => {
      const peeked = await world.admin.peek("work", { group: "", limit: 2, after, state });
      return peeked.map((each) => [texts([each])[0], each.state, each.untilMs && each.untilMs - world.clock.nowMs()]);
    };
    expect(await page("delayed")).toEqual([
      ["a", "delayed", 2000],
      ["b", "delayed", 1000],
    ]);
    expect(await page("delayed", ids[1])).toEqual([["c", "delayed", 3000]]);
    expect(await page("ready")).toEqual([["plain", "ready", undefined]]);
    await world.clock.advance(2000);
    expect(await page("ready")).toEqual([
      ["a", "ready", undefined],
      ["b", "ready", undefined],
    ]);
  });

  test("can be cancelled, by position or by id: they are never handed out", async () => {
    const world = await World.open();
    const queue = await world.queue();
    const first = await send(queue, "a", 1000);
    await queue.publish(message("b", { id: "mine", delayMs: 1000 }));
    await send(queue, "c", 1000);
    const cancel = ["mine", first, "unknown"].map((id) => ({ id, sends: [] }));
    expect(await world.admin.remove("work", cancel)).toEqual(["mine", first]);
    expect(queue.depth).toBe(1);
    await world.kill();
    const consumer = await consume(await world.queue());
    await world.clock.advance(1000);
    expect(await ready(consumer)).toEqual(["c"]);
  });

  test("leave no trace on the disk once they are settled", async () => {
    const world = await World.open({ limits: { dueInMemory: 8 } });
    const queue = await world.queue();
    for (let each = 0; each < 100; each++) await send(queue, "x".repeat(100), 1000 + each);
    await world.clock.advance(2000);
    const consumer = await consume(queue);
    consumer.settle(await consumer.take());
    await turn();
    queue.trimSettled();
    await turn();
    expect((await world.admin.stats("work")).bytes).toBe(0);
  });
});
