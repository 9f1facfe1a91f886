/** The whole way, over the engine in memory: what the fake broker promises elsewhere, the real one has to keep. */
import { sleep } from "../../src/base/clock.js";
import { onTestFinished, expect, test } from "vitest";
import { bytes, fixed, later, open, queue, reject, silentLogger, stream, topic } from "../../src/index.js";
import type { Millrace } from "../../src/index.js";
import { ManualClock } from "./manual-clock.js";

async function engine(): Promise<{ readonly mill: Millrace; readonly clock: ManualClock }> {
  const clock = new ManualClock();
  const mill = await open("memory:", { clock, logger: silentLogger, random: () => 0.999_999_999 });
  onTestFinished(() => mill.close({ drain: 0 }).catch(() => {}));
  return { mill, clock };
}

const numbers = queue<number>("numbers", { attempts: 3, backoff: fixed("10s") });
const events = stream<string>("events", {
  partitions: 3,
  attempts: 3,
  backoff: fixed("10s"),
  key: (event) => event[0],
});

test("a message is sent, handled, and gone", async () => {
  const { mill, clock } = await engine();
  const seen: number[] = [];
  mill.handle(numbers, (value) => void seen.push(value), { concurrency: 10 });
  await mill.send(numbers, 1);
  await mill.sendAll(numbers, [2, 3]);
  await clock.advance(0);
  expect(seen).toEqual([1, 2, 3]);
  expect(await mill.admin.stats(numbers)).toMatchObject({ messages: 0, sent: 3, settled: 3 });
});

test("it comes again after each failure, then goes to the dead letters, and redriven it begins anew", async () => {
  const { mill, clock } = await engine();
  const attempts: number[] = [];
  let isFixed = false;
  await mill.send(numbers, 7, { key: "k", headers: { h: "v" } });
  mill.handle(numbers, (_value, { attempt, message }) => {
    attempts.push(attempt);
    if (!isFixed) throw new RangeError(`no ${message.headers["h"]}`);
  });
  await clock.advance(20_000);
  expect(attempts).toEqual([1, 2, 3]);
  const dead = mill.admin.dead(numbers);
  const [letter] = await dead.list();
  expect(letter).toMatchObject({ reason: "attempts", attempts: 3, error: { name: "RangeError", message: "no v" } });
  expect([letter?.message.value, letter?.message.key, letter?.message.headers]).toEqual([7, "k", { h: "v" }]);
  expect(letter!.lastFailedAt.getTime() - letter!.firstFailedAt.getTime()).toBe(20_000);
  isFixed = true;
  expect(await dead.redrive({ all: true })).toBe(1);
  await clock.advance(0);
  expect(attempts).toEqual([1, 2, 3, 1]);
  expect(await dead.list()).toEqual([]);
});

test("redriven, a message keeps its priority, and one that was given an id is no duplicate of itself", async () => {
  const { mill, clock } = await engine();
  const urgent = queue<string>("urgent", { priorities: 3, attempts: 1 });
  await mill.send(urgent, "high", { priority: 3, id: "one" });
  const consumer = mill.handle(urgent, () => reject("no"));
  await clock.advance(0);
  await consumer.close();
  await mill.send(urgent, "middle", { priority: 2 });
  expect(await mill.admin.dead(urgent).redrive({ all: true })).toBe(1);
  const seen: string[] = [];
  mill.handle(urgent, (value) => void seen.push(value));
  await clock.advance(0);
  expect(seen).toEqual(["high", "middle"]);
});

test("a lease is renewed while the handler runs, for hours", async () => {
  const { mill, clock } = await engine();
  await mill.send(numbers, 1);
  let calls = 0;
  let finish = (): void => {};
  mill.handle(
    numbers,
    () => {
      calls += 1;
      return new Promise<void>((resolve) => (finish = resolve));
    },
    { timeout: "10h" },
  );
  await clock.advance(3 * 3_600_000);
  finish();
  await clock.advance(60_000);
  expect(calls).toBe(1);
  expect(await mill.admin.stats(numbers)).toMatchObject({ messages: 0 });
});

