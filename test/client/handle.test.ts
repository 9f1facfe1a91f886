import { expect, test } from "vitest";
import { done, later, queue, stream, topic } from "../../src/index.js";
import { rest } from "./manual-clock.js";
import { world } from "./world.js";

const numbers = queue<number>("numbers");

test("a handler gets each value once, and returning nothing settles it", async () => {
  const { mill, driver } = await world();
  await mill.sendAll(numbers, [1, 2, 3]);
  const seen: number[] = [];
  mill.handle(numbers, (value) => void seen.push(value));
  await rest();
  expect(seen).toEqual([1, 2, 3]);
  expect(
    driver
      .channel("numbers")
      .source()
      .settlements.map((each) => each.settlement.kind),
  ).toEqual(["done", "done", "done"]);
  expect(driver.channel("numbers").group("").unsettled).toEqual([]);
});

test("a message that is sent while the handler waits is handled", async () => {
  const { mill } = await world();
  const seen: number[] = [];
  const consumer = mill.handle(numbers, async (value) => void seen.push(value));
  await consumer.ready;
  await mill.send(numbers, 7);
  await rest();
  expect(seen).toEqual([7]);
});

test("a delivery tells what is known of its message", async () => {
  const { mill, clock } = await world();
  const events = stream<{ n: number }>("events", { partitions: 1 });
  await mill.send(events, { n: 1 }, { key: "k", id: "i", headers: { h: "v" } });
  const told = await new Promise((resolve) => {
    mill.handle(
      events,
      (value, delivery) => {
        const { message, attempt, replay, signal } = delivery;
        const { id, key, headers, partition, offset, sentAt } = message;
        resolve({
          value,
          same: value === message.value,
          id,
          key,
          headers,
          partition,
          offset,
          sentAt,
          attempt,
          replay,
          aborted: signal.aborted,
          native: [delivery.unwrap(), message.unwrap()],
        });
      },
      { group: "g" },
    );
  });
  const native = "the fake's own message";
  expect(told).toEqual({
    value: { n: 1 },
    same: true,
    id: "i",
    key: "k",
    headers: { h: "v" },
    partition: 0,
    offset: 0n,
    sentAt: new Date(clock.nowMs()),
    attempt: 1,
    replay: false,
    aborted: false,
    native: [native, native],
  });
});

test("as many handlers run at once as concurrency says, one by default, and a free place is taken at once", async () => {
  for (const [concurrency, most] of [
    [undefined, 1],
    [3, 3],
    // A range begins with the least.
    [{ min: 2, max: 5 }, 2],
  ] as const) {
    const { mill } = await world();
    await mill.sendAll(numbers, [1, 2, 3, 4, 5, 6]);
    const open: (() => void)[] = [];
    mill.handle(numbers, () => new Promise<void>((resolve) => void open.push(resolve)), { concurrency });
    await rest();
    expect(open).toHaveLength(most);
    open[0]?.();
    await rest();
    expect(open).toHaveLength(most + 1);
  }
});

