import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/base/random.js";
import type { CapacitySpec } from "../../src/engine/channel-spec.js";
import type { QueueChannel } from "../../src/engine/queue-channel.js";
import { consume, done, errorOf, message, numbered, release, retry, sendAll, texts, turn, World } from "./world.js";

type Drops = "drop-oldest" | "drop-newest" | "drop-random";

const all = ["drop-oldest", "drop-newest", "drop-random"] as const;

function bounded(messages: number, whenFull: CapacitySpec["whenFull"], bytes = Infinity): { capacity: CapacitySpec } {
  return { capacity: { messages, bytes, whenFull } };
}

async function queueOf(whenFull: Drops, messages = 3): Promise<{ world: World; queue: QueueChannel }> {
  const world = await World.open();
  return { world, queue: await world.queue("work", bounded(messages, whenFull)) };
}

async function waitingIn(queue: QueueChannel): Promise<string[]> {
  return texts(await (await consume(queue)).take());
}

async function droppedOf(sending: Promise<readonly { readonly dropped: boolean }[]>): Promise<boolean[]> {
  return (await sending).map((receipt) => receipt.dropped);
}

describe("a full queue that drops the oldest", () => {
  test("takes every send, and forgets what has waited longest", async () => {
    const { world, queue } = await queueOf("drop-oldest");
    for (const value of numbered(5)) expect(await queue.publish(message(value))).toMatchObject({ dropped: false });
    expect(await world.admin.stats("work")).toMatchObject({ messages: 3, sent: 5, dropped: 2, settled: 0 });
    expect(await waitingIn(queue)).toEqual(["2", "3", "4"]);
  });

  test("does so also for sends on their way to the disk", async () => {
    const { queue } = await queueOf("drop-oldest");
    await Promise.all(numbered(50).map((value) => queue.publish(message(value))));
    expect(queue.depth).toBe(3);
    expect(await waitingIn(queue)).toEqual(["47", "48", "49"]);
  });

  test("forgets what waits for its retry, too, and never what is leased", async () => {
    const { queue } = await queueOf("drop-oldest");
    await sendAll(queue, numbered(3));
    const consumer = await consume(queue);
    const [first, second] = await consumer.take(2);
    consumer.settle([second!], retry(60_000));
    await sendAll(queue, ["3"]);
    await sendAll(queue, ["4"]);
    expect(texts(await consumer.take())).toEqual(["3", "4"]);
    expect(consumer.settle([first!], release)).toEqual([true]);
    await turn();
    expect(texts(await consumer.take())).toEqual(["0"]);
  });

  test("forgets nothing that was leased since it last dropped", async () => {
    const { queue } = await queueOf("drop-oldest");
    await sendAll(queue, numbered(4));
    const consumer = await consume(queue);
    const leased = await consumer.take(1);
    await sendAll(queue, ["4"]);
    expect(texts(await consumer.take())).toEqual(["3", "4"]);
    expect(texts(leased)).toEqual(["1"]);
  });

  test("forgets nothing for a message that is refused, and keeps nothing from being forgotten later", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { ...bounded(3, "drop-oldest"), order: "per-key" });
    await sendAll(queue, numbered(3));
    expect(await errorOf(queue.publish(message("later", { delayMs: 1000 })))).toMatchObject({ code: "NOT_SUPPORTED" });
    expect(await world.admin.stats("work")).toMatchObject({ messages: 3, dropped: 0 });
    await sendAll(queue, ["3"]);
    expect(await waitingIn(queue)).toEqual(["1", "2", "3"]);
  });

  test("drops the new one where everything is leased", async () => {
    const { world, queue } = await queueOf("drop-oldest");
    await sendAll(queue, numbered(3));
    const consumer = await consume(queue);
    const leased = await consumer.take();
    expect(await queue.publish(message("3", { id: "x" }))).toMatchObject({ id: "x", dropped: true });
    consumer.settle(leased.slice(0, 1), done);
    expect(await queue.publish(message("4"))).toMatchObject({ dropped: false });
    expect(await world.admin.stats("work")).toMatchObject({ messages: 3, inFlight: 2, dropped: 1 });
  });

  test("of a batch that is larger than itself stores the end", async () => {
    const { queue } = await queueOf("drop-oldest");
    await sendAll(queue, ["before"]);
    const batch = numbered(5).map((value) => message(value));
    expect(await droppedOf(queue.publishAll(batch))).toEqual([true, true, false, false, false]);
    expect(await waitingIn(queue)).toEqual(["2", "3", "4"]);
  });

  test("of several priorities forgets the lowest first", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { ...bounded(3, "drop-oldest"), priorities: 3 });
    for (const priority of [1, 3, 2, 3, 3, 1]) await queue.publish(message(`p${priority}`, { priority }));
    expect(await waitingIn(queue)).toEqual(["p3", "p3", "p1"]);
  });
});