test("a handler's time is over, and its message is tried again", async () => {
  const { mill, clock } = await engine();
  await mill.send(numbers, 1);
  const attempts: number[] = [];
  mill.handle(
    numbers,
    (_value, { attempt }) => {
      attempts.push(attempt);
      return attempt === 1 ? new Promise(() => {}) : undefined;
    },
    { timeout: "1m" },
  );
  await clock.advance(70_000);
  expect(attempts).toEqual([1, 2]);
});

test("an event that fails holds back its partition, and no other; order is kept", async () => {
  const { mill, clock } = await engine();
  for (const event of ["a1", "b1", "a2", "b2", "a3"]) await mill.send(events, event);
  const seen: string[] = [];
  const consumer = mill.handle(
    events,
    async (event, { attempt }) => {
      seen.push(`${event}#${attempt}`);
      if (event === "a2") throw new Error("never");
    },
    { group: "g", concurrency: 3 },
  );
  await clock.advance(0);
  const of = (key: string): string[] => seen.filter((each) => each.startsWith(key));
  expect([of("a"), of("b")]).toEqual([
    ["a1#1", "a2#1"],
    ["b1#1", "b2#1"],
  ]);
  await mill.send(events, "b3");
  await clock.advance(0);
  expect(of("b")).toEqual(["b1#1", "b2#1", "b3#1"]);
  await clock.advance(20_000);
  expect(of("a")).toEqual(["a1#1", "a2#1", "a2#2", "a2#3", "a3#1"]);
  expect(await mill.admin.dead(events, { group: "g" }).list()).toMatchObject([
    { message: { value: "a2" }, origin: { group: "g" } },
  ]);
  await consumer.close();
  expect(await mill.admin.lag(events, "g")).toMatchObject([{ messages: 0 }, { messages: 0 }, { messages: 0 }]);
});

test("a batch of a stream keeps the order too, and isolates its poison", async () => {
  const { mill, clock } = await engine();
  await mill.sendAll(events, ["a1", "a2", "a3", "a4"]);
  const calls: string[] = [];
  mill.handleBatch(
    events,
    async (values, deliveries) => {
      calls.push(deliveries.map((each, index) => `${values[index]}#${each.attempt}`).join(" "));
      if (values.includes("a2")) throw new Error("poison");
    },
    { group: "g", size: 3 },
  );
  await clock.advance(20_000);
  expect(calls).toEqual(["a1#1 a2#1 a3#1", "a1#2 a2#2 a3#2", "a1#3", "a2#3", "a3#3", "a4#1"]);
});

test("what a handler sends goes out with its settlement, or not at all", async () => {
  const { mill, clock } = await engine();
  const output = queue<string>("output");
  await mill.send(numbers, 1);
  mill.handle(
    numbers,
    async (_value, delivery) => {
      void delivery.send(output, `attempt ${delivery.attempt}`);
      void delivery.sendAll(events, ["a", "b"]);
      if (delivery.attempt === 1) throw new Error("after the send");
    },
    { guarantee: "transactional" },
  );
  await clock.advance(10_000);
  expect((await mill.admin.peek(output)).map((message) => message.value)).toEqual(["attempt 2"]);
  expect(await mill.admin.stats(events)).toMatchObject({ messages: 2 });
});

test("later and reject do what they say, one by one and in batches", async () => {
  const { mill, clock } = await engine();
  await mill.sendAll(numbers, [1, 2, 3]);
  const seen: string[] = [];
  mill.handleBatch(
    numbers,
    (values, deliveries) => {
      seen.push(values.map((value, index) => `${value}#${deliveries[index]?.attempt}`).join(" "));
      return values.map((value, index) => {
        if (value === 2) return reject("no");
        return value === 3 && deliveries[index]?.attempt === 1 && seen.length < 3
          ? later("1m", "not yet", { free: true })
          : undefined;
      });
    },
    { size: 10, within: "1s" },
  );
  await clock.advance(1_000);
  await clock.advance(61_000);
  await clock.advance(61_000);
  expect(seen).toEqual(["1#1 2#1 3#1", "3#1", "3#1"]);
  expect(await mill.admin.dead(numbers).list()).toMatchObject([{ message: { value: 2 }, error: { message: "no" } }]);
});

