import { expect, test } from "vitest";
import { bytes, fixed, MillraceError, queue, reject, stream, text, topic } from "../../src/index.js";
import { world } from "./world.js";

const orders = queue<{ n: number }>("orders", { attempts: 2, backoff: fixed("10s") });

function fail(): never {
  throw new RangeError("too far");
}

test("after its last attempt a message goes to the dead letters, in the commit that settles it", async () => {
  const { mill, driver, clock } = await world();
  await mill.send(orders, { n: 1 }, { key: "k", headers: { trace: "t" } });
  const startMs = clock.nowMs();
  mill.handle(orders, fail);
  await clock.advance(10_000);
  const last = driver.channel("orders").source().settlements.at(-1);
  expect(last?.settlement).toMatchObject({ kind: "done", sends: [{ channel: { spec: { name: "orders.dead" } } }] });
  const [record] = driver.channel("orders.dead").records;
  expect(driver.channel("orders.dead").texts()).toEqual(['{"n":1}']);
  expect(record?.incoming.key).toBe("k");
  expect(record?.incoming.headers).toEqual({
    trace: "t",
    "millrace-dead-channel": "orders",
    "millrace-dead-id": "orders/0/0",
    "millrace-dead-sent-at": new Date(startMs).toISOString(),
    "millrace-dead-reason": "attempts",
    "millrace-dead-error": "RangeError",
    "millrace-dead-error-message": "too far",
    "millrace-dead-error-stack": expect.stringContaining("dead-letter.test.ts") as string,
    "millrace-dead-attempts": "2",
    "millrace-dead-first-failed-at": new Date(startMs).toISOString(),
    "millrace-dead-last-failed-at": new Date(startMs + 10_000).toISOString(),
  });
});

test("the queue of dead letters is never full and keeps them for ever, whatever its origin says", async () => {
  const { mill, driver, clock } = await world();
  const small = queue<string>("small", { attempts: 1, capacity: { messages: 1, whenFull: "reject" } });
  await mill.send(small, "x");
  mill.handle(small, fail);
  await clock.advance(0);
  expect(driver.channel("small.dead").spec).toMatchObject({
    kind: "queue",
    capacity: { messages: Infinity, bytes: Infinity },
    dedupMs: undefined,
    expiresMs: undefined,
  });
});

test("a group's dead letters are its own, and tell the position", async () => {
  const { mill, driver, clock } = await world();
  const events = stream<number>("events", { partitions: 1, attempts: 1 });
  const alerts = topic<number>("alerts", { attempts: 1 });
  await mill.send(events, 1);
  await mill.send(alerts, 2);
  mill.handle(events, fail, { group: "audit" });
  mill.handle(alerts, fail, { group: "mail" });
  await clock.advance(0);
  expect(driver.channel("events.audit.dead").records[0]?.incoming.headers).toMatchObject({
    "millrace-dead-channel": "events",
    "millrace-dead-group": "audit",
    "millrace-dead-partition": "0",
    "millrace-dead-offset": "0",
  });
  expect(driver.channel("alerts.mail.dead").texts()).toEqual(["2"]);
});

test("reject() goes there at once, with the words of the handler", async () => {
  const { mill, clock } = await world();
  await mill.send(orders, { n: 1 });
  mill.handle(orders, () => reject("no such customer"));
  await clock.advance(0);
  expect(await mill.admin.dead(orders).list()).toMatchObject([
    { reason: "rejected", attempts: 1, error: { name: "Rejected", message: "no such customer", stack: undefined } },
  ]);
});

const thrown: readonly [string, unknown, { name: string; message: string }][] = [
  ["a string", "just words", { name: "string", message: "just words" }],
  ["undefined", undefined, { name: "undefined", message: "undefined" }],
  ["null", null, { name: "null", message: "null" }],
  ["an object", { code: 7 }, { name: "object", message: "{ code: 7 }" }],
  ["an object without a prototype", Object.create(null), { name: "object", message: "[Object: null prototype] {}" }],
  [
    "an object that cannot be printed",
    new Proxy({}, { ownKeys: fail, get: fail, getPrototypeOf: () => null }),
    { name: "object", message: expect.any(String) as string },
  ],
  [
    "an error that cannot be read",
    new Proxy(new Error("unread"), { get: fail }),
    { name: "Error", message: "an error that cannot be read" },
  ],
];

