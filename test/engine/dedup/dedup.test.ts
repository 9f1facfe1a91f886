import { describe, expect, test } from "vitest";
import type { Channel } from "../../../src/engine/engine.js";
import type { Receipt } from "../../../src/engine/message.js";
import { consume, done, errorOf, message, texts, turn, World } from "../world.js";

const minute = 60_000;
const window = { dedupMs: 5 * minute };

const sendTo = (channel: Channel, id: string, value = id): Promise<Receipt> => channel.publish(message(value, { id }));

async function stored(channel: Channel, group = ""): Promise<string[]> {
  return texts(await (await consume(channel, { group })).take());
}

describe("a second send with the same id", () => {
  test("is acknowledged with the id, and stored nowhere", async () => {
    const queue = await (await World.open()).queue("work", window);
    const first = await sendTo(queue, "a", "first");
    const second = await sendTo(queue, "a", "second");
    expect(first).toMatchObject({ id: "a", duplicate: false });
    expect([second.id, second.duplicate, second.dropped, second.offset]).toEqual(["a", true, false, undefined]);
    expect(await stored(queue)).toEqual(["first"]);
  });

  test("counts from the last one that was stored, also after a crash that found the one before still within its window", async () => {
    const world = await World.open();
    const queue = await world.queue("work", window);
    // Not waited for: it is written down a millisecond later than it was looked at.
    const first = sendTo(queue, "a", "first");
    await world.clock.advance(1);
    await first;
    await world.clock.advance(5 * minute - 1);
    expect(await sendTo(queue, "a", "second")).toMatchObject({ duplicate: false });
    await world.clock.advance(1);
    await world.kill();
    const again = await world.queue("work", window);
    await world.clock.advance(minute);
    expect(await sendTo(again, "a", "third")).toMatchObject({ duplicate: true });
  });

  test("is one also after the first was handled", async () => {
    const queue = await (await World.open()).queue("work", window);
    await sendTo(queue, "a");
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(), done);
    await consumer.source.flush();
    expect(await sendTo(queue, "a")).toMatchObject({ duplicate: true });
  });

  test("is stored where the channel has no window, and on a channel that has seen it nowhere", async () => {
    const world = await World.open();
    const without = await world.queue("without");
    await sendTo(without, "a");
    expect(await sendTo(without, "a")).toMatchObject({ duplicate: false });
    expect(await sendTo(await world.queue("work", window), "a")).toMatchObject({ duplicate: false });
    expect(await sendTo(await world.queue("other", window), "a")).toMatchObject({ duplicate: false });
  });

  test("is one on streams and durable topics with a window, whatever its key", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { ...window, partitions: 3 });
    const topic = await world.topic("news", window);
    await stream.publish(message("1", { id: "a", key: "one" }));
    expect(await stream.publish(message("2", { id: "a", key: "two" }))).toMatchObject({ duplicate: true });
    await sendTo(topic, "a");
    expect(await sendTo(topic, "a")).toMatchObject({ duplicate: true });
  });

  test("resolves only once the first is durable", async () => {
    const world = await World.open();
    const queue = await world.queue("work", window);
    const order: string[] = [];
    const first = sendTo(queue, "a").then(() => order.push("first"));
    const second = sendTo(queue, "a").then(() => order.push("second"));
    expect(order).toEqual([]);
    await Promise.all([first, second]);
    expect(order).toEqual(["first", "second"]);
  });

  test("resolves no sooner in a batch that a full queue takes because nothing of it is new", async () => {
    const world = await World.open();
    const capacity = { messages: 1, bytes: Infinity, whenFull: "block" } as const;
    const queue = await world.queue("work", { ...window, capacity });
    const order: string[] = [];
    const first = sendTo(queue, "a").then(() => order.push("first"));
    const second = queue.publishAll([message("a", { id: "a" })]).then(() => order.push("second"));
    await Promise.all([first, second]);
    expect(order).toEqual(["first", "second"]);
  });

  test("is none when the first was refused", async () => {
    const queue = await (await World.open()).queue("work", { ...window, order: "per-key" });
    const timed = queue.publish(message("a", { id: "a", key: "k", delayMs: 1 }));
    await expect(timed).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
    expect(await queue.publish(message("a", { id: "a", key: "k" }))).toMatchObject({ duplicate: false });
  });

  test("fails when the first fails, and so does every later one", async () => {
    const world = await World.open();
    const queue = await world.queue("work", window);
    world.disk.faults = (call) => (call.operation === "sync" ? { fail: "EIO" } : undefined);
    const first = errorOf(sendTo(queue, "a"));
    const second = errorOf(sendTo(queue, "a"));
    expect([await first, await second]).toMatchObject([{ code: "LOG_FENCED" }, { code: "LOG_FENCED" }]);
    await expect(sendTo(queue, "a")).rejects.toMatchObject({ code: "LOG_FENCED" });
  });

  test("needs no room in a full queue", async () => {
    const world = await World.open();
    const capacity = { messages: 1, bytes: Infinity, whenFull: "reject" } as const;
    const queue = await world.queue("work", { ...window, capacity });
    await sendTo(queue, "a");
    expect(await sendTo(queue, "a")).toMatchObject({ duplicate: true });
    expect(await queue.publishAll([message("1", { id: "a" }), message("2", { id: "a" })])).toMatchObject([
      { duplicate: true },
      { duplicate: true },
    ]);
    await expect(sendTo(queue, "b")).rejects.toMatchObject({ code: "QUEUE_FULL" });
    const consumer = await consume(queue);
    consumer.settle(await consumer.take());
    expect(await sendTo(queue, "b")).toMatchObject({ duplicate: false });
  });

  test("is one also when both waited for room", async () => {
    const world = await World.open();
    const queue = await world.queue("work", {
      ...window,
      capacity: { messages: 1, bytes: Infinity, whenFull: "block" },
    });
    await sendTo(queue, "a");
    const both = Promise.all([sendTo(queue, "b"), sendTo(queue, "b")]);
    const consumer = await consume(queue);
    consumer.settle(await consumer.take());
    expect(await both).toMatchObject([{ duplicate: false }, { duplicate: true }]);
  });

  test("is told in its place in a batch, of the same batch too", async () => {
    const queue = await (await World.open()).queue("work", window);
    await sendTo(queue, "a");
    const batch = ["a", "b", "b", "c", "a"].map((id, index) => message(`${id}${index}`, { id }));
    const receipts = await queue.publishAll([...batch, message("plain")]);
    expect(receipts.map((receipt) => [receipt.id, receipt.duplicate])).toEqual([
      ["a", true],
      ["b", false],
      ["b", true],
      ["c", false],
      ["a", true],
      ["work/0/3", false],
    ]);
    expect(await stored(queue)).toEqual(["a", "b1", "c3", "plain"]);
  });

  test("stores nothing in a transaction, which goes through without it", async () => {
    const world = await World.open();
    const queue = await world.queue("work", window);
    const other = await world.queue("other", window);
    await sendTo(queue, "a");
    const receipts = await world.engine.commit([
      { channel: queue, message: message("again", { id: "a" }) },
      { channel: other, message: message("x", { id: "x" }) },
      { channel: other, message: message("x again", { id: "x" }) },
    ]);
    expect(receipts.map((receipt) => receipt.duplicate)).toEqual([true, false, true]);
    expect([await stored(queue), await stored(other)]).toEqual([["a"], ["x"]]);
  });

  test("stores nothing with a settlement, which takes effect without it", async () => {
    const world = await World.open();
    const queue = await world.queue("work");
    const next = await world.queue("next", window);
    await queue.publishAll([message("1"), message("2")]);
    const consumer = await consume(queue);
    for (const delivery of await consumer.take()) {
      consumer.source.settle(delivery, {
        kind: "done",
        sends: [{ channel: next, message: message("n", { id: "n" }) }],
      });
    }
    await consumer.source.flush();
    expect(await stored(next)).toEqual(["n"]);
    expect(await world.admin.stats("work")).toMatchObject({ messages: 0, settled: 2 });
  });

  test("is counted, as are the ids that are remembered", async () => {
    const world = await World.open();
    const queue = await world.queue("work", window);
    await sendTo(queue, "a");
    await sendTo(queue, "a");
    await sendTo(queue, "b");
    expect(await world.admin.stats("work")).toMatchObject({ sent: 2, duplicates: 1, ids: 2, idsForgotten: 0 });
  });
});

