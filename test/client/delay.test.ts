import { expect, onTestFinished, test } from "vitest";
import { open, queue, stream, topic } from "../../src/index.js";
import type { Millrace, SendOptions } from "../../src/index.js";
import { ManualClock, turn } from "../../src/testing/manual-clock.js";

const reminders = queue<string>("reminders", { priorities: 2 });

async function opened(): Promise<{ mill: Millrace; clock: ManualClock }> {
  const clock = new ManualClock();
  const mill = await open("memory:", { clock });
  onTestFinished(() => mill.close());
  return { mill, clock };
}

test("a delayed message is handled when its time has come, and not before", async () => {
  const { mill, clock } = await opened();
  const seen: string[] = [];
  await mill.handle(reminders, (value) => void seen.push(value)).ready;
  await mill.send(reminders, "after", { delay: "10m" });
  await mill.send(reminders, "at", { at: new Date(clock.nowMs() + 300_000) });
  await mill.sendAll(reminders, ["both"], { delay: "10m", priority: 2 });
  await clock.advance(300_000);
  expect(seen).toEqual(["at"]);
  await clock.advance(299_999);
  expect(seen).toEqual(["at"]);
  await clock.advance(1);
  expect(seen).toEqual(["at", "both", "after"]);
});

test("a delay goes with what is staged: through a delivery and in a transaction", async () => {
  const { mill, clock } = await opened();
  const seen: string[] = [];
  const orders = queue<string>("orders");
  await mill.handle(reminders, (value) => void seen.push(value)).ready;
  await mill.handle(orders, async (order, delivery) => {
    await delivery.send(reminders, `pay for ${order}`, { delay: "1h" });
  }).ready;
  await mill.transaction(async (tx) => {
    await tx.send(orders, "a book");
    await tx.send(reminders, "in a transaction", { delay: "2h" });
  });
  while ((await mill.admin.stats(reminders)).delayed < 2) await turn();
  await clock.advance(3_600_000);
  expect(seen).toEqual(["pay for a book"]);
  await clock.advance(3_600_000);
  expect(seen).toEqual(["pay for a book", "in a transaction"]);
});

test("what waits can be listed and taken back; what is taken back is known, and the rest is left out", async () => {
  const { mill, clock } = await opened();
  const { id } = await mill.send(reminders, "a", { delay: "1h" });
  await mill.send(reminders, "b", { delay: "2h", id: "b" });
  const listed = await mill.admin.peek(reminders, { state: "delayed" });
  expect(listed.map(({ value, until }) => [value, (until?.getTime() ?? 0) - clock.nowMs()])).toEqual([
    ["a", 3_600_000],
    ["b", 7_200_000],
  ]);
  expect(await mill.admin.cancel(reminders, ["b", "b", id, "never sent"])).toEqual(["b", id]);
  expect(await mill.admin.cancel("reminders", [id])).toEqual([]);
  expect(await mill.admin.stats(reminders)).toMatchObject({ messages: 0, delayed: 0 });
});

test.for<SendOptions>([
  { delay: "367d" },
  { delay: -1 },
  { delay: "1h", at: new Date() },
  { at: new Date(Number.NaN) },
  { at: "tomorrow" as never },
  { priority: 0 },
  { priority: 3 },
  { priority: 1.5 },
])("a send with %o is refused as wrong", async (options) => {
  const { mill } = await opened();
  await expect(mill.send(reminders, "m", options)).rejects.toThrow(TypeError);
  await expect(mill.sendAll(reminders, ["m"], options)).rejects.toThrow(TypeError);
  await expect(mill.transaction((tx) => tx.send(reminders, "m", options))).rejects.toThrow(TypeError);
});

test("a delay is refused where there is no queue, and nothing of the transaction is stored", async () => {
  const { mill } = await opened();
  const keyed = queue<string>("k", { order: "per-key", key: String });
  for (const channel of [stream<string>("s"), topic<string>("t"), topic<string>("e", { durable: false }), keyed]) {
    const refused = { code: "NOT_SUPPORTED" };
    await expect(mill.send(channel, "m", { delay: "1h" })).rejects.toMatchObject(refused);
    const both = mill.transaction(async (tx) => {
      await tx.send(reminders, "m");
      await tx.send(channel, "m", { delay: "1h" });
    });
    await expect(both).rejects.toMatchObject(refused);
  }
  await mill.send(reminders, "only this");
  expect((await mill.admin.stats(reminders)).messages).toBe(1);
});

test("only messages of queues can be taken back", async () => {
  const { mill } = await opened();
  await mill.send(stream<string>("s"), "m");
  await expect(mill.admin.cancel("s", ["s/0/0"])).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
  await expect(mill.admin.cancel("none", ["x"])).rejects.toMatchObject({ code: "CHANNEL_UNKNOWN" });
  await expect(mill.admin.cancel("s", "x" as never)).rejects.toThrow(TypeError);
});