test.for(thrown)("a handler may throw %s: it is described like any error", async ([, value, error]) => {
  const { mill, clock } = await world();
  const once = queue<number>("once", { attempts: 1 });
  await mill.sendAll(once, [1, 2]);
  mill.handle(once, (number) => {
    if (number === 1) throw value;
  });
  await clock.advance(0);
  expect(await mill.admin.dead(once).list()).toMatchObject([{ reason: "attempts", error }]);
});

test("an error's words are cut where they would be a burden", async () => {
  const { mill, driver, clock } = await world();
  const once = queue<string>("once", { attempts: 1 });
  await mill.send(once, "x");
  mill.handle(once, () => {
    const error = new Error("m".repeat(5_000));
    error.name = "n".repeat(5_000);
    error.stack = "s".repeat(50_000);
    throw error;
  });
  await clock.advance(0);
  const headers = driver.channel("once.dead").records[0]?.incoming.headers ?? {};
  expect(headers["millrace-dead-error"]).toHaveLength(100);
  expect(headers["millrace-dead-error-message"]).toHaveLength(1_000);
  expect(headers["millrace-dead-error-stack"]).toHaveLength(4_000);
});

test("where the message leaves no room for a long story, the story gives way", async () => {
  const { mill, driver, clock } = await world({ messageBytesMax: 2_000 });
  const once = queue<string>("once", { attempts: 1, codec: text });
  await mill.sendAll(once, ["x".repeat(1_000), "x".repeat(2_000)]);
  mill.handle(once, () => {
    throw new Error("m".repeat(300));
  });
  await clock.advance(0);
  const [first, second] = driver.channel("once.dead").records.map((record) => record.incoming);
  expect(first?.headers).toHaveProperty("millrace-dead-error-message");
  expect(first?.headers).not.toHaveProperty("millrace-dead-error-stack");
  expect(second?.headers).not.toHaveProperty("millrace-dead-error-message");
  expect(second?.headers).toMatchObject({ "millrace-dead-reason": "attempts", "millrace-dead-error": "Error" });
  expect(second?.value).toHaveLength(2_000);
});

test("a payload that cannot be decoded goes there untouched, and the consumer goes on", async () => {
  const { mill, driver, clock } = await world();
  await mill.send(queue<Uint8Array>("numbers", { codec: bytes }), new Uint8Array([0xff, 0x00]));
  const numbers = queue<number>("numbers");
  await mill.send(numbers, 2);
  const seen: number[] = [];
  mill.handle(numbers, (value) => void seen.push(value));
  await clock.advance(0);
  expect(seen).toEqual([2]);
  expect([...(driver.channel("numbers.dead").records[0]?.incoming.value ?? [])]).toEqual([0xff, 0x00]);
  const [letter] = await mill.admin.dead(numbers).list();
  expect(letter).toMatchObject({ reason: "unreadable", attempts: 1, error: { name: "MillraceError" } });
  expect(() => letter?.message.value).toThrow(/not UTF-8/);
});

test("a message whose attempts all ended without an answer goes there without the handler", async () => {
  const { mill, driver, clock } = await world();
  const seen: number[] = [];
  await mill.send(orders, { n: 1 });
  mill.handle(
    orders,
    (_value, delivery) => {
      seen.push(delivery.attempt);
      return new Promise(() => {});
    },
    { concurrency: 10 },
  );
  await clock.advance(0);
  const { entries } = driver.channel("orders").group("");
  for (let death = 0; death < 2; death++) {
    // As the broker sees it when the process dies: the lease ends by itself.
    for (const entry of entries) driver.channel("orders").group("").expire(entry);
    await clock.advance(0);
  }
  expect(seen).toEqual([1, 2]);
  const [letter] = await mill.admin.dead(orders).list();
  expect(letter).toMatchObject({
    reason: "attempts",
    attempts: 3,
    error: { message: expect.stringMatching(/ended without an answer/) as string },
  });
});