test("a full queue counts delayed messages, and drops them after those that could be handed out", async () => {
  const { world, queue } = await queueOf("drop-oldest", 2);
  await queue.publish(message("later", { delayMs: 60_000 }));
  for (const value of numbered(3)) await sendAll(queue, [value]);
  const consumer = await consume(queue);
  const leased = await consumer.take();
  expect(texts(leased)).toEqual(["2"]);
  await sendAll(queue, ["3"]);
  expect(texts(await consumer.take())).toEqual(["3"]);
  await world.clock.advance(60_000);
  expect(await world.admin.stats("work")).toMatchObject({ messages: 2, dropped: 3, delayed: 0 });
});

test("a full queue in the order of its keys drops what its key waits for, and goes on with the next of the key", async () => {
  const world = await World.open();
  const queue = await world.queue("work", { ...bounded(3, "drop-oldest"), order: "per-key" });
  const send = (value: string): Promise<unknown> => queue.publish(message(value, { key: "k" }));
  for (const value of numbered(3)) await send(value);
  const consumer = await consume(queue);
  const [first] = await consumer.take();
  expect(texts([first!])).toEqual(["0"]);
  consumer.settle([first!], retry(60_000));
  await turn();
  expect(await consumer.take()).toEqual([]);
  await send("3");
  await turn();
  const [second] = await consumer.take();
  expect(texts([second!])).toEqual(["1"]);
  await send("4");
  consumer.settle([second!]);
  expect(texts(await consumer.take())).toEqual(["3"]);
});

describe("a full queue that drops the newest", () => {
  test("leaves what waits alone, and says of each send that it was dropped", async () => {
    const { world, queue } = await queueOf("drop-newest");
    const batch = numbered(5).map((value) => message(value, { id: value }));
    expect(await droppedOf(queue.publishAll(batch))).toEqual([false, false, false, true, true]);
    expect(await queue.publish(message("plain"))).toMatchObject({ id: "", dropped: true, duplicate: false });
    expect(await world.admin.stats("work")).toMatchObject({ messages: 3, sent: 3, dropped: 3 });
    expect(await waitingIn(queue)).toEqual(["0", "1", "2"]);
  });

  test("remembers no id of what it dropped: sent again, when there is room, it is stored", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { ...bounded(1, "drop-newest"), dedupMs: 60_000 });
    await queue.publish(message("0", { id: "0" }));
    expect(await queue.publish(message("1", { id: "1" }))).toMatchObject({ duplicate: false, dropped: true });
    expect(await queue.publish(message("0", { id: "0" }))).toMatchObject({ duplicate: true, dropped: false });
    const consumer = await consume(queue);
    consumer.settle(await consumer.take());
    expect(await queue.publish(message("1", { id: "1" }))).toMatchObject({ duplicate: false, dropped: false });
  });
});

