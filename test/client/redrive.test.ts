import { expect, test } from "vitest";
import { queue, reject, stream, topic } from "../../src/index.js";
import type { DeadLetters } from "../../src/index.js";
import { world } from "./world.js";
import type { World } from "./world.js";

const orders = queue<number>("orders", { attempts: 1 });

/** Lets the numbers die: the even ones fail, the odd ones are rejected. */
async function die({ mill, clock }: World, numbers: readonly number[]): Promise<DeadLetters<number>> {
  for (const number of numbers) await mill.send(orders, number, { key: `k${number}`, headers: { n: String(number) } });
  const consumer = mill.handle(orders, (number) => {
    if (number % 2 === 0) throw new RangeError(`${number} is even`);
    return reject("odd");
  });
  await clock.advance(0);
  await consumer.close();
  return mill.admin.dead(orders);
}

async function valuesOf(dead: DeadLetters<number>): Promise<number[]> {
  return (await dead.list({ limit: 1_000 })).map((letter) => letter.message.value);
}

test("list shows dead letters, the oldest first, by page and by reason", async () => {
  const dead = await die(await world(), [1, 2, 3, 4, 5]);
  expect(dead.name).toBe("orders.dead");
  expect(await valuesOf(dead)).toEqual([1, 2, 3, 4, 5]);
  const page = await dead.list({ limit: 2 });
  expect(page.map((letter) => letter.id)).toEqual(["orders.dead/0/0", "orders.dead/0/1"]);
  expect((await dead.list({ after: page[1]!.id, limit: 2 })).map((letter) => letter.message.value)).toEqual([3, 4]);
  expect((await dead.list({ reason: "attempts" })).map((letter) => letter.message.value)).toEqual([2, 4]);
});

test("show tells everything about one: the message as it was, and what happened to it", async () => {
  const all = await world();
  const startMs = all.clock.nowMs();
  const dead = await die(all, [2]);
  const letter = await dead.show("orders.dead/0/0");
  const at = new Date(startMs);
  expect(letter).toMatchObject({
    id: "orders.dead/0/0",
    origin: { channel: "orders", group: "", id: "orders/0/0", partition: undefined, offset: undefined },
    reason: "attempts",
    error: { name: "RangeError", message: "2 is even", stack: expect.stringContaining("redrive.test.ts") as string },
    attempts: 1,
    firstFailedAt: at,
    lastFailedAt: at,
    redriven: 0,
  });
  const { message } = letter;
  expect([message.id, message.key, message.headers, message.value, message.sentAt]).toEqual([
    "orders/0/0",
    "k2",
    { n: "2" },
    2,
    at,
  ]);
  await expect(dead.show("orders.dead/0/9")).rejects.toMatchObject({ code: "MESSAGE_UNKNOWN" });
});

test("a channel nobody has died of yet has no dead letters", async () => {
  const { mill } = await world();
  await mill.send(orders, 1);
  const dead = mill.admin.dead(orders);
  expect(await dead.list()).toEqual([]);
  expect(await dead.redrive({ all: true })).toBe(0);
  expect(await dead.drop({ all: true })).toBe(0);
  await expect(dead.show("orders.dead/0/0")).rejects.toMatchObject({ code: "MESSAGE_UNKNOWN" });
});

test("redriven, a message is back in its queue with all attempts before it, and with a trace of its past", async () => {
  const all = await world();
  const { mill, driver } = all;
  const dead = await die(all, [2, 4]);
  expect(await dead.redrive({ ids: ["orders.dead/0/1"] })).toBe(1);
  expect(await valuesOf(dead)).toEqual([2]);
  const [message] = await mill.admin.peek(orders);
  expect([message?.value, message?.key, message?.attempts, message?.state]).toEqual([4, "k4", 0, "ready"]);
  expect(message?.headers).toEqual({
    n: "4",
    "millrace-redriven": "1",
    "millrace-redriven-at": new Date(all.clock.nowMs()).toISOString(),
    "millrace-redriven-first-failed-at": new Date(all.clock.nowMs()).toISOString(),
    "millrace-redriven-id": "orders/0/1",
    "millrace-redriven-sent-at": new Date(all.clock.nowMs()).toISOString(),
  });
  expect(driver.channel("orders").records.at(-1)?.incoming.id).toBe("orders/0/2");
});

test("a second death does not forget the first", async () => {
  const all = await world();
  const firstMs = all.clock.nowMs();
  await (await die(all, [2])).redrive({ all: true });
  await all.clock.advance(60_000);
  const [letter] = await (await die(all, [])).list();
  expect(letter).toMatchObject({
    redriven: 1,
    firstFailedAt: new Date(firstMs),
    lastFailedAt: new Date(firstMs + 60_000),
  });
  expect(letter?.message.headers).toMatchObject({ "millrace-redriven-id": "orders/0/0" });
  await all.mill.admin.dead(orders).redrive({ all: true });
  const [message] = await all.mill.admin.peek(orders);
  expect(message?.headers).toMatchObject({
    "millrace-redriven": "2",
    "millrace-redriven-id": "orders/0/0",
    "millrace-redriven-first-failed-at": new Date(firstMs).toISOString(),
  });
});

test("all of them, or so many, or those of one reason, in portions with a word after each", async () => {
  const all = await world();
  const dead = await die(
    all,
    Array.from({ length: 120 }, (_, index) => index),
  );
  expect(await dead.redrive({ all: true, limit: 3 })).toBe(3);
  expect(await dead.redrive({ all: true, reason: "rejected", limit: 2 })).toBe(2);
  expect((await valuesOf(dead)).slice(0, 4)).toEqual([4, 6, 7, 8]);
  const progress: number[] = [];
  expect(await dead.redrive({ all: true }, { onProgress: ({ done }) => void progress.push(done) })).toBe(115);
  expect(progress).toEqual([50, 100, 115]);
  expect(await valuesOf(dead)).toEqual([]);
});