test("the first dead letter is told in the log, the next ones are not", async () => {
  const { mill, clock, log } = await world();
  const once = queue<number>("once", { attempts: 1 });
  await mill.sendAll(once, [1, 2, 3]);
  mill.handle(once, fail);
  await clock.advance(0);
  const errors = log.filter((line) => line.level === "error");
  expect(errors).toHaveLength(1);
  expect(errors[0]?.message).toMatch(/queue "once": a first dead letter/);
  expect(errors[0]?.fields).toMatchObject({
    channel: "once.dead",
    id: "once/0/0",
    reason: "attempts",
    error: "RangeError: too far",
  });
});

test("a message whose lease was lost before it could die is not told of, because it did not", async () => {
  const { mill, driver, clock, log } = await world();
  await mill.send(orders, { n: 1 });
  let finish = (): void => {};
  mill.handle(orders, async (_value, { attempt }) => {
    if (attempt > 1) return undefined;
    await new Promise<void>((resolve) => (finish = resolve));
    return reject("no");
  });
  await clock.advance(0);
  driver.channel("orders").group("").expire(driver.channel("orders").group("").entries[0]!);
  finish();
  await clock.advance(0);
  expect(await mill.admin.dead(orders).list()).toEqual([]);
  expect(log.filter((line) => line.level === "error")).toEqual([]);
});

test("alertAt says at how many dead letters the log tells of them", async () => {
  const { mill, clock, log } = await world();
  const once = queue<number>("once", { attempts: 1, deadLetter: { alertAt: 3 } });
  await mill.sendAll(once, [1, 2]);
  mill.handle(once, fail);
  await clock.advance(0);
  expect(log.filter((line) => line.level === "error")).toEqual([]);
  await mill.sendAll(once, [3, 4]);
  await clock.advance(0);
  expect(log.filter((line) => line.level === "error").map((line) => line.message)).toEqual([
    expect.stringMatching(/3 dead letters/),
  ]);
});

test("those that were there before count, so that a restart hides nothing", async () => {
  const { mill, clock, log } = await world();
  const once = queue<number>("once", { attempts: 1, deadLetter: { alertAt: 3 } });
  await mill.sendAll(once, [1, 2]);
  const before = mill.handle(once, fail, { concurrency: 2 });
  await clock.advance(0);
  await before.close();
  expect(log.filter((line) => line.level === "error")).toEqual([]);
  mill.handle(once, fail, { concurrency: 2 });
  await mill.sendAll(once, [3, 4]);
  await clock.advance(0);
  expect(log.filter((line) => line.level === "error").map((line) => line.message)).toEqual([
    expect.stringMatching(/3 dead letters by now/),
  ]);
});

test("while the dead letters cannot be declared, the message comes again and nothing is lost", async () => {
  const { mill, driver, clock, log } = await world();
  const once = queue<number>("once", { attempts: 1 });
  const attempts: number[] = [];
  await mill.handle(once, (_value, delivery) => {
    attempts.push(delivery.attempt);
    fail();
  }).ready;
  driver.declareFailure = new Error("disk full");
  await mill.send(once, 1);
  await clock.advance(5_000);
  driver.declareFailure = undefined;
  await clock.advance(5_000);
  expect(driver.channel("once").group("").unsettled).toEqual([]);
  expect(driver.channel("once.dead").texts()).toEqual(["1"]);
  expect(attempts).toEqual([1, 1, 1]);
  expect(log.filter((line) => /dead letter could not be written/.test(line.message))).toHaveLength(2);
});

test("while the dead letters cannot be stored, the message comes again, and none is told of that was not written", async () => {
  const { mill, driver, clock, log } = await world();
  const once = queue<number>("once", { attempts: 1 });
  await mill.handle(once, fail).ready;
  const source = driver.channel("once").source();
  source.sendsFailure = new MillraceError("DISK_FULL", "no space");
  await mill.send(once, 1);
  await clock.advance(4_000);
  source.sendsFailure = undefined;
  await clock.advance(1_000);
  expect(driver.channel("once.dead").texts()).toEqual(["1"]);
  expect(log.filter((line) => line.level === "error").map((line) => line.message)).toEqual([
    expect.stringMatching(/could not be written/),
    expect.stringMatching(/first dead letter/),
  ]);
});