describe("the window", () => {
  test("ends, and a tenth of it later at most an id is new", async () => {
    const world = await World.open();
    const queue = await world.queue("work", window);
    await sendTo(queue, "a");
    await world.clock.advance(5 * minute - 1);
    expect(await sendTo(queue, "a")).toMatchObject({ duplicate: true });
    await world.clock.advance(minute / 2 + 1);
    expect(await sendTo(queue, "a")).toMatchObject({ duplicate: false });
  });

  test("is as long for each id, however close to others it came", async () => {
    const world = await World.open();
    const queue = await world.queue("work", window);
    await sendTo(queue, "a");
    await world.clock.advance(20_000);
    await sendTo(queue, "b");
    await world.clock.advance(5 * minute - 1);
    expect(await sendTo(queue, "b")).toMatchObject({ duplicate: true });
  });

  test("begins with the send that was stored: what was a duplicate does not make it longer", async () => {
    const world = await World.open();
    const queue = await world.queue("work", window);
    await sendTo(queue, "a");
    for (let each = 0; each < 5; each++) {
      await world.clock.advance(minute);
      await sendTo(queue, "a");
    }
    await world.clock.advance(minute / 2);
    expect(await world.admin.stats("work")).toMatchObject({ sent: 2 });
  });

  test.for(["restart", "kill", "cutPower"] as const)("goes on over a %s", async (how) => {
    const world = await World.open();
    const before = await world.queue("work", window);
    await sendTo(before, "a");
    await world.clock.advance(4 * minute);
    await sendTo(before, "b");
    await world[how]();
    const queue = await world.queue("work", window);
    expect(await sendTo(queue, "a")).toMatchObject({ duplicate: true });
    await world.clock.advance(2 * minute);
    expect(await sendTo(queue, "a")).toMatchObject({ duplicate: false });
    expect(await sendTo(queue, "b")).toMatchObject({ duplicate: true });
  });

  test("passes also while no process runs", async () => {
    const world = await World.open();
    await sendTo(await world.queue("work", window), "a");
    await world.engine.close();
    await world.clock.advance(6 * minute);
    await world.kill();
    expect(await sendTo(await world.queue("work", window), "a")).toMatchObject({ duplicate: false });
  });

  test.for([-10 * 365 * 24 * 60, -60, 60, 10 * 365 * 24 * 60])(
    "is neither shorter nor longer for a wall clock that was set by %d minutes, also over a restart",
    async (minutes) => {
      const world = await World.open();
      const before = await world.queue("work", window);
      await sendTo(before, "a");
      world.clock.jump(minutes * minute);
      expect(await sendTo(before, "a")).toMatchObject({ duplicate: true });
      await world.clock.advance(3 * minute);
      await sendTo(before, "b");
      await world.restart();
      const queue = await world.queue("work", window);
      expect(await sendTo(queue, "a")).toMatchObject({ duplicate: true });
      await world.clock.advance(3 * minute);
      expect(await sendTo(queue, "a")).toMatchObject({ duplicate: false });
      expect(await sendTo(queue, "b")).toMatchObject({ duplicate: true });
    },
  );

  test("can be changed: what is remembered stays as long as the new one says", async () => {
    const world = await World.open();
    await sendTo(await world.queue("work", window), "a");
    const longer = await world.queue("work", { dedupMs: 60 * minute });
    await world.clock.advance(50 * minute);
    expect(await sendTo(longer, "a")).toMatchObject({ duplicate: true });
    const shorter = await world.queue("work", { dedupMs: minute });
    expect(await sendTo(shorter, "a")).toMatchObject({ duplicate: false });
    const none = await world.queue("work", { dedupMs: undefined });
    expect(await sendTo(none, "a")).toMatchObject({ duplicate: false });
  });

  test("gives its memory and its files back when it is over", async () => {
    const world = await World.open();
    const queue = await world.queue("work", window);
    await sendTo(queue, "a");
    await world.engine.log.checkpoint();
    expect(world.disk.list("d/1")).toEqual(["sent-1.0.ids"]);
    await world.clock.advance(6 * minute);
    await world.engine.log.checkpoint();
    await turn();
    expect(world.disk.list("d/1")).toEqual([]);
    expect(await world.admin.stats("work")).toMatchObject({ ids: 0 });
    expect(await sendTo(queue, "a")).toMatchObject({ duplicate: false });
  });
});

