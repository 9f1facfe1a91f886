import { describe, expect, onTestFinished, test, vi } from "vitest";
import { defaultLimits } from "../../src/base/limits.js";
import { silentLogger } from "../../src/base/logger.js";
import type { QueueChannel } from "../../src/engine/queue-channel.js";
import { PartitionReader } from "../../src/log/partition/reader.js";
import { consume, leaseMs, message, retry, texts, turn, World, type WorldOptions } from "./world.js";

async function keyed(options: WorldOptions = {}): Promise<{ world: World; queue: QueueChannel }> {
  const world = await World.open(options);
  return { world, queue: await world.queue("work", { order: "per-key" }) };
}

/** "a1" has the key "a"; "-1" has none. */
async function send(queue: QueueChannel, ...values: readonly string[]): Promise<void> {
  await queue.publishAll(values.map((value) => message(value, { key: value[0] === "-" ? undefined : value[0] })));
}

describe("order per key", () => {
  test("hands out one message of each key at a time, the keys side by side", async () => {
    const { queue } = await keyed();
    await send(queue, "a1", "a2", "b1", "a3", "b2", "c1");
    const consumer = await consume(queue);
    const first = await consumer.take();
    expect(texts(first)).toEqual(["a1", "b1", "c1"]);
    expect(await consumer.take()).toEqual([]);
    expect(queue.work.parked).toBe(3);
    consumer.settle(first.slice(0, 2));
    const second = [...(await consumer.take()), ...(await consumer.take())];
    expect(texts(second)).toEqual(["a2", "b2"]);
    consumer.settle(second);
    expect(texts(await consumer.take())).toEqual(["a3"]);
    expect(queue.work.parked).toBe(0);
  });

  test("holds up no message without a key", async () => {
    const { queue } = await keyed();
    await send(queue, "-1", "a1", "-2", "a2", "-3");
    const consumer = await consume(queue);
    expect(texts(await consumer.take())).toEqual(["-1", "a1", "-2", "-3"]);
  });

  test("takes an empty key for a key", async () => {
    const { queue } = await keyed();
    await queue.publishAll([message("1", { key: "" }), message("2", { key: "" }), message("3")]);
    expect(texts(await (await consume(queue)).take())).toEqual(["1", "3"]);
  });

  test("lets a key that backs off hold only itself", async () => {
    const { world, queue } = await keyed();
    await send(queue, "a1", "b1", "a2", "b2");
    const consumer = await consume(queue);
    const [a1, b1] = await consumer.take();
    consumer.settle([a1!], retry(10_000));
    consumer.settle([b1!]);
    expect(texts(await consumer.take())).toEqual(["b2"]);
    expect(await consumer.take()).toEqual([]);
    await world.clock.advance(10_000);
    const again = await consumer.take();
    expect(texts(again)).toEqual(["a1"]);
    expect(again[0]?.attempt).toBe(2);
    consumer.settle(again);
    expect(texts(await consumer.take())).toEqual(["a2"]);
  });

  test("keeps a message whose lease ended the first of its key", async () => {
    const { world, queue } = await keyed();
    await send(queue, "a1", "a2");
    const [hanging, other] = [await consume(queue), await consume(queue)];
    expect(texts(await hanging.take())).toEqual(["a1"]);
    expect(await other.take()).toEqual([]);
    await world.clock.advance(leaseMs);
    const again = await other.take();
    expect(texts(again)).toEqual(["a1"]);
    expect(hanging.settle(hanging.lost)).toEqual([false]);
    other.settle(again);
    expect(texts(await other.take())).toEqual(["a2"]);
  });

  test("serves who waits as soon as another consumer has settled the message before", async () => {
    const { queue } = await keyed();
    await send(queue, "a1", "a2");
    const [one, other] = [await consume(queue), await consume(queue)];
    const held = await one.take();
    expect(await other.take()).toEqual([]);
    one.settle(held);
    expect(texts(await other.take())).toEqual(["a2"]);
  });

  test("goes on after a message of the key that was removed, wherever it waited", async () => {
    const { world, queue } = await keyed();
    await send(queue, "a1", "a2", "a3", "a4");
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(), retry(10_000));
    await turn();
    for (const id of ["work/0/0", "work/0/2"])
      expect(await world.admin.remove("work", [{ id, sends: [] }])).toEqual([id]);
    const a2 = await consumer.take();
    expect(texts(a2)).toEqual(["a2"]);
    consumer.settle(a2);
    expect(texts(await consumer.take())).toEqual(["a4"]);
  });
});

test("a message that a full queue drops holds up its key no longer", async () => {
  const world = await World.open();
  const capacity = { messages: 3, bytes: Infinity, whenFull: "drop-oldest" } as const;
  const queue = await world.queue("work", { order: "per-key", capacity });
  await send(queue, "a1", "a2", "b1");
  const consumer = await consume(queue);
  const [a1, b1] = await consumer.take();
  consumer.settle([a1!], retry(10_000));
  await turn();
  expect(await consumer.take()).toEqual([]);
  await send(queue, "a3");
  const a2 = await consumer.take();
  expect(texts(a2)).toEqual(["a2"]);
  consumer.settle([...a2, b1!]);
  expect(texts(await consumer.take())).toEqual(["a3"]);
});

