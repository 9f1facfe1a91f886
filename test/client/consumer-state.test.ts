import { expect, test } from "vitest";
import { MillraceError, queue, stream } from "../../src/index.js";
import { rest } from "./manual-clock.js";
import { world } from "./world.js";

const channel = queue<number>("q");

test("a consumer is starting, then running, and ready resolves in between", async () => {
  const { mill } = await world();
  const consumer = mill.handle(channel, () => {});
  expect(consumer.state).toBe("starting");
  await consumer.ready;
  expect(consumer.state).toBe("running");
});

test("a consumer that cannot start is closed: ready and closed reject with the reason, and nobody has to listen", async () => {
  const { mill, driver, log } = await world();
  driver.declareFailure = new MillraceError("CHANNEL_MISMATCH", "it is a stream");
  const consumer = mill.handle(channel, () => {});
  await rest();
  expect(consumer.state).toBe("closed");
  await expect(consumer.ready).rejects.toMatchObject({ code: "CHANNEL_MISMATCH" });
  await expect(consumer.closed).rejects.toMatchObject({ code: "CHANNEL_MISMATCH" });
  await expect(consumer.close()).resolves.toBeUndefined();
  expect(log).toMatchObject([
    { level: "error", message: expect.stringMatching(/consumer of queue "q" has ended/) as string },
  ]);
});

test("paused, it takes nothing, and running handlers finish; resumed, it goes on", async () => {
  const { mill, driver } = await world();
  const seen: number[] = [];
  let finish = (): void => {};
  const consumer = mill.handle(channel, async (value) => {
    if (value === 1) await new Promise<void>((resolve) => (finish = resolve));
    seen.push(value);
  });
  await mill.send(channel, 1);
  await rest();
  consumer.pause();
  expect(consumer.state).toBe("paused");
  finish();
  await mill.send(channel, 2);
  await rest();
  expect(seen).toEqual([1]);
  consumer.resume();
  expect(consumer.state).toBe("running");
  await rest();
  expect(seen).toEqual([1, 2]);
  expect(driver.channel("q").group("").unsettled).toEqual([]);
});

test("paused, it begins nothing that it has taken before, and gives it back uncounted", async () => {
  const { mill, driver } = await world();
  const events = stream<number>("events", { partitions: 1 });
  await mill.sendAll(events, [1, 2, 3]);
  const seen: string[] = [];
  let finish = (): void => {};
  const consumer = mill.handle(
    events,
    (value, { attempt }) => {
      seen.push(`${value}#${attempt}`);
      return value === 1 ? new Promise<void>((resolve) => (finish = resolve)) : undefined;
    },
    { group: "g" },
  );
  await rest();
  consumer.pause();
  finish();
  await rest();
  expect(seen).toEqual(["1#1"]);
  expect(
    driver
      .channel("events")
      .group("g")
      .entries.map((entry) => entry.state),
  ).toEqual(["settled", "ready", "ready"]);
  consumer.resume();
  await rest();
  expect(seen).toEqual(["1#1", "2#1", "3#1"]);
});

test("a message that comes in while it is paused goes back uncounted", async () => {
  const { mill, driver } = await world();
  const attempts: number[] = [];
  const consumer = mill.handle(channel, (_value, delivery) => void attempts.push(delivery.attempt));
  await consumer.ready;
  await rest();
  consumer.pause();
  await mill.send(channel, 1);
  await rest();
  expect(
    driver
      .channel("q")
      .source()
      .settlements.map((each) => each.settlement.kind),
  ).toEqual(["release"]);
  consumer.resume();
  await rest();
  expect(attempts).toEqual([1]);
});

test("paused before it has started, it starts paused", async () => {
  const { mill } = await world();
  const consumer = mill.handle(channel, () => {});
  consumer.pause();
  await consumer.ready;
  expect(consumer.state).toBe("paused");
  consumer.resume();
  expect(consumer.state).toBe("running");
});

test("an error that may pass makes it stalled: it says so, tries again with growing pauses, and runs", async () => {
  const { mill, driver, clock, log } = await world();
  const seen: number[] = [];
  const consumer = mill.handle(channel, (value) => void seen.push(value));
  await consumer.ready;
  await rest();
  driver.channel("q").source().fail(new MillraceError("TIMEOUT", "the broker is silent"));
  await rest();
  expect(consumer.state).toBe("stalled");
  driver.channel("q").consumeFailure = new MillraceError("TIMEOUT", "still silent");
  await mill.send(channel, 1);
  await clock.advance(99 + 199 + 399);
  expect(consumer.state).toBe("stalled");
  driver.channel("q").consumeFailure = undefined;
  await clock.advance(799);
  expect(consumer.state).toBe("running");
  expect(seen).toEqual([1]);
  const warnings = log.filter((line) => line.level === "warn");
  expect(warnings.map((line) => line.fields["waitMs"])).toEqual([99, 199, 399, 799]);
  expect(warnings[0]?.message).toMatch(/is stalled and tries again/);
});

