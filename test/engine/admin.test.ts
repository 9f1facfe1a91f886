import { describe, expect, test } from "vitest";
import type { PeekedMessage } from "../../src/engine/peek.js";
import { consume, leaseMs, message, numbered, retry, sendAll, texts, turn, World } from "./world.js";

const look = (after?: string, limit = 100): { group: string; limit: number; after: string | undefined } => ({
  group: "",
  limit,
  after,
});

const brief = (messages: readonly PeekedMessage[]): [string, string, number][] =>
  messages.map((each) => [texts([each]).join(), each.state, each.attempts]);

describe("peeking", () => {
  test("tells the state of each message, and when that will change", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, numbered(4));
    const consumer = await consume(queue);
    const held = await consumer.take(3);
    consumer.settle(held.slice(0, 1));
    consumer.settle(held.slice(1, 2), retry(5000));
    await world.clock.advance(1000);
    const messages = await world.admin.peek("work", look());
    expect(brief(messages)).toEqual([
      ["1", "delayed", 1],
      ["2", "leased", 1],
      ["3", "ready", 0],
    ]);
    const nowMs = world.clock.nowMs();
    expect(messages.map((each) => each.untilMs)).toEqual([nowMs + 4000, nowMs + leaseMs - 1000, undefined]);
  });

  test("changes nothing", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, numbered(5));
    await world.admin.peek("work", look());
    await world.admin.peek("work", look());
    const deliveries = await (await consume(queue)).take();
    expect(deliveries.map((delivery) => delivery.attempt)).toEqual([1, 1, 1, 1, 1]);
  });

  test("pages on from any message, whether it has an id of its own or not", async () => {
    const world = await World.open();
    const queue = await world.queue();
    for (const each of numbered(10))
      await queue.publish(message(each, { id: Number(each) % 2 === 0 ? `id-${each}` : undefined }));
    const seen: string[] = [];
    let after: string | undefined;
    for (let page = 0; page < 4; page++) {
      const messages = await world.admin.peek("work", look(after, 3));
      seen.push(...texts(messages));
      after = messages.at(-1)?.id;
    }
    expect(seen).toEqual(numbered(10));
    await expect(world.admin.peek("work", look("unknown"))).rejects.toMatchObject({ code: "MESSAGE_UNKNOWN" });
  });

  test("pages on from a message that was settled meanwhile", async () => {
    const world = await World.open();
    const queue = await world.queue();
    for (const each of numbered(6)) await queue.publish(message(each, { id: `id-${each}` }));
    const { admin } = world;
    const last = (await admin.peek("work", look(undefined, 3))).at(-1)!;
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(3));
    expect(texts(await admin.peek("work", look(last.id)))).toEqual(["3", "4", "5"]);
  });

  test("shows a group of a topic or a stream what it has still before it", async () => {
    const world = await World.open();
    const [topic, stream] = [await world.topic(), await world.stream("events", { partitions: 2 })];
    const consumers = [await consume(topic, { group: "g" }), await consume(stream, { group: "g" })];
    for (const channel of [topic, stream]) for (const each of numbered(4)) await channel.publish(message(each));
    for (const consumer of consumers) consumer.settle((await consumer.take()).slice(0, 1));
    const options = { group: "g", limit: 10, after: undefined };
    expect(texts(await world.admin.peek("news", options))).toEqual(["1", "2", "3"]);
    expect(await world.admin.peek("events", options)).toHaveLength(3);
    await expect(world.admin.peek("news", { ...options, group: "other" })).rejects.toMatchObject({
      code: "GROUP_UNKNOWN",
    });
  });

  test("is refused where there is nothing to look at", async () => {
    const world = await World.open();
    await world.ephemeral();
    await expect(world.admin.peek("ticker", look())).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
    await expect(world.admin.peek("nowhere", look())).rejects.toMatchObject({ code: "CHANNEL_UNKNOWN" });
  });
});