test("each group of a topic gets everything, also what was sent while it was away; without durability, those who listen", async () => {
  const { mill, clock } = await engine();
  const alerts = topic<number>("alerts");
  const ticker = topic<number>("ticker", { durable: false });
  const seen: string[] = [];
  await mill.send(alerts, 1);
  await mill.send(ticker, 1);
  for (const who of ["x", "y"]) {
    await mill.handle(alerts, (value) => void seen.push(`${who} alert ${value}`), { group: who }).ready;
    await mill.handle(ticker, (value) => void seen.push(`${who} tick ${value}`)).ready;
  }
  await mill.send(alerts, 2);
  await mill.send(ticker, 2);
  await clock.advance(0);
  expect(seen.toSorted()).toEqual(["x alert 1", "x alert 2", "x tick 2", "y alert 1", "y alert 2", "y tick 2"]);
});

test("a topic that keeps nothing survives a handler that fails", async () => {
  const { mill, clock } = await engine();
  const ticker = topic<number>("ticker", { durable: false });
  const seen: number[] = [];
  const consumer = mill.handle(ticker, async (value) => {
    seen.push(value);
    if (value === 1) throw new Error("no");
  });
  await consumer.ready;
  await mill.send(ticker, 1);
  await mill.send(ticker, 2);
  await clock.advance(60_000);
  expect(seen).toEqual([1, 2]);
  expect(consumer.state).toBe("running");
});

test("at-most-once settles first", async () => {
  const { mill, clock } = await engine();
  await mill.send(numbers, 1);
  const left: number[] = [];
  mill.handle(
    numbers,
    async () => {
      left.push((await mill.admin.stats(numbers)).messages);
      throw new Error("no second attempt");
    },
    { guarantee: "at-most-once" },
  );
  await clock.advance(60_000);
  expect(left).toEqual([0]);
  expect(await mill.admin.dead(numbers).list()).toMatchObject([{ reason: "attempts" }]);
});

test("a paused consumer gives back what it has not begun, and goes on where it was", async () => {
  const { mill, clock } = await engine();
  await mill.sendAll(events, ["a1", "a2", "a3"]);
  const seen: string[] = [];
  let finish = (): void => {};
  const consumer = mill.handle(
    events,
    (event, { attempt }) => {
      seen.push(`${event}#${attempt}`);
      return event === "a1" ? new Promise<void>((resolve) => (finish = resolve)) : undefined;
    },
    { group: "g" },
  );
  await clock.advance(0);
  consumer.pause();
  finish();
  await clock.advance(60_000);
  expect(seen).toEqual(["a1#1"]);
  consumer.resume();
  await clock.advance(0);
  expect(seen).toEqual(["a1#1", "a2#1", "a3#1"]);
});

test("closed in the middle of its work, a consumer leaves everything to the next one, uncounted", async () => {
  const { mill, clock } = await engine();
  await mill.sendAll(numbers, [1, 2, 3]);
  const first = mill.handle(numbers, () => new Promise(() => {}), { concurrency: 2 });
  await clock.advance(0);
  const closing = first.close({ drain: "5s" });
  await clock.advance(5_000);
  await closing;
  const seen: string[] = [];
  mill.handle(numbers, (value, { attempt }) => void seen.push(`${value}#${attempt}`));
  await clock.advance(0);
  expect(seen.toSorted()).toEqual(["1#1", "2#1", "3#1"]);
});

test("history is read as it was sent, until its end or until told to stop", async () => {
  const { mill } = await engine();
  await mill.sendAll(events, ["a1", "a2", "a3"]);
  const read = async (options: Parameters<typeof mill.read>[1]): Promise<string[]> => {
    const seen: string[] = [];
    for await (const message of mill.read(events, options)) {
      seen.push(message.value);
      if (seen.length === 3) break;
    }
    return seen;
  };
  expect(await read({ until: "end" })).toEqual(["a1", "a2", "a3"]);
  expect(await read({})).toEqual(["a1", "a2", "a3"]);
  const stop = new AbortController();
  const reading = (async () => {
    for await (const message of mill.read(events, { signal: stop.signal })) if (message.value === "a3") stop.abort();
  })();
  await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
});