test("what was under way when it stalled is aborted, because its lease is gone", async () => {
  const { mill, driver } = await world();
  await mill.send(channel, 1);
  let signal: AbortSignal | undefined;
  mill.handle(
    channel,
    (_value, delivery) => {
      signal ??= delivery.signal;
      return new Promise(() => {});
    },
    { concurrency: 2 },
  );
  await rest();
  driver.channel("q").source().fail(new MillraceError("TIMEOUT", "the broker is silent"));
  await rest();
  expect(signal?.reason).toMatchObject({ code: "LEASE_EXPIRED" });
});

test("a consumer that waits while messages wait for it has been forgotten: it stalls, says so, and begins anew", async () => {
  const { mill, driver, clock, log } = await world();
  const seen: number[] = [];
  const consumer = mill.handle(channel, (value) => void seen.push(value));
  await consumer.ready;
  await rest();
  await clock.advance(10 * 60_000);
  expect(log).toEqual([]);
  driver.channel("q").source().forgotten = true;
  await mill.send(channel, 1);
  await clock.advance(60_000);
  expect([consumer.state, seen, driver.channel("q").group("").sources.length]).toEqual(["stalled", [], 0]);
  await clock.advance(100);
  expect([consumer.state, seen]).toEqual(["running", [1]]);
  expect(log.map((line) => line.level)).toEqual(["warn", "info"]);
  expect(log[0]?.fields["error"]).toMatchObject({ message: expect.stringMatching(/1 messages wait/) as string });
});

test("a consumer that has waited for a moment only, or is served while it is looked at, has not been forgotten", async () => {
  const { mill, driver, clock, log } = await world();
  const consumer = mill.handle(channel, () => {});
  await consumer.ready;
  await clock.advance(59_000);
  await mill.send(channel, 1);
  await rest();
  const source = driver.channel("q").source();
  source.forgotten = true;
  await mill.send(channel, 2);
  await clock.advance(60_000);
  expect(consumer.state).toBe("running");
  const { admin } = driver;
  const stats = admin.stats.bind(admin);
  admin.stats = async (name) => {
    const found = await stats(name);
    // Between the look and the verdict, the broker remembers.
    source.forgotten = false;
    source.serve();
    await rest();
    return found;
  };
  await clock.advance(60_000);
  expect([consumer.state, log]).toEqual(["running", []]);
});

test("a consumer that is busy, or paused, has not been forgotten", async () => {
  const { mill, clock, log } = await world();
  const consumer = mill.handle(channel, () => new Promise(() => {}), { timeout: "1h" });
  await mill.sendAll(channel, [1, 2]);
  await clock.advance(10 * 60_000);
  consumer.pause();
  await clock.advance(10 * 60_000);
  expect([consumer.state, log]).toEqual(["paused", []]);
});

test("closed while it is stalled, it is closed", async () => {
  const { mill, driver } = await world();
  const consumer = mill.handle(channel, () => {});
  await consumer.ready;
  await rest();
  driver.channel("q").source().fail(new MillraceError("TIMEOUT", "the broker is silent"));
  await rest();
  driver.channel("q").consumeFailure = new MillraceError("TIMEOUT", "still silent");
  await consumer.close();
  expect(consumer.state).toBe("closed");
  await expect(consumer.closed).resolves.toBeUndefined();
});

test("an error that does not pass ends it, and closed rejects with that error", async () => {
  const { mill, driver } = await world();
  const consumer = mill.handle(channel, () => {});
  await consumer.ready;
  await rest();
  driver.channel("q").source().fail(new MillraceError("LOG_FENCED", "a sync failed"));
  await expect(consumer.closed).rejects.toMatchObject({ code: "LOG_FENCED" });
  expect(consumer.state).toBe("closed");
  await expect(consumer.ready).resolves.toBeUndefined();
});

test("a source that answers a settlement with an error ends it too", async () => {
  const { mill, driver } = await world();
  const consumer = mill.handle(channel, () => {});
  await consumer.ready;
  driver.channel("q").source().settleFailure = new MillraceError("LOG_FENCED", "a sync failed");
  await mill.send(channel, 1);
  await expect(consumer.closed).rejects.toMatchObject({ code: "LOG_FENCED" });
});

test("a source that the driver closes by itself ends it", async () => {
  const { mill, driver } = await world();
  const consumer = mill.handle(stream<number>("s"), () => {}, { group: "g" });
  await consumer.ready;
  await rest();
  driver.channel("s").source("g").stop();
  await expect(consumer.closed).rejects.toMatchObject({ code: "CLOSED" });
});