describe("removing messages", () => {
  test("settles them and publishes what goes with each, and leaves out what is leased or gone", async () => {
    const world = await World.open();
    const [queue, next] = [await world.queue(), await world.queue("next")];
    for (const each of numbered(5))
      await queue.publish(message(each, { id: Number(each) === 3 ? "three" : undefined }));
    const consumer = await consume(queue);
    const [first, second] = await consumer.take(2);
    consumer.settle([second!]);
    const ids = [first!.id, second!.id, "work/0/2", "three", "work/0/3", "nothing"];
    const removals = ids.map((id) => ({ id, sends: [{ channel: next, message: message(`moved ${id}`) }] }));
    expect(await world.admin.remove("work", removals)).toEqual(["work/0/2", "three"]);
    await world.cutPower();
    expect(texts(await (await consume(await world.queue("next"))).take())).toEqual(["moved work/0/2", "moved three"]);
    expect(texts(await (await consume(await world.queue())).take())).toEqual(["0", "4"]);
  });

  test("removes one that waits for its retry: it does not come back", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, ["delayed"]);
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(), retry(1000));
    await turn();
    expect(await world.admin.remove("work", [{ id: "work/0/0", sends: [] }])).toEqual(["work/0/0"]);
    await world.clock.advance(5000);
    expect(await consumer.take()).toEqual([]);
    expect(queue.depth).toBe(0);
  });

  test("makes room in a full queue", async () => {
    const world = await World.open();
    const queue = await world.queue("work", { capacity: { messages: 1, bytes: Infinity, whenFull: "block" } });
    await sendAll(queue, ["1"]);
    const second = queue.publish(message("2"));
    await world.admin.remove("work", [{ id: "work/0/0", sends: [] }]);
    await second;
  });

  test("is refused for streams and topics", async () => {
    const world = await World.open();
    await world.stream();
    await expect(world.admin.remove("events", [])).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
  });
});

describe("the numbers of a channel", () => {
  test("count messages by their state", async () => {
    const world = await World.open();
    const queue = await world.queue();
    await sendAll(queue, numbered(10));
    await world.clock.advance(7000);
    const consumer = await consume(queue);
    const held = await consumer.take(6);
    consumer.settle(held.slice(1, 3));
    consumer.settle(held.slice(3, 4), retry(1000));
    await turn();
    expect(await world.admin.stats("work")).toMatchObject({
      name: "work",
      kind: "queue",
      messages: 8,
      ready: 4,
      inFlight: 3,
      delayed: 1,
      oldestMs: 7000,
      sent: 10,
      settled: 2,
      redelivered: 0,
      dropped: 0,
      damaged: 0,
    });
    await world.clock.advance(1000);
    await consumer.take();
    expect(await world.admin.stats("work")).toMatchObject({ redelivered: 1, ready: 0, delayed: 0 });
  });

  test("of an empty queue have no oldest message", async () => {
    const world = await World.open();
    await world.queue();
    expect(await world.admin.stats("work")).toMatchObject({ messages: 0, bytes: 0, oldestMs: undefined });
  });

  test("of a topic add its groups up, of a stream count what is kept", async () => {
    const world = await World.open();
    const [topic, stream] = [await world.topic(), await world.stream("events", { partitions: 2 })];
    for (const group of ["a", "b"]) await consume(topic, { group });
    const consumer = await consume(stream, { group: "g" });
    for (const channel of [topic, stream]) for (const each of numbered(4)) await channel.publish(message(each));
    consumer.settle((await consumer.take()).slice(0, 2));
    expect(await world.admin.stats("news")).toMatchObject({ messages: 4, ready: 8, inFlight: 0 });
    expect(await world.admin.stats("events")).toMatchObject({ messages: 4, inFlight: 2, settled: 2, partitions: 2 });
  });

  test("tell how far a group is behind, in messages and in time", async () => {
    const world = await World.open();
    const stream = await world.stream();
    await sendAll(stream, numbered(3));
    await world.clock.advance(2000);
    await sendAll(stream, numbered(3));
    await world.clock.advance(500);
    const consumer = await consume(stream, { group: "g" });
    const held = await consumer.take();
    const lag = (): Promise<unknown> => world.admin.lag("events", "g");
    expect(await lag()).toEqual([{ partition: 0, committed: 0n, end: 6n, messages: 6, ms: 2500 }]);
    consumer.settle([held[1]!]);
    expect(await lag()).toEqual([{ partition: 0, committed: 0n, end: 6n, messages: 5, ms: 2500 }]);
    consumer.settle([held[0]!, held[2]!]);
    expect(await lag()).toEqual([{ partition: 0, committed: 3n, end: 6n, messages: 3, ms: 500 }]);
    consumer.settle(held.slice(3));
    expect(await lag()).toEqual([{ partition: 0, committed: 6n, end: 6n, messages: 0, ms: 0 }]);
  });

  test("list every channel and group", async () => {
    const world = await World.open();
    await world.queue();
    await consume(await world.stream("events", { partitions: 3 }), { group: "g" });
    await world.ephemeral();
    expect(await world.admin.channels()).toEqual([
      { name: "work", kind: "queue", durable: true, partitions: 1 },
      { name: "events", kind: "stream", durable: true, partitions: 3 },
      { name: "ticker", kind: "topic", durable: false, partitions: 1 },
    ]);
    expect(await world.admin.groups("work")).toEqual([{ name: "", members: 0 }]);
    expect(await world.admin.groups("events")).toEqual([{ name: "g", members: 1 }]);
    expect(await world.admin.groups("ticker")).toEqual([]);
  });
});