describe("a full queue that drops at random", () => {
  test("forgets each of those that wait as often as the others, over all priorities", async () => {
    const counts = new Map<string, number>();
    const random = seededRandom(11);
    const rounds = 400;
    const world = await World.open({ random });
    for (let round = 0; round < rounds; round++) {
      const queue = await world.queue(`work-${round}`, { ...bounded(8, "drop-random"), priorities: 2 });
      for (let each = 0; each < 8; each++) {
        await queue.publish(message(String(each), { priority: (each % 2) + 1 }));
      }
      const consumer = await consume(queue);
      const leased = texts(await consumer.take(2));
      await queue.publish(message("new"));
      const left = new Set([...leased, ...texts(await consumer.take())]);
      expect(left.has("new")).toBe(true);
      for (const value of leased) expect(left.has(value)).toBe(true);
      for (const value of numbered(8)) if (!left.has(value)) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    // Leased are 1 and 3. Of the six others each is expected 67 times, with a deviation of 7.5.
    expect([...counts.keys()].sort()).toEqual(["0", "2", "4", "5", "6", "7"]);
    for (const count of counts.values()) expect(Math.abs(count - rounds / 6)).toBeLessThan(30);
  });

  test("of a batch that is larger than itself keeps any part, in order", async () => {
    const { queue } = await queueOf("drop-random", 10);
    const receipts = await queue.publishAll(numbered(100).map((value) => message(value)));
    const kept = numbered(100).filter((_, index) => receipts[index]?.dropped === false);
    expect(kept).toHaveLength(10);
    expect(kept.at(-1)).toBe("99");
    expect(kept[0]).not.toBe("90");
    expect(await waitingIn(queue)).toEqual(kept);
  });
});

describe.for(all)("a full queue with the policy %s", (whenFull) => {
  test("tells staged sends apart from those that were stored, in one commit with the settlement", async () => {
    const { world, queue } = await queueOf(whenFull);
    await sendAll(queue, numbered(3));
    expect(queue.room({ signal: undefined, timeoutMs: 0 })).toBeUndefined();
    const receipts = await world.engine.commit(
      numbered(2, 3).map((value) => ({ channel: queue, message: message(value) })),
    );
    const isNewest = whenFull === "drop-newest";
    expect(receipts.map((receipt) => receipt.dropped)).toEqual([isNewest, isNewest]);
    expect(await world.admin.stats("work")).toMatchObject({ messages: 3, dropped: 2 });
  });

  test("is as full as its bytes allow, whatever the sizes, also after a power cut", async () => {
    const world = await World.open();
    const spec = bounded(1_000, whenFull, 5_000);
    const queue = await world.queue("work", spec);
    const random = seededRandom(7);
    const value = (): string => "x".repeat(Math.floor(random() * 1_500));
    for (let each = 0; each < 40; each++) {
      void queue.publish(message(value())).catch(() => {});
      if (each % 7 === 0) await turn();
      expect(queue.work.bytes).toBeLessThanOrEqual(5_000);
    }
    await turn();
    const { bytes } = queue.work;
    expect(bytes).toBeGreaterThan(3_000);
    await world.cutPower();
    const again = await world.queue("work", spec);
    expect(again.work.bytes).toBe(bytes);
    const consumer = await consume(again);
    consumer.settle(await consumer.take());
    expect(again.work.bytes).toBe(0);
  });

  test("refuses a message that can never fit, and drops nothing for it", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(1_000, whenFull, 500));
    await queue.publish(message("small"));
    const huge = message("x".repeat(1_000));
    expect(await errorOf(queue.publish(huge))).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    expect(await errorOf(queue.publishAll([message("1"), huge]))).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    expect(await waitingIn(queue)).toEqual(["small"]);
  });

  test("drops nothing where the disk takes nothing more", async () => {
    const { world, queue } = await queueOf(whenFull);
    await sendAll(queue, numbered(3));
    world.disk.faults = (call) => (call.operation === "sync" ? { fail: "EIO" } : undefined);
    const refused = await errorOf(queue.publish(message("3")));
    if (whenFull !== "drop-newest") expect(refused).toMatchObject({ code: "LOG_FENCED" });
    await world.cutPower();
    expect(await waitingIn(await world.queue("work", bounded(3, whenFull)))).toEqual(numbered(3));
  });

  test("lets in who has waited while it still blocked", async () => {
    const world = await World.open();
    const queue = await world.queue("work", bounded(2, "block"));
    await sendAll(queue, numbered(2));
    const waiting = [queue.publish(message("2")), queue.publishAll([message("3"), message("4")])];
    await turn();
    await world.queue("work", bounded(2, whenFull));
    await Promise.all(waiting);
    expect(queue.depth).toBe(2);
    expect(await waitingIn(queue)).toHaveLength(2);
  });
});