describe("limits.dedupIdsMax", () => {
  test("makes the oldest ids go before their time, which is said once and counted", async () => {
    const said: string[] = [];
    const logger = { debug() {}, info() {}, warn: (_: unknown, text: string) => void said.push(text), error() {} };
    const world = await World.open({ limits: { dedupIdsMax: 100 }, logger });
    const queue = await world.queue("work", window);
    for (let each = 0; each < 250; each++) await sendTo(queue, `id-${each}`);
    const { ids, idsForgotten } = await world.admin.stats("work");
    expect(ids + idsForgotten).toBe(250);
    expect(ids).toBeGreaterThan(85);
    expect(ids).toBeLessThanOrEqual(100);
    expect(await sendTo(queue, "id-249")).toMatchObject({ duplicate: true });
    expect(await sendTo(queue, "id-0")).toMatchObject({ duplicate: false });
    expect(said).toEqual([expect.stringMatching(/^the oldest ids are forgotten before their time/)]);
  });
});

test("a checkpoint writes the ids that are new, and opening reads them back", async () => {
  const world = await World.open();
  const queue = await world.queue("work", window);
  const send = (from: number, count: number): Promise<Receipt[]> =>
    queue.publishAll(Array.from({ length: count }, (_, each) => message("v", { id: `id-${from + each}` })));
  await send(0, 9_000);
  await world.engine.log.checkpoint();
  const bytes = (): number => world.disk.open("d/1/sent-1.0.ids", "read").size();
  const before = bytes();
  await send(9_000, 10);
  await world.engine.log.checkpoint();
  expect(before).toBeGreaterThan(9_000 * 12);
  expect(bytes() - before).toBe(16 + 10 * 12);
  await world.cutPower();
  const again = await world.queue("work", window);
  const receipts = await again.publishAll(
    [0, 5_000, 8_999, 9_000, 9_009, 9_010].map((each) => message("v", { id: `id-${each}` })),
  );
  expect(receipts.map((receipt) => receipt.duplicate)).toEqual([true, true, true, true, true, false]);
});

