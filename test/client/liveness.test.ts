/** A consumer that cannot do its work says so, says why, and gets going again: within a time that is stated. */
import { expect, test } from "vitest";
import { fixed, MillraceError, queue, reject, stream, topic } from "../../src/index.js";
import { rest } from "./manual-clock.js";
import { world } from "./world.js";

const channel = queue<number>("q", { attempts: 3, backoff: fixed("1s") });
const never = new Promise<never>(() => {});

test("why it is stalled is in its state, in the log, and in what admin shows", async () => {
  const { mill, driver, clock, log } = await world();
  const consumer = mill.handle(channel, () => {});
  await consumer.ready;
  expect(mill.admin.consumers()).toMatchObject([
    { channel: "q", kind: "queue", group: "", state: "running", reason: undefined, stalls: 0 },
  ]);
  driver.channel("q").source().fail(new MillraceError("TIMEOUT", "the broker is silent"));
  driver.channel("q").consumeFailure = new MillraceError("TIMEOUT", "the broker is still silent");
  await rest();
  expect([consumer.state, consumer.reason]).toEqual(["stalled", "the broker is silent"]);
  expect(log[0]?.message).toMatch(/consumer of queue "q" is stalled/);
  await clock.advance(1_000);
  const [info] = mill.admin.consumers();
  expect(info).toMatchObject({ state: "stalled", reason: "the broker is still silent", forMs: 1_000, stalls: 1 });
  driver.channel("q").consumeFailure = undefined;
  await clock.advance(60_000);
  expect([consumer.state, consumer.reason]).toEqual(["running", undefined]);
  await consumer.close();
  expect(mill.admin.consumers()).toEqual([]);
});

test("messages that wait while nobody handles them are seen as such", async () => {
  const { mill } = await world();
  await mill.send(channel, 1);
  expect(await mill.admin.stats(channel)).toMatchObject({ ready: 1, consumers: 0 });
  expect(await mill.admin.pressure(channel)).toMatchObject({ work: 1, consumers: 0 });
  await mill.handle(channel, () => never).ready;
  expect(await mill.admin.stats(channel)).toMatchObject({ consumers: 1 });
});

test("a driver that does not even say how much waits is taken for stuck, within three minutes", async () => {
  const { mill, driver, clock } = await world();
  const consumer = mill.handle(channel, () => {});
  await consumer.ready;
  const stats = driver.admin.stats.bind(driver.admin);
  driver.admin.stats = () => never;
  await clock.advance(180_000);
  expect(consumer.state).toBe("stalled");
  expect(consumer.reason).toMatch(/saying how much waits took longer than 60000 ms/);
  driver.admin.stats = stats;
  await clock.advance(1_000);
  expect(consumer.state).toBe("running");
});

test("a source that answers nothing, not even that it shall stop, is left behind", async () => {
  const { mill, driver, clock } = await world();
  const seen: number[] = [];
  const consumer = mill.handle(channel, (value) => void seen.push(value));
  await consumer.ready;
  await rest();
  driver.channel("q").source().deaf = true;
  await mill.send(channel, 1);
  await clock.advance(120_000);
  expect(consumer.state).toBe("stalled");
  await clock.advance(11_000);
  expect([consumer.state, seen]).toEqual(["running", [1]]);
});

test("closing does not wait for ever for such a source", async () => {
  const { mill, driver, clock } = await world();
  const consumer = mill.handle(channel, () => {});
  await consumer.ready;
  await rest();
  driver.channel("q").source().deaf = true;
  const closed = consumer.close();
  await clock.advance(20_000);
  await closed;
  expect(consumer.state).toBe("closed");
});

test("a driver that does not let it join is not waited for: at the start that is an error, later it tries again", async () => {
  const { mill, driver, clock } = await world();
  const consumer = mill.handle(channel, () => {});
  await consumer.ready;
  await rest();
  const fake = driver.channel("q");
  const consume = fake.consume.bind(fake);
  fake.consume = () => never;
  const late = mill.handle(channel, () => {});
  const refused = late.ready.catch((error: unknown) => error);
  fake.source().fail(new MillraceError("TIMEOUT", "the broker is silent"));
  await clock.advance(61_000);
  expect(await refused).toMatchObject({ code: "TIMEOUT" });
  expect(consumer.reason).toMatch(/joining the channel took longer than 60000 ms/);
  fake.consume = consume;
  await clock.advance(61_000);
  expect(consumer.state).toBe("running");
});

test("a source that comes after it was given up is closed, so that it takes nothing with it", async () => {
  const { mill, driver, clock } = await world();
  await mill.send(channel, 1);
  const fake = driver.channel("q");
  const consume = fake.consume.bind(fake);
  let come = (): void => {};
  fake.consume = async (options) => {
    await new Promise<void>((resolve) => (come = resolve));
    return consume(options);
  };
  const consumer = mill.handle(channel, () => {});
  consumer.ready.catch(() => {});
  await clock.advance(60_000);
  expect(consumer.state).toBe("closed");
  come();
  await rest();
  expect(fake.group("").sources).toEqual([]);
});

test("a lease that cannot be renewed makes it begin anew, and nothing crashes", async () => {
  const { mill, driver, clock } = await world();
  await mill.send(channel, 1);
  const attempts: number[] = [];
  const consumer = mill.handle(channel, (_value, { attempt }) => {
    attempts.push(attempt);
    return attempts.length === 1 ? never : undefined;
  });
  await rest();
  driver.channel("q").source().extendFailure = new MillraceError("TIMEOUT", "the lease store is away");
  await clock.advance(10_000);
  expect([consumer.state, consumer.reason]).toEqual(["stalled", "the lease store is away"]);
  await clock.advance(1_000);
  expect([consumer.state, attempts.length]).toEqual(["running", 2]);
});

