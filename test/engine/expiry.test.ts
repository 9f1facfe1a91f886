import { describe, expect, test } from "vitest";
import type { QueueChannel } from "../../src/engine/queue-channel.js";
import { Consumer, consume, done, leaseMs, message, release, retry, texts, turn, World } from "./world.js";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Who buries what expires. */
function gravedigger(queue: QueueChannel): Consumer {
  return new Consumer(queue.expired({ leaseMs, member: undefined, onLost: () => {} }), []);
}

async function send(queue: QueueChannel, value: string, expiresMs?: number, delayMs?: number): Promise<string> {
  return (await queue.publish(message(value, { expiresMs, delayMs }))).id;
}

async function all(consumer: Consumer): Promise<string[]> {
  return texts(await consumer.take());
}

describe("a queue whose messages expire", () => {
  test("hands out each at its time to whoever buries them, wherever it lies, also while nobody consumes", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { expiresMs: 1000 });
    const grave = gravedigger(queue);
    expect(await all(grave)).toEqual([]);
    await send(queue, "a");
    await world.clock.advance(400);
    await send(queue, "b");
    await send(queue, "sooner", 100);
    await world.clock.advance(100);
    expect(await all(grave)).toEqual(["sooner"]);
    await world.clock.advance(499);
    expect(await all(grave)).toEqual([]);
    await world.clock.advance(1);
    expect(await all(grave)).toEqual(["a"]);
    await world.clock.advance(400);
    expect(await all(grave)).toEqual(["b"]);
  });

  test("never delivers what has expired, even if nobody buries it", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { expiresMs: 1000 });
    const consumer = await consume(queue);
    await send(queue, "old");
    await send(queue, "own", 300);
    await world.clock.advance(999);
    await send(queue, "young");
    await world.clock.advance(1);
    expect(await all(consumer)).toEqual(["old", "young"].slice(1));
    const grave = gravedigger(queue);
    expect((await all(grave)).sort()).toEqual(["old", "own"]);
  });

  test("lets a message that is leased be handled, and takes it when it comes back", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { expiresMs: 1000 });
    const [consumer, grave] = [await consume(queue), gravedigger(queue)];
    for (const each of ["done", "retried", "released", "lost"]) await send(queue, each);
    const deliveries = await consumer.take();
    await world.clock.advance(5000);
    expect(await all(grave)).toEqual([]);
    expect(consumer.settle(deliveries.slice(0, 1), done)).toEqual([true]);
    consumer.settle(deliveries.slice(1, 2), retry(10_000));
    consumer.settle(deliveries.slice(2, 3), release);
    await turn();
    const buried = await grave.take();
    expect([...texts(buried), ...(await all(grave))]).toEqual(["retried", "released"]);
    await world.clock.advance(leaseMs);
    expect(texts(consumer.lost)).toEqual(["lost"]);
    expect(texts(await grave.take())).toContain("lost");
    expect(await all(consumer)).toEqual([]);
  });

  test("takes a message that waits for its retry when its time has come", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { expiresMs: 1000 });
    const [consumer, grave] = [await consume(queue), gravedigger(queue)];
    await send(queue, "m");
    consumer.settle(await consumer.take(), retry(3000));
    await world.clock.advance(1000);
    const [buried] = await grave.take();
    expect(buried?.attempt).toBe(1);
    grave.settle([buried!]);
    await world.clock.advance(3000);
    expect(await all(consumer)).toEqual([]);
    expect(queue.depth).toBe(0);
  });

  test("never delivers what has expired while it waited for its retry, even if nobody buries it", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { expiresMs: 1000 });
    const consumer = await consume(queue);
    await send(queue, "m");
    consumer.settle(await consumer.take(), retry(3000));
    await world.clock.advance(3000);
    expect(await all(consumer)).toEqual([]);
    expect(queue.depth).toBe(1);
  });

  test("buries nothing that an operator has removed meanwhile", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { expiresMs: 1000 });
    const dead = await world.queue("work.dead");
    const grave = gravedigger(queue);
    const id = await send(queue, "m");
    await world.clock.advance(1000);
    const expired = await grave.take();
    expect(await world.admin.remove("work", [{ id, sends: [] }])).toEqual([id]);
    grave.settle(expired, { kind: "done", sends: [{ channel: dead, message: message("letter") }] });
    expect(dead.depth).toBe(0);
  });

  test("counts the age of a delayed message from when it is due", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { expiresMs: 1000 });
    const grave = gravedigger(queue);
    await send(queue, "late", undefined, 5000);
    await send(queue, "late, sooner", 200, 5000);
    await world.clock.advance(5199);
    expect(await all(grave)).toEqual([]);
    await world.clock.advance(1);
    expect(await all(grave)).toEqual(["late, sooner"]);
    await world.clock.advance(800);
    expect(await all(grave)).toEqual(["late"]);
  });

  test("gives again what was not buried, and settles what was, in one commit with the letter", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { expiresMs: 1000 });
    const dead = await world.queue("work.dead");
    const grave = gravedigger(queue);
    await send(queue, "a");
    await send(queue, "b");
    await world.clock.advance(1000);
    const [a, b] = await grave.take();
    grave.settle([a!], { kind: "done", sends: [{ channel: dead, message: message("letter") }] });
    grave.settle([b!], retry(500));
    await world.clock.advance(500);
    expect(texts(await grave.take())).toEqual(["b"]);
    await world.clock.advance(leaseMs);
    expect(texts(await grave.take())).toEqual(["b"]);
    await world.kill();
    expect((await world.queue("work.dead")).depth).toBe(1);
    const again = gravedigger(await world.queue("work", { expiresMs: 1000 }));
    expect(await all(again)).toEqual(["b"]);
  });

  test("drops them where it says so, counts them, and makes room", async () => {
    const world = await World.open();
    const capacity = { messages: 2, bytes: 1000, whenFull: "block" } as const;
    const queue = await world.queue("work", { expiresMs: 1000, whenExpired: "drop", capacity });
    await send(queue, "a");
    await send(queue, "b");
    const waiting = send(queue, "c");
    await world.clock.advance(1000);
    await waiting;
    expect(await world.admin.stats("work")).toMatchObject({ messages: 1, dropped: 2 });
    expect(await all(await consume(queue))).toEqual(["c"]);
  });

  test("drops any number of them, some at a time", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { expiresMs: 1000, whenExpired: "drop" });
    await queue.publishAll(Array.from({ length: 3500 }, (_, each) => message(String(each))));
    await world.clock.advance(1000);
    for (let each = 0; each < 10; each++) await turn();
    expect(await world.admin.stats("work")).toMatchObject({ messages: 0, dropped: 3500, bytes: 0 });
  });

  test("knows after a restart what expires when, also of messages with a time of their own", async () => {
    for (const how of ["kill", "restart", "cutPower"] as const) {
      const world = await World.open({ limits: { dueInMemory: 2 } });
      const queue = await world.queue("work", { expiresMs: dayMs });
      for (const each of [5, 3, 1, 4, 2, 6]) await send(queue, String(each), each * hourMs);
      await send(queue, "by age");
      await world.clock.advance(hourMs / 2);
      await world[how]();
      const grave = gravedigger(await world.queue("work", { expiresMs: dayMs }));
      await world.clock.advance(hourMs / 2 - 1);
      expect(await all(grave)).toEqual([]);
      await world.clock.advance(1);
      for (const each of [1, 2, 3, 4, 5, 6]) {
        const buried = await grave.take();
        expect(texts(buried)).toEqual([String(each)]);
        grave.settle(buried);
        await world.clock.advance(hourMs);
      }
      await world.clock.advance(dayMs);
      expect(await all(grave)).toEqual(["by age"]);
    }
  });

  test.for(["leased when its time came", "in the hands of who buries it"])(
    "forgets none in a crash after a checkpoint that was %s",
    async (where) => {
      const world = await World.open();
      const queue = await world.queue("work");
      await send(queue, "a", 1000);
      const holder = where.startsWith("leased") ? await consume(queue) : gravedigger(queue);
      if (where.startsWith("leased")) expect(await all(holder)).toEqual(["a"]);
      await world.clock.advance(1000);
      expect(await all(where.startsWith("leased") ? gravedigger(queue) : holder)).toEqual(
        where.startsWith("leased") ? [] : ["a"],
      );
      await world.engine.log.checkpoint();
      await world.kill();
      const again = await world.queue("work");
      expect(await all(await consume(again))).toEqual([]);
      expect(await all(gravedigger(again))).toEqual(["a"]);
    },
  );

  test("may get another age, or none: what is there follows", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { expiresMs: dayMs });
    await send(queue, "a");
    const grave = gravedigger(queue);
    await world.queue("work", { expiresMs: 1000 });
    await world.clock.advance(1000);
    expect(await all(grave)).toEqual(["a"]);
    await send(queue, "b");
    await world.clock.advance(999);
    await world.queue("work", { expiresMs: undefined });
    await world.clock.advance(2 * dayMs);
    // What has expired stays so: "a" was not settled.
    expect(await all(grave)).toEqual(["a"]);
    expect(await all(await consume(queue))).toEqual(["b"]);
  });
});

describe("a clock that is set", () => {
  test.for([hourMs, -hourMs, 3660 * dayMs, -3660 * dayMs])("by %d ms lets nothing expire early or late", async (ms) => {
    const world = await World.open();
    const queue = await world.queue("work", { expiresMs: 1000 });
    const grave = gravedigger(queue);
    await send(queue, "a");
    await send(queue, "own", 500);
    world.clock.jump(ms);
    await send(queue, "b");
    await send(queue, "own b", 500);
    await world.clock.advance(499);
    expect(await all(grave)).toEqual([]);
    await world.clock.advance(1);
    expect(await all(grave)).toEqual(["own", "own b"]);
    await world.clock.advance(499);
    expect(await all(grave)).toEqual([]);
    await world.clock.advance(1);
    expect(await all(grave)).toEqual(["a", "b"]);
  });
});