test("a power cut between any two disk calls leaves no message without its id, also where a commit is closed in the middle of a batch", async () => {
  const batch = Array.from({ length: 8 }, (_, each) => message(String(each).padEnd(20_000), { id: `id-${each}` }));
  for (let afterCalls = 0; afterCalls < 12; afterCalls++) {
    const world = await World.open();
    const queue = await world.queue("work", window);
    world.disk.crashAt(world.disk.calls + afterCalls);
    const sending = errorOf(queue.publishAll(batch));
    await turn();
    await turn();
    await world.cutPower("everything");
    const again = await world.queue("work", window);
    await again.publishAll(batch);
    expect((await stored(again)).map((text) => text.trim()).sort()).toEqual(batch.map((_, each) => String(each)));
    void sending;
  }
});

test("damage to a page of ids is found and told; what it has not touched still counts", async () => {
  const world = await World.open();
  const before = await world.queue("work", window);
  await sendTo(before, "a");
  await world.engine.log.checkpoint();
  await sendTo(before, "b");
  await world.engine.close();
  const file = world.disk.open("d/1/sent-1.0.ids", "write");
  file.write(Buffer.from("?"), 20);
  file.close();
  await world.kill();
  expect(world.engine.log.findings).toMatchObject([
    { kind: "page-damaged", file: "d/1/sent-1.0.ids", lost: "which ids were seen; sent again, they are stored again" },
  ]);
  const queue = await world.queue("work", window);
  expect(await sendTo(queue, "b")).toMatchObject({ duplicate: true });
  expect(await sendTo(queue, "a")).toMatchObject({ duplicate: false });
  await world.restart();
  expect(world.engine.log.findings).toEqual([]);
  expect(await sendTo(await world.queue("work", window), "a")).toMatchObject({ duplicate: true });
});

test("a duplicate is told on a full disk, where nothing new can be stored", async () => {
  const world = await World.open({ disk: { capacityBytes: 2_000_000 } });
  const queue = await world.queue("work", window);
  await sendTo(queue, "a");
  let refused: unknown;
  for (let each = 0; each < 100 && refused === undefined; each++) {
    refused = await errorOf(queue.publish(message("x".repeat(50_000))));
  }
  expect(refused).toMatchObject({ code: "DISK_FULL" });
  expect(await sendTo(queue, "a")).toMatchObject({ duplicate: true });
  expect(await queue.publishAll([message("1", { id: "a" }), message("2", { id: "a" })])).toMatchObject([
    { duplicate: true },
    { duplicate: true },
  ]);
  await expect(sendTo(queue, "b")).rejects.toMatchObject({ code: "DISK_FULL" });
});
