import fc from "fast-check";
import { expect, test } from "vitest";
import { fixed, later, open, queue, reject, silentLogger, stream, topic } from "../../src/index.js";
import type { Channel, Consumer, HandleOptions, Queue } from "../../src/index.js";
import { ManualClock } from "./manual-clock.js";
import { world } from "./world.js";
import type { World } from "./world.js";

const orders = queue<number>("orders", { attempts: 3, backoff: fixed("1s") });
const outage = { samples: 5, share: 0.8, probe: fixed("10s") };

interface Dependency {
  isDown: boolean;
  readonly handled: number[];
  readonly tried: number[];
  consumer: Consumer;
}

function working({ mill }: World, channel: Channel<number>, options: HandleOptions = {}): Dependency {
  const dependency: Partial<Dependency> & Pick<Dependency, "isDown" | "handled" | "tried"> = {
    isDown: false,
    handled: [],
    tried: [],
  };
  dependency.consumer = mill.handle(
    channel,
    async (number) => {
      dependency.tried.push(number);
      if (dependency.isDown) throw new Error(`connect ECONNREFUSED 10.0.0.${number}:5432`);
      dependency.handled.push(number);
    },
    { outage, ...options },
  );
  return dependency as Dependency;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

test("an outage is slowed down to single probes, costs nobody an attempt, and ends at the first success", async () => {
  const all = await world();
  const database = working(all, orders, { concurrency: 4 });
  database.isDown = true;
  await all.mill.sendAll(orders, numbers(50));
  await all.clock.advance(0);
  const { tried, consumer } = database;
  expect(tried.length).toBeLessThanOrEqual(8);
  expect(consumer.state).toBe("probing");
  expect(consumer.outage).toMatchObject({ error: { name: "Error", message: "connect ECONNREFUSED 10.0.0.4:5432" } });
  const triedAtFirst = tried.length;
  await all.clock.advance(10_000);
  expect(tried.length).toBe(triedAtFirst + 1);
  await all.clock.advance(3_600_000 - 10_000);
  expect(tried.length).toBe(triedAtFirst + 360);
  expect(consumer.outage?.probes).toBe(360);
  expect(await all.mill.admin.dead(orders).list()).toEqual([]);
  database.isDown = false;
  await all.clock.advance(10_000);
  expect([consumer.state, consumer.outage]).toEqual(["running", undefined]);
  await all.clock.advance(10_000);
  expect(database.handled.toSorted((one, other) => one - other)).toEqual(numbers(50));
  expect(await all.mill.admin.dead(orders).list()).toEqual([]);
});

test("the log tells when it begins and when it is over, each once", async () => {
  const all = await world();
  const database = working(all, orders);
  database.isDown = true;
  await all.mill.sendAll(orders, numbers(10));
  await all.clock.advance(60_000);
  database.isDown = false;
  await all.clock.advance(60_000);
  expect(all.log.filter(({ level }) => level !== "debug").map(({ level, message }) => `${level} ${message}`)).toEqual([
    expect.stringMatching(/^error the consumer of queue "orders": one message after the other fails/),
    expect.stringMatching(/^info the consumer of queue "orders": a message was handled: the outage is over/),
  ]);
});

test("poison among messages that are handled dies after its attempts, and slows nobody down", async () => {
  const all = await world();
  const { mill, clock } = all;
  const seen: number[] = [];
  const consumer = mill.handle(
    orders,
    (number) => {
      if (number % 3 === 0) throw new Error("poison");
      seen.push(number);
    },
    { outage, concurrency: 3 },
  );
  await mill.sendAll(orders, numbers(30));
  await clock.advance(0);
  expect(consumer.state).toBe("running");
  expect(seen).toHaveLength(20);
});

test("poison that is left over when all else is done dies after its attempts, though it all fails with the same error", async () => {
  const all = await world();
  const { mill, clock } = all;
  const consumer = mill.handle(
    orders,
    (number) => {
      if (number % 3 === 0) throw new Error("mailbox full");
    },
    { outage, concurrency: 16 },
  );
  await mill.sendAll(orders, numbers(60));
  await clock.advance(10_000);
  expect([consumer.state, consumer.outage]).toEqual(["running", undefined]);
  expect(await mill.admin.dead(orders).list()).toHaveLength(20);
  expect(await mill.admin.stats(orders)).toMatchObject({ messages: 0 });
});

test("after the time for which it spares them, messages die of an outage as of anything else", async () => {
  const all = await world();
  const database = working(all, orders, { outage: { ...outage, spares: "1h" } });
  database.isDown = true;
  await all.mill.sendAll(orders, numbers(10));
  await all.clock.advance(3_600_000);
  expect(await all.mill.admin.dead(orders).list()).toEqual([]);
  await all.clock.advance(3_600_000);
  expect(await all.mill.admin.dead(orders).list()).toHaveLength(10);
  expect(await all.mill.admin.stats(orders)).toMatchObject({ messages: 0 });
});

test("messages that fail each with an error of its own are no outage: they are dead after their attempts", async () => {
  const all = await world();
  const { mill, clock } = all;
  mill.handle(
    orders,
    (number) => {
      throw new Error("abcdefghijklmnopqrstuvwxyz".slice(number));
    },
    { outage },
  );
  await mill.sendAll(orders, numbers(20));
  await clock.advance(10_000);
  expect(await mill.admin.dead(orders).list()).toHaveLength(20);
});

test("what a handler rejects meanwhile is dead, and the next one is tried at once", async () => {
  const all = await world();
  const patient = queue<number>("patient", { backoff: fixed("1h") });
  let isDown = true;
  const consumer = all.mill.handle(
    patient,
    (number) => {
      if (number < 100 && isDown) throw new Error("down");
      return number < 100 ? undefined : reject("never");
    },
    { outage },
  );
  await all.mill.sendAll(patient, [...numbers(5), 100, 101, 102]);
  await all.clock.advance(9_999);
  expect(await all.mill.admin.dead(patient).list()).toHaveLength(0);
  await all.clock.advance(1);
  expect(await all.mill.admin.dead(patient).list()).toHaveLength(3);
  expect(consumer.state).toBe("probing");
  isDown = false;
  await all.clock.advance(3_600_000);
  expect(consumer.state).toBe("running");
});

test("poison with an error of its own dies meanwhile, so that it cannot hold up a partition for ever", async () => {
  const all = await world();
  const events = stream<number>("events", { partitions: 1, attempts: 3, backoff: fixed("1s") });
  let isDown = true;
  const handled: number[] = [];
  all.mill.handle(
    events,
    async (number) => {
      if (number === 7) throw new Error("poison");
      if (isDown) throw new Error("down");
      handled.push(number);
    },
    { group: "g", outage: { ...outage, samples: 2 } },
  );
  await all.mill.sendAll(events, [1, 2, 7, 8]);
  await all.clock.advance(2_000);
  isDown = false;
  await all.clock.advance(100_000);
  const dead = await all.mill.admin.dead(events, { group: "g" }).list();
  expect([handled, dead.map(({ message }) => message.value)]).toEqual([
    [2, 8],
    [1, 7],
  ]);
});

test("when the error of an outage changes, one failure counts, and then no more", async () => {
  const all = await world();
  let error = "refused";
  const consumer = all.mill.handle(
    orders,
    () => {
      throw new Error(error);
    },
    { outage },
  );
  await all.mill.sendAll(orders, numbers(10));
  await all.clock.advance(0);
  error = "timed out";
  await all.clock.advance(3_600_000);
  expect(consumer.state).toBe("probing");
  const attempts = (await all.mill.admin.peek(orders)).map((each) => each.attempts);
  expect(attempts.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(6);
  expect(await all.mill.admin.dead(orders).list()).toEqual([]);
});

test("what a handler asks to have later is no failure", async () => {
  const all = await world();
  const consumer = all.mill.handle(orders, () => later("1h", "not now"), { outage });
  await all.mill.sendAll(orders, numbers(20));
  await all.clock.advance(0);
  expect(consumer.state).toBe("running");
});

test("a batch that fails as a whole has failed once", async () => {
  const all = await world();
  const fail = (): never => {
    throw new Error("one of you is poison");
  };
  const consumer = all.mill.handleBatch(orders, fail, { size: 20, outage });
  await all.mill.sendAll(orders, numbers(20));
  await all.clock.advance(0);
  expect(consumer.state).toBe("running");
});

test("with outage: false every failure counts", async () => {
  const all = await world();
  const database = working(all, orders, { outage: false });
  database.isDown = true;
  await all.mill.sendAll(orders, numbers(30));
  await all.clock.advance(10_000);
  expect(await all.mill.admin.dead(orders).list({ limit: 100 })).toHaveLength(30);
});

test("unasked, it takes 16 of the last 20 messages", async () => {
  const all = await world();
  const database = working(all, orders, { outage: undefined });
  database.isDown = true;
  await all.mill.sendAll(orders, numbers(19));
  await all.clock.advance(0);
  expect(database.consumer.state).toBe("running");
  await all.mill.send(orders, 19);
  await all.clock.advance(0);
  expect(database.consumer.state).toBe("probing");
});

test("of a stream, each partition waits in order, and nothing is lost or skipped", async () => {
  const all = await world();
  const events = stream<number>("events", { partitions: 3, attempts: 100, backoff: fixed("1s") });
  const database = working(all, events, { group: "g", concurrency: 3, outage: { ...outage, samples: 3 } });
  await all.mill.sendAll(events, numbers(3));
  await all.clock.advance(0);
  database.isDown = true;
  for (const number of numbers(9)) await all.mill.send(events, 10 + number, { key: "k".repeat(number % 3) });
  await all.clock.advance(0);
  expect(database.consumer.state).toBe("probing");
  await all.clock.advance(600_000);
  database.isDown = false;
  await all.clock.advance(60_000);
  const { handled } = database;
  expect(handled.length).toBe(12);
  for (const partition of [0, 1, 2]) {
    const inOrder = handled.filter((number) => number >= 10 && number % 3 === partition);
    expect(inOrder).toEqual(inOrder.toSorted((one, other) => one - other));
  }
});

test("a group of a topic has an outage of its own", async () => {
  const all = await world();
  const news = topic<number>("news", { attempts: 2, backoff: fixed("1s") });
  const down = working(all, news, { group: "down" });
  const up = working(all, news, { group: "up" });
  await all.clock.advance(0);
  down.isDown = true;
  await all.mill.sendAll(news, numbers(20));
  await all.clock.advance(0);
  expect([down.consumer.state, up.consumer.state]).toEqual(["probing", "running"]);
  expect(up.handled).toHaveLength(20);
});

test("paused and resumed, it probes on; closed, it is closed", async () => {
  const all = await world();
  const database = working(all, orders);
  database.isDown = true;
  await all.mill.sendAll(orders, numbers(10));
  await all.clock.advance(0);
  const { consumer, tried } = database;
  consumer.pause();
  expect(consumer.state).toBe("paused");
  const triedBefore = tried.length;
  await all.clock.advance(60_000);
  expect(tried.length).toBe(triedBefore);
  consumer.resume();
  expect(consumer.state).toBe("probing");
  await all.clock.advance(60_000);
  expect(tried.length).toBeGreaterThan(triedBefore);
  await consumer.close();
  expect(consumer.state).toBe("closed");
});

test("its reason, and that of admin.consumers, names the error", async () => {
  const all = await world();
  const database = working(all, orders);
  database.isDown = true;
  await all.mill.sendAll(orders, numbers(10));
  await all.clock.advance(0);
  expect(database.consumer.reason).toMatch(/one message after the other fails with connect ECONNREFUSED/);
  expect(all.mill.admin.consumers()).toMatchObject([{ state: "probing", reason: database.consumer.reason }]);
});

test("wrong options are a TypeError", async () => {
  const { mill } = await world();
  for (const wrong of [{ share: 0 }, { share: 1.1 }, { samples: 1 }, { within: "x" }, { probe: 1 }, { often: 1 }, 7]) {
    expect(() => mill.handle(orders, () => {}, { outage: wrong as never })).toThrow(TypeError);
  }
});

/** Over the engine: who is poison dies, who is not is handled, whatever the mixture and whatever is out meanwhile. */
async function mixture(poison: readonly boolean[], downMs: number, channel: Queue<number>): Promise<void> {
  const clock = new ManualClock();
  const mill = await open("memory:", { clock, logger: silentLogger });
  const handled: number[] = [];
  let isDown = downMs > 0;
  mill.handle(
    channel,
    async (number) => {
      if (isDown) throw new Error("down");
      if (poison[number] === true) throw new Error("poison");
      handled.push(number);
    },
    { concurrency: 4, outage: { samples: 8, share: 0.75, probe: fixed("1s") } },
  );
  await mill.sendAll(channel, numbers(poison.length));
  await clock.advance(downMs);
  isDown = false;
  for (let each = 0; each < 20; each++) await clock.advance(5_000);
  const dead = (await mill.admin.dead(channel).list({ limit: 1_000 })).map(({ message }) => message.value);
  const isPoison = (number: number): boolean => poison[number] === true;
  expect(handled.toSorted((one, other) => one - other)).toEqual(numbers(poison.length).filter((n) => !isPoison(n)));
  expect(dead.every(isPoison)).toBe(true);
  if (downMs === 0) expect(dead.toSorted((one, other) => one - other)).toEqual(numbers(poison.length).filter(isPoison));
  await mill.close({ drain: 0 });
}

test("an outage kills nothing that is not poison, and poison in the minority dies", async () => {
  const work = queue<number>("work", { attempts: 6, backoff: fixed("1s") });
  // At most five poison messages, fewer than the six of eight that look like an outage.
  const poison = fc
    .array(fc.boolean(), { minLength: 8, maxLength: 40 })
    .map((all) => all.map((is, index) => is && all.slice(0, index).filter(Boolean).length < 5));
  await fc.assert(
    fc.asyncProperty(poison, fc.constantFrom(0, 0, 5_000, 60_000), (all, downMs) => mixture(all, downMs, work)),
    { numRuns: 60 },
  );
});