test("a timer that does not fire is noticed when a lease ends by it, and everything begins anew", async () => {
  const { mill, clock, driver } = await world();
  const quick = queue<number>("quick", { lease: "10s" });
  await mill.send(quick, 1);
  const after = clock.after.bind(clock);
  let calls = 0;
  const consumer = mill.handle(quick, () => (++calls === 1 ? never : undefined));
  await consumer.ready;
  // The next timer for a third of a lease is the renewal: it gets lost.
  clock.after = (delayMs, run) => (Math.round(delayMs) === 3_333 ? { cancel() {} } : after(delayMs, run));
  await rest();
  clock.after = after;
  await clock.advance(10_000);
  // The first lease has ended, and the driver has said so; that alone proves nothing.
  expect(consumer.state).toBe("running");
  await mill.send(quick, 2);
  const source = driver.channel("quick").source();
  await clock.advance(4_000);
  source.options.onLost([]);
  await rest();
  expect(consumer.reason).toMatch(/a timer that was due 1\d{4} ms ago has not fired/);
  await clock.advance(1_000);
  expect([consumer.state, calls]).toEqual(["running", 3]);
});

test("an event loop that was blocked for longer than a lease is told from that, and said so", async () => {
  const { mill, clock, log } = await world();
  await mill.send(channel, 1);
  const consumer = mill.handle(channel, () => never);
  await rest();
  clock.block(45_000);
  await clock.advance(0);
  expect(consumer.state).toBe("running");
  const warnings = log.filter(({ level }) => level === "warn");
  expect(warnings).toMatchObject([{ fields: { lateMs: 35_000, leaseMs: 30_000 } }]);
  expect(warnings[0]?.message).toMatch(/the event loop was blocked for longer than a lease/);
});

test("a dead letter that is never stored does not keep its message's place", async () => {
  const { mill, driver, clock } = await world();
  await mill.sendAll(channel, [1, 2]);
  const seen: number[] = [];
  const consumer = mill.handle(channel, (value) => {
    seen.push(value);
    return value === 1 && seen.length === 1 ? reject("no") : undefined;
  });
  await consumer.ready;
  const declare = driver.declare.bind(driver);
  driver.declare = (spec) => (spec.name === "q.dead" ? never : declare(spec));
  await clock.advance(60_000);
  expect([consumer.state, seen]).toEqual(["stalled", [1]]);
  await clock.advance(1_000);
  expect([consumer.state, seen]).toEqual(["running", [1, 1, 2]]);
});

test("the only member of a group is judged too; of several nobody can tell", async () => {
  const { mill, driver, clock } = await world();
  const events = stream<number>("events", { partitions: 1 });
  const seen: number[] = [];
  const consumer = mill.handle(events, (value) => void seen.push(value), { group: "g" });
  await consumer.ready;
  await rest();
  driver.channel("events").source("g").forgotten = true;
  await mill.send(events, 1);
  await clock.advance(120_000);
  expect(consumer.reason).toMatch(/messages wait, and none has been handed out to the consumer of stream "events"/);
  await clock.advance(1_000);
  expect([consumer.state, seen]).toEqual(["running", [1]]);
  const news = topic<number>("news");
  const first = mill.handle(news, () => {}, { group: "g" });
  const second = mill.handle(news, () => {}, { group: "g" });
  await Promise.all([first.ready, second.ready]);
  for (const source of driver.channel("news").group("g").sources) source.forgotten = true;
  await mill.send(news, 1);
  await clock.advance(600_000);
  expect([first.state, second.state]).toEqual(["running", "running"]);
});

test("a message that waits for its retry holds up its stream, and that is no reason to begin anew", async () => {
  const { mill, clock, log } = await world();
  const events = stream<number>("events", { partitions: 1, backoff: fixed("1h") });
  await mill.sendAll(events, [1, 2]);
  const consumer = mill.handle(
    events,
    () => {
      throw new Error("no");
    },
    { group: "g" },
  );
  await clock.advance(600_000);
  expect([consumer.state, log]).toEqual(["running", []]);
});

test("a source that fails in the middle of a probe leaves the outage to be probed by the next one", async () => {
  const { mill, driver, clock } = await world();
  await mill.sendAll(channel, [1, 2, 3, 4]);
  let how: "down" | "hangs" | "up" = "down";
  const seen: number[] = [];
  const consumer = mill.handle(
    channel,
    (value) => {
      if (how === "down") throw new Error("the database is down");
      if (how === "hangs") return never;
      return void seen.push(value);
    },
    { outage: { samples: 3, share: 1, probe: fixed("10s") } },
  );
  await rest();
  expect(consumer.state).toBe("probing");
  how = "hangs";
  await clock.advance(10_000);
  driver.channel("q").source().settleFailure = new MillraceError("TIMEOUT", "the broker is silent");
  driver.channel("q").source().extendFailure = new MillraceError("TIMEOUT", "the broker is silent");
  await clock.advance(10_000);
  expect(consumer.reason).toBe("the broker is silent");
  how = "up";
  await clock.advance(120_000);
  expect([consumer.state, seen.toSorted()]).toEqual(["running", [1, 2, 3, 4]]);
});