test("places that are free together are filled by one fetch", async () => {
  const { mill, driver } = await world();
  await mill.sendAll(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
  mill.handle(numbers, async () => {}, { concurrency: 4 });
  await rest();
  expect(driver.channel("numbers").source().takes).toEqual([4, 4, 4]);
});

test("every durable group of a topic gets every message; without durability, those who listen do", async () => {
  const { mill } = await world();
  const seen: string[] = [];
  const alerts = topic<string>("alerts");
  const ticker = topic<string>("ticker", { durable: false });
  await mill.send(ticker, "too early");
  for (const who of ["a", "b"]) {
    mill.handle(alerts, (value) => void seen.push(`${who} ${value}`), { group: who });
    await mill.handle(ticker, (value) => void seen.push(`${who} ${value}`)).ready;
  }
  await mill.send(alerts, "alert");
  await mill.send(ticker, "tick");
  await rest();
  expect(seen.toSorted()).toEqual(["a alert", "a tick", "b alert", "b tick"]);
});

test.for([1, 100])(
  "a handler that keeps the process busy lets others have their turn, %i at a time",
  async (concurrency) => {
    const { mill, clock } = await world();
    await mill.sendAll(
      numbers,
      Array.from({ length: 100 }, (_, index) => index),
    );
    let handled = 0;
    let handledAtTurn: number | undefined;
    const consumer = mill.handle(
      numbers,
      () => {
        handled += 1;
        clock.block(5);
        if (handled === 1) setImmediate(() => (handledAtTurn = handled));
      },
      { concurrency },
    );
    await consumer.ready;
    await rest();
    await rest();
    expect(handledAtTurn).toBeLessThan(20);
    await expect.poll(() => handled).toBe(100);
  },
);

const wrong: readonly [string, RegExp, unknown[]][] = [
  ["no handler", /handler must be a function, not undefined/, [numbers]],
  ["no channel", /a channel is needed first/, ["numbers", () => {}]],
  ["a typo in an option", /no option "concurency"/, [numbers, () => {}, { concurency: 2 }]],
  ["concurrency 0", /concurrency must be a whole number from 1 to 100000/, [numbers, () => {}, { concurrency: 0 }]],
  [
    "an upside-down range",
    /concurrency\.max must be a whole number from 5/,
    [numbers, () => {}, { concurrency: { min: 5, max: 2 } }],
  ],
  [
    "a guarantee nobody can give",
    /guarantee must be "at-most-once"/,
    [numbers, () => {}, { guarantee: "exactly-once" }],
  ],
  ["a group on a queue", /a queue has one group/, [numbers, () => {}, { group: "g" }]],
  ["no group on a stream", /say which group reads/, [stream("s"), () => {}]],
  ["no group on a durable topic", /say which group reads/, [topic("t"), () => {}]],
  [
    "a group on a topic that keeps nothing",
    /every subscriber/,
    [topic("t", { durable: false }), () => {}, { group: "g" }],
  ],
  ["a group with a path", /is not a name/, [stream("s"), () => {}, { group: "../x" }]],
  [
    "a group whose dead letters could have no name",
    /dead letters of group/,
    [stream("s".repeat(200)), () => {}, { group: "g".repeat(60) }],
  ],
  [
    "at-least-once of a topic that keeps nothing",
    /keeps nothing/,
    [topic("t", { durable: false }), () => {}, { guarantee: "at-least-once" }],
  ],
  ["a beginning on a queue", /leave it out here/, [numbers, () => {}, { from: "latest" }]],
  ["a beginning nobody understands", /from must be "earliest"/, [stream("s"), () => {}, { group: "g", from: "start" }]],
  ["a date that is none", /from must be "earliest"/, [stream("s"), () => {}, { group: "g", from: new Date("x") }]],
  ["a member of a queue", /member keeps partitions/, [numbers, () => {}, { member: "m" }]],
  ["a timeout of nothing", /timeout must be more than 0/, [numbers, () => {}, { timeout: 0 }]],
  ["rules made by hand", /rules made by on/, [numbers, () => {}, { retry: [{}] }]],
];

test.for(wrong)("%s is a TypeError at the call", async ([, message, args]) => {
  const { mill } = await world();
  const call = (): unknown => (mill.handle as (...all: unknown[]) => unknown)(...args);
  expect(call).toThrow(TypeError);
  expect(call).toThrow(message);
});

test("what a handler returns must be a settlement: a forgotten call fails the delivery, instead of losing it", async () => {
  const { mill, driver } = await world();
  for (const returned of [later, 7, { rows: 1 }, true]) {
    const channel = queue<number>(`q-${typeof returned}`, { attempts: 1 });
    await mill.send(channel, 1);
    mill.handle(channel, () => returned as never);
    await rest();
    const [letter] = await mill.admin.dead(channel).list();
    expect(letter?.error.message ?? "no dead letter").toMatch(
      /the handler returned .*; return nothing, done\(\), later\(…\) or reject\(…\)/,
    );
  }
  expect(driver.channel("q-number").group("").unsettled).toEqual([]);
});

test("done() is the same as nothing", async () => {
  const { mill, driver } = await world();
  await mill.send(numbers, 1);
  mill.handle(numbers, async () => done());
  await rest();
  expect(driver.channel("numbers").group("").unsettled).toEqual([]);
});