test("members of a group share the partitions; what one leaves goes to the others, in order, once", async () => {
  const { mill, clock } = await engine();
  const many = stream<number>("many", { partitions: 4 });
  const seen: string[] = [];
  const start = (who: string): ReturnType<typeof mill.handle> =>
    mill.handle(
      many,
      async (value, { message }) => {
        await sleep(clock, 5);
        seen.push(`${who} ${message.partition} ${value}`);
      },
      { group: "g", concurrency: 4 },
    );
  const first = start("first");
  await first.ready;
  for (let value = 0; value < 200; value++) await mill.send(many, value, { key: `k${value}` });
  await clock.advance(50);
  const second = start("second");
  await clock.advance(100);
  const closing = first.close();
  await clock.advance(30_000);
  await closing;
  const workers = new Set(seen.map((each) => each.split(" ")[0]));
  expect([...workers]).toEqual(["first", "second"]);
  for (const partition of ["0", "1", "2", "3"]) {
    const values = seen.filter((each) => each.split(" ")[1] === partition).map((each) => Number(each.split(" ")[2]));
    expect(values.length).toBeGreaterThan(0);
    expect(values).toEqual(values.toSorted((one, other) => one - other));
  }
  expect(new Set(seen.map((each) => each.split(" ")[2])).size).toBe(200);
  expect(seen).toHaveLength(200);
  void second;
});

test("closing ends a reading that waits for more", async () => {
  const { mill, clock } = await engine();
  await mill.send(events, "a1");
  const reading = (async () => {
    for await (const message of mill.read(events)) void message;
  })();
  reading.catch(() => {});
  await clock.advance(0);
  await mill.close();
  await expect(reading).rejects.toMatchObject({ code: "CLOSED" });
});

test("a transaction over a queue and a stream is whole", async () => {
  const { mill } = await engine();
  await mill.transaction(async (transaction) => {
    await transaction.send(numbers, 1);
    await transaction.send(events, "a");
  });
  const failing = mill.transaction(async (transaction) => {
    await transaction.send(numbers, 2);
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(await mill.admin.stats(numbers)).toMatchObject({ messages: 1 });
  expect(await mill.admin.stats(events)).toMatchObject({ messages: 1 });
});

test("a full queue makes senders wait, refuses them, or ends their wait in time", async () => {
  const { mill, clock } = await engine();
  const block = queue<number>("block", { capacity: { messages: 1 } });
  const refuse = queue<number>("refuse", { capacity: { messages: 1, whenFull: "reject" } });
  await mill.send(block, 1);
  await mill.send(refuse, 1);
  await expect(mill.send(refuse, 2)).rejects.toMatchObject({ code: "QUEUE_FULL" });
  const late = mill.send(block, 2, { timeout: "1s" });
  const waiting = mill.send(block, 3);
  late.catch(() => {});
  await clock.advance(1_000);
  await expect(late).rejects.toMatchObject({ code: "TIMEOUT" });
  mill.handle(block, () => {});
  await expect(waiting).resolves.toMatchObject({ dropped: false });
});

test("many values are loaded in batches, and bytes come back as copies that may be changed", async () => {
  const { mill, clock } = await engine();
  const raw = queue<Uint8Array>("raw", { codec: bytes });
  const value = new Uint8Array([1, 2, 3]);
  await mill.load(
    raw,
    Array.from({ length: 10_000 }, () => value),
  );
  let count = 0;
  mill.handleBatch(
    raw,
    (values) => {
      for (const each of values) {
        count += each[0] === 1 ? 1 : 0;
        each[0] = 9;
      }
    },
    { size: 500 },
  );
  await clock.advance(0);
  await expect.poll(() => count).toBe(10_000);
});

test("what the engine cannot do is refused with the engine's advice", async () => {
  const { mill } = await engine();
  await expect(mill.send(numbers, 1, { within: {} } as never)).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
  await expect(mill.send(stream("numbers"), 1, { delay: "1m" })).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
  await expect(mill.send(stream("numbers"), 1)).resolves.toBeDefined();
  await expect(mill.send(numbers, 1)).rejects.toMatchObject({ code: "CHANNEL_MISMATCH" });
});
