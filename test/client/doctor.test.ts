/** What the doctor finds, on an engine in memory under a clock that a test moves. */
import { expect, onTestFinished, test } from "vitest";
import {
  type Consumer,
  type Diagnosis,
  type Millrace,
  exponential,
  fixed,
  open,
  queue,
  stream,
  topic,
} from "../../src/index.js";
import { ManualClock } from "../../src/testing/manual-clock.js";

const hourMs = 3_600_000;

async function clinic(): Promise<{ mill: Millrace; clock: ManualClock }> {
  const clock = new ManualClock();
  const mill = await open("memory:", { clock, logger: { debug() {}, info() {}, warn() {}, error() {} } });
  onTestFinished(() => mill.close());
  return { mill, clock };
}

/** Which pitfalls it names, by channel. */
function named(found: readonly Diagnosis[]): readonly string[] {
  return found.map(({ channel, pitfall }) => `${channel}: ${pitfall}`);
}

test("a directory in which all is well is left alone", async () => {
  const { mill } = await clinic();
  const emails = queue<string>("emails");
  const orders = stream<{ id: string }>("orders", { key: ({ id }) => id });
  await mill.send(emails, "a");
  await mill.send(orders, { id: "1" });
  const consumer = mill.handle(orders, () => {}, { group: "audit" });
  await consumer.ready;
  expect(named(await mill.admin.doctor({ channels: [emails, orders] }))).toEqual([]);
});

test("says of each channel what is wrong in numbers, and what to do", async () => {
  const { mill, clock } = await clinic();
  await mill.sendAll(queue<number>("lonely"), [1, 2, 3]);
  await clock.advance(2 * hourMs);
  const [found] = await mill.admin.doctor();
  expect(found).toEqual({
    channel: "lonely",
    pitfall: "unread",
    what: "3 messages wait, the oldest for 2 hours, and nobody has ever taken it",
    remedy: "start a consumer for it, or stop sending to it",
  });
});

test("a message that somebody has taken before is not unread, and neither is a young one", async () => {
  const { mill, clock } = await clinic();
  const tried = queue<number>("tried", { attempts: 3, backoff: fixed("1d") });
  await mill.send(tried, 1);
  let consumer: Consumer | undefined;
  await new Promise<void>((failed) => {
    consumer = mill.handle(tried, () => {
      failed();
      throw new Error("no");
    });
  });
  await consumer?.close();
  await clock.advance(hourMs);
  await mill.send(queue<number>("young"), 1);
  expect(named(await mill.admin.doctor())).toEqual([]);
});

test("streams and durable topics that no group has ever read are unread at once", async () => {
  const { mill } = await clinic();
  await mill.send(stream<number>("history"), 1);
  await mill.send(topic<number>("news"), 1);
  await mill.send(topic<number>("ticker", { durable: false }), 1);
  expect(named(await mill.admin.doctor())).toEqual(["history: unread", "news: unread"]);
});

test("a queue without a bound is found, and one with a bound in bytes is not", async () => {
  const { mill } = await clinic();
  await mill.send(queue<number>("endless", { capacity: { messages: 2_000_000_000 } }), 1);
  await mill.send(queue<number>("bytes", { capacity: { messages: 2_000_000_000, bytes: 1_000_000 } }), 1);
  expect(named(await mill.admin.doctor())).toEqual(["endless: unbounded"]);
});

test("policies are judged of declared channels, also of those never used", async () => {
  const { mill } = await clinic();
  const channels = [
    queue<number>("a.fine"),
    queue<number>("b.endless", { attempts: 500, backoff: fixed("1h") }),
    queue<number>("c.hasty", { attempts: 3, backoff: exponential("10ms", "100ms") }),
    queue<number>("d.once", { attempts: 1 }),
    queue<number>("e.silent", { deadLetter: { alertAt: 100_000 } }),
    queue<number>("f.slow", { lease: "5s" }),
  ];
  expect(named(await mill.admin.doctor({ channels, handler: "20s" }))).toEqual([
    "b.endless: endless-retries",
    "c.hasty: short-retries",
    "d.once: short-retries",
    "e.silent: silent-dead-letters",
    "f.slow: short-lease",
  ]);
});

test("a key that most of what waits has is hot where keys are in order, and nowhere else", async () => {
  const { mill } = await clinic();
  const values = Array.from({ length: 200 }, (_, index) => (index % 3 === 0 ? `user-${index}` : "acme"));
  const key = (value: string): string => value;
  await mill.sendAll(queue<string>("ordered", { order: "per-key", key }), values);
  await mill.sendAll(queue<string>("unordered", { key }), values);
  const found = await mill.admin.doctor();
  expect(named(found)).toEqual(["ordered: hot-key"]);
  expect(found[0]?.what).toMatch(/^67 % of what waits has the key "acme"/);
});

test("order by key without keys is found in the declaration, and in what was sent", async () => {
  const { mill } = await clinic();
  const declared = queue<number>("declared", { order: "per-key" });
  await mill.sendAll(
    queue<number>("sent", { order: "per-key" }),
    Array.from({ length: 150 }, (_, index) => index),
  );
  expect(named(await mill.admin.doctor({ channels: [declared] }))).toEqual([
    "declared: keyless-order",
    "sent: keyless-order",
  ]);
});

test("members of a group beyond the partitions have nothing to do", async () => {
  const { mill } = await clinic();
  const orders = stream<number>("orders", { partitions: 2 });
  const members = [1, 2, 3].map(() => mill.handle(orders, () => {}, { group: "audit" }));
  await Promise.all(members.map((member) => member.ready));
  const found = await mill.admin.doctor();
  expect(named(found)).toEqual(["orders: idle-members"]);
  expect(found[0]?.what).toMatch(/"audit" has 3 members and it has 2 partitions: 1 of them/);
});

test("dead letters that lie there for a day are found with the channel they are from", async () => {
  const { mill, clock } = await clinic();
  const emails = queue<number>("emails", { attempts: 1 });
  await mill.send(emails, 1);
  const consumer = mill.handle(emails, () => {
    throw new Error("no");
  });
  await consumer.ready;
  while ((await mill.admin.stats(emails)).messages > 0) await new Promise((resolve) => setImmediate(resolve));
  await consumer.close();
  expect(named(await mill.admin.doctor())).toEqual([]);
  await clock.advance(25 * hourMs);
  const [found] = await mill.admin.doctor();
  expect(found).toMatchObject({ channel: "emails", pitfall: "silent-dead-letters" });
  expect(found?.what).toBe("it has 1 dead letters, the oldest for 1 day");
});

test("wrong options are TypeErrors", async () => {
  const { mill } = await clinic();
  await expect(mill.admin.doctor({ channels: 1 as never })).rejects.toThrow(TypeError);
  await expect(mill.admin.doctor({ handler: "soon" as never })).rejects.toThrow(TypeError);
  await expect(mill.admin.doctor({ patients: [] } as object)).rejects.toThrow(TypeError);
});