describe.for(["dead-letter", "drop"] as const)("what expires, and goes to be: %s", (whenExpired) => {
  async function expiring(): Promise<{ world: World; queue: QueueChannel }> {
    const world = await World.open();
    return { world, queue: await world.queue("work", { order: "per-key", expiresMs: 5_000, whenExpired }) };
  }

  test("is not handed out and holds up no later message of its key, wherever it waited", async () => {
    const { world, queue } = await expiring();
    await send(queue, "a1", "a2", "b1", "b2");
    const consumer = await consume(queue);
    const [a1, b1] = await consumer.take();
    consumer.settle([a1!], retry(4_000));
    await world.clock.advance(4_500);
    await send(queue, "a3", "b3");
    const again = await consumer.take();
    expect(texts(again)).toEqual(["a1"]);
    await world.clock.advance(1_000);
    consumer.settle([...again], retry());
    await turn();
    consumer.settle([b1!]);
    await turn();
    expect(texts([...(await consumer.take()), ...(await consumer.take())]).toSorted()).toEqual(["a3", "b3"]);
  });

  test("holds up nothing while it waits for its retry, also after a restart", async () => {
    const { world, queue } = await expiring();
    await send(queue, "a1");
    const before = await consume(queue);
    before.settle(await before.take(), retry(3_600_000));
    await before.source.flush();
    await world.kill();
    await world.clock.advance(4_000);
    const again = await world.queue("work", { order: "per-key", expiresMs: 5_000, whenExpired });
    await send(again, "a2");
    await world.clock.advance(1_500);
    await turn();
    const after = await consume(again);
    expect(texts(await after.take())).toEqual(["a2"]);
  });
});

describe("after a restart", () => {
  test("what only waited behind its key has had no attempt", async () => {
    const { world, queue } = await keyed();
    await send(queue, "a1", "a2", "b1");
    const before = await consume(queue);
    expect(texts(await before.take())).toEqual(["a1", "b1"]);
    await before.source.flush();
    await world.kill();
    const after = await consume(await world.queue("work", { order: "per-key" }));
    const first = await after.take();
    expect(first.map(({ attempt }) => attempt)).toEqual([2, 2]);
    after.settle(first);
    const second = await after.take();
    expect(texts(second)).toEqual(["a2"]);
    expect(second[0]?.attempt).toBe(1);
  });

  test("what had an attempt has had it, though the log that said so was given up at a checkpoint", async () => {
    const { world, queue } = await keyed();
    await send(queue, "a1", "a2", "b1");
    const before = await consume(queue);
    expect(texts(await before.take())).toEqual(["a1", "b1"]);
    await before.source.flush();
    await world.engine.log.checkpoint();
    await world.kill();
    const after = await consume(await world.queue("work", { order: "per-key" }));
    expect((await after.take()).map(({ attempt }) => attempt)).toEqual([2, 2]);
  });

  test("a key still waits for the message that backed off before", async () => {
    const { world, queue } = await keyed();
    await send(queue, "a1", "a2", "b1");
    const before = await consume(queue);
    const [a1] = await before.take(1);
    before.settle([a1!], retry(10_000));
    await before.source.flush();
    await world.kill();
    const after = await consume(await world.queue("work", { order: "per-key" }));
    expect(texts(await after.take())).toEqual(["b1"]);
    expect(await after.take()).toEqual([]);
    await world.clock.advance(10_000);
    expect(texts(await after.take())).toEqual(["a1"]);
  });
});

describe("limits.parkedBytesMax", () => {
  test("bounds what waits behind busy keys: reading pauses, says so once, and goes on as keys do", async () => {
    const warnings: unknown[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) };
    const { world, queue } = await keyed({ limits: { parkedBytesMax: 128 }, logger });
    const count = 400;
    await send(queue, ...Array.from({ length: count }, (_, index) => `a${index}`), "b");
    const consumer = await consume(queue);
    const seen: string[] = [];
    for (let taken = await consumer.take(); taken.length > 0; taken = await consumer.take()) {
      if (seen.length === 1) {
        expect(queue.work.heldBack).toBe("parkedBytesMax");
        expect(await world.admin.stats("work")).toMatchObject({ ready: 0, parked: count - 1 });
      }
      seen.push(...texts(taken));
      consumer.settle(taken);
    }
    expect(seen.filter((value) => value !== "b")).toEqual(Array.from({ length: count }, (_, index) => `a${index}`));
    expect(seen).toContain("b");
    expect(queue.work.heldBack).toBe(undefined);
    expect(warnings).toEqual([{ channel: "work", group: "", limit: "parkedBytesMax", most: 128 }]);
  });
});

test(
  "a million messages of a blocked key delay another key by one reading of the log",
  { timeout: 60_000 },
  async () => {
    const world = await World.open({ limits: { ...defaultLimits, reserveBytes: 0 } });
    const capacity = { messages: Infinity, bytes: Infinity, whenFull: "block" } as const;
    const queue = await world.queue("work", { order: "per-key", capacity });
    const batch = Array.from({ length: 10_000 }, () => message("", { key: "blocked" }));
    const batches = 100;
    for (let each = 0; each < batches; each++) await queue.publishAll(batch);
    await send(queue, "o1", "o2");
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(1), retry(3_600_000));

    const reads = vi.spyOn(PartitionReader.prototype, "next");
    onTestFinished(() => reads.mockRestore());
    const other = consumer.source.take(10);
    expect(texts(await other)).toEqual(["o1"]);
    expect(reads.mock.calls.length).toBeLessThan(batches + 10);
    expect(queue.work.parked).toBe(batches * batch.length - 1);

    reads.mockClear();
    consumer.settle(await other);
    expect(texts(await consumer.take(10))).toEqual(["o2"]);
    expect(reads.mock.calls.length).toBeLessThan(10);
  },
);