test("those of one reason are found among many others", async () => {
  const dead = await die(
    await world(),
    Array.from({ length: 240 }, (_, index) => index),
  );
  expect(await dead.drop({ all: true, reason: "rejected" })).toBe(120);
  expect(await valuesOf(dead)).toEqual(Array.from({ length: 120 }, (_, index) => 2 * index));
});

test("what dies again while all are redriven waits for another time", async () => {
  const all = await world();
  const dead = await die(all, [2, 4]);
  const { admin } = all.driver;
  const remove = admin.remove.bind(admin);
  admin.remove = async (channel, messages) => {
    const removed = await remove(channel, messages);
    await all.driver.commit(
      messages.flatMap(() => [
        {
          channel: all.driver.channel("orders.dead"),
          message: { value: "2", key: undefined, id: undefined, headers: { "millrace-dead-channel": "orders" } },
        },
      ]),
    );
    return removed;
  };
  expect(await dead.redrive({ all: true })).toBe(2);
});

test("dropped, a dead letter is gone", async () => {
  const all = await world();
  const dead = await die(all, [1, 2, 3]);
  expect(await dead.drop({ all: true, reason: "rejected" })).toBe(2);
  expect(await dead.drop({ ids: ["orders.dead/0/1"] })).toBe(1);
  expect(await valuesOf(dead)).toEqual([]);
  expect((await all.mill.admin.peek(orders)).length).toBe(0);
});

test("an id that is not there ends it before anything has changed", async () => {
  const all = await world();
  const dead = await die(all, [1, 2]);
  await expect(dead.drop({ ids: ["orders.dead/0/0", "orders.dead/0/7"] })).rejects.toMatchObject({
    code: "MESSAGE_UNKNOWN",
  });
  expect(await valuesOf(dead)).toEqual([1, 2]);
});

const grouped = [stream<string>("events", { partitions: 1, attempts: 1 }), topic<string>("alerts", { attempts: 1 })];

test.for(grouped)("what one group of a $kind could not handle comes back to that group only", async (channel) => {
  const { mill, clock } = await world();
  const seen: string[] = [];
  let isFixed = false;
  mill.handle(channel, (value) => (isFixed ? void seen.push(`audit ${value}`) : reject("no")), { group: "audit" });
  mill.handle(channel, (value) => void seen.push(`mail ${value}`), { group: "mail" });
  mill.handleBatch(channel, (values) => void seen.push(`batch ${values.join()}`), { group: "batch", size: 2 });
  await clock.advance(0);
  await mill.send(channel, "x", { key: "k" });
  await clock.advance(0);
  isFixed = true;
  const dead = mill.admin.dead(channel, { group: "audit" });
  expect(await dead.redrive({ all: true })).toBe(1);
  await mill.send(channel, "y");
  await clock.advance(0);
  expect(seen.toSorted()).toEqual(["audit x", "audit y", "batch x", "batch y", "mail x", "mail y"]);
  expect((await mill.admin.lag(channel, "mail"))[0]?.messages).toBe(0);
});

test.for(grouped)("or to every group of a $kind, when that is said", async (channel) => {
  const { mill, driver, clock } = await world();
  const seen: string[] = [];
  const consumer = mill.handle(channel, () => reject("no"), { group: "audit" });
  await clock.advance(0);
  await mill.send(channel, "x", { key: "k" });
  await clock.advance(0);
  await consumer.close();
  const dead = mill.admin.dead(channel, { group: "audit" });
  await dead.redrive({ all: true });
  mill.handle(channel, (_value, { redriven }) => reject(`no, ${redriven}`), { group: "audit" });
  await clock.advance(0);
  expect((await dead.list())[0]?.error.message).toBe("no, 1");
  expect(await dead.redrive({ all: true }, { toAllGroups: true })).toBe(1);
  mill.handle(channel, (value, { redriven }) => void seen.push(`${value} ${redriven}`), { group: "mail" });
  await clock.advance(0);
  expect(seen).toEqual(["x 0", "x 2"]);
  expect(driver.channel(channel.name).records.at(-1)!.incoming.headers).not.toHaveProperty("millrace-redriven-group");
});

test("two channels whose dead letters share a queue do not see each other's", async () => {
  const { mill, clock } = await world();
  const dotted = queue<string>("a.b", { attempts: 1 });
  const grouped = topic<string>("a", { attempts: 1 });
  await mill.send(dotted, "of the queue");
  await mill.send(grouped, "of the topic");
  mill.handle(dotted, () => reject("no"));
  mill.handle(grouped, () => reject("no"), { group: "b" });
  await clock.advance(0);
  const values = async (dead: DeadLetters<string>): Promise<string[]> =>
    (await dead.list()).map((letter) => letter.message.value);
  expect(await values(mill.admin.dead(dotted))).toEqual(["of the queue"]);
  expect(await mill.admin.dead(dotted).drop({ all: true })).toBe(1);
  expect(await values(mill.admin.dead(grouped, { group: "b" }))).toEqual(["of the topic"]);
});

test("a selection that says nothing, or two things, is a TypeError", async () => {
  const dead = await die(await world(), [1]);
  for (const which of [
    {},
    { all: false },
    { ids: ["x"], all: true },
    { ids: "x" },
    { ids: [7] },
    { all: true, reason: "x" },
    { all: true, limit: 0 },
    undefined,
  ]) {
    await expect(dead.redrive(which as never)).rejects.toThrow(TypeError);
    await expect(dead.drop(which as never)).rejects.toThrow(TypeError);
  }
  await expect(dead.list({ reason: "x" as never })).rejects.toThrow(TypeError);
});
