/** A stream handled side by side within a partition, in the order of each key: over the engine in memory. */
import { expect, onTestFinished, test } from "vitest";
import { fixed, later, open, queue, silentLogger, stream } from "../../src/index.js";
import type { BatchOutcome, Consumer, Millrace } from "../../src/index.js";
import { ManualClock } from "./manual-clock.js";

const events = stream<string>("events", {
  partitions: 1,
  attempts: 3,
  backoff: fixed("10s"),
  key: (event) => (event.startsWith("-") ? undefined : event[0]),
});

async function engine(): Promise<{ readonly mill: Millrace; readonly clock: ManualClock }> {
  const clock = new ManualClock();
  const mill = await open("memory:", { clock, logger: silentLogger, random: () => 0.999_999_999 });
  onTestFinished(() => mill.close({ drain: 0 }).catch(() => {}));
  return { mill, clock };
}

/** Handlers that end when they are told to. */
class Hands {
  readonly open = new Map<string, () => void>();
  readonly begun: string[] = [];

  readonly handler = (value: string): Promise<void> => {
    this.begun.push(value);
    return new Promise((resolve) => this.open.set(value, resolve));
  };

  end(...values: readonly string[]): void {
    for (const value of values) this.open.get(value)?.();
  }
}

async function lagOf(mill: Millrace): Promise<unknown> {
  const [lag] = await mill.admin.lag(events, "g");
  return { committed: lag?.committed, messages: lag?.messages };
}

test("keys are handled side by side, each in its order, and what has no key beside them", async () => {
  const { mill, clock } = await engine();
  await mill.sendAll(events, ["a1", "a2", "b1", "-1", "-2", "a3", "b2"]);
  const hands = new Hands();
  mill.handle(events, hands.handler, { group: "g", concurrency: 4 });
  await clock.advance(0);
  expect(hands.begun).toEqual(["a1", "b1", "-1", "-2"]);
  hands.end("b1", "-1");
  await clock.advance(0);
  expect(hands.begun.slice(4)).toEqual(["b2"]);
  hands.end("a1");
  await clock.advance(0);
  expect(hands.begun.slice(5)).toEqual(["a2"]);
});

test("the committed offset is below everything that is not settled, and nothing settled comes again", async () => {
  const { mill, clock } = await engine();
  await mill.sendAll(events, ["a1", "b1", "c1"]);
  const hands = new Hands();
  const consumer = mill.handle(events, hands.handler, { group: "g", concurrency: 4 });
  await clock.advance(0);
  hands.end("b1", "c1");
  await clock.advance(0);
  expect(await lagOf(mill)).toEqual({ committed: 0n, messages: 1 });
  void consumer.close({ drain: 0 });
  await clock.advance(0);
  await consumer.closed;
  const again = new Hands();
  mill.handle(events, again.handler, { group: "g", concurrency: 4 });
  await clock.advance(0);
  expect(again.begun).toEqual(["a1"]);
});

test("a key that fails is parked: others go on, its own wait; it ends as a dead letter with its position", async () => {
  const { mill, clock } = await engine();
  await mill.sendAll(events, ["a1", "b1", "a2", "c1", "-1"]);
  const seen: string[] = [];
  const handler = (value: string, { attempt }: { attempt: number }): void => {
    seen.push(`${value}#${attempt}`);
    if (value === "a1") throw new Error("poison");
  };
  mill.handle(events, handler, { group: "g", concurrency: 4, onFailure: "park" });
  await clock.advance(0);
  await mill.sendAll(events, ["a3", "b2"]);
  await clock.advance(0);
  expect(seen).toEqual(["a1#1", "b1#1", "c1#1", "-1#1", "b2#1"]);
  await clock.advance(10_000);
  expect(seen.slice(5)).toEqual(["a1#2"]);
  await clock.advance(10_000);
  expect(seen.slice(6)).toEqual(["a1#3", "a2#1", "a3#1"]);
  expect(await mill.admin.dead(events, { group: "g" }).list()).toMatchObject([
    { message: { value: "a1", key: "a" }, origin: { partition: 0, offset: 0n }, attempts: 3 },
  ]);
  expect(await lagOf(mill)).toEqual({ committed: 7n, messages: 0 });
});

test("unless it is parked, what fails blocks its partition; what is at work meanwhile is done and does not come again", async () => {
  const { mill, clock } = await engine();
  await mill.sendAll(events, ["a1", "b1"]);
  const hands = new Hands();
  let isFailing = true;
  const handler = (value: string): Promise<void> => {
    if (value !== "a1" || !isFailing) return hands.handler(value);
    isFailing = false;
    throw new Error("not yet");
  };
  mill.handle(events, handler, { group: "g", concurrency: 4 });
  await clock.advance(0);
  await mill.sendAll(events, ["c1", "a2"]);
  hands.end("b1");
  await clock.advance(9_999);
  expect(hands.begun).toEqual(["b1"]);
  await clock.advance(1);
  expect(hands.begun).toEqual(["b1", "a1", "c1"]);
});

test("is parked without concurrency, too, and out of a batch", async () => {
  const { mill, clock } = await engine();
  await mill.sendAll(events, ["a1", "b1", "a2", "c1"]);
  const seen: string[] = [];
  const handler = (value: string): void => {
    seen.push(value);
    if (value === "a1" && seen.length < 4) throw new Error("not yet");
  };
  mill.handle(events, handler, { group: "g", onFailure: "park" });
  await clock.advance(0);
  expect(seen).toEqual(["a1", "b1", "c1"]);
  await clock.advance(10_000);
  expect(seen.slice(3)).toEqual(["a1", "a2"]);

  const batches: string[] = [];
  const batchHandler = (values: readonly string[]): BatchOutcome => {
    batches.push(values.join(" "));
    return batches.length > 1 ? undefined : values.map((value) => (value === "a1" ? later("1s") : undefined));
  };
  mill.handleBatch(events, batchHandler, { group: "h", size: 2, onFailure: "park" });
  await clock.advance(0);
  expect(batches).toEqual(["a1 b1", "c1"]);
  await clock.advance(1000);
  expect(batches.slice(2)).toEqual(["a1 a2"]);
});

test("a key with much to do does not keep others from their turn", async () => {
  const { mill, clock } = await engine();
  await mill.sendAll(events, [...Array.from({ length: 500 }, (_, index) => `a${index}`), "b1"]);
  const hands = new Hands();
  mill.handle(events, hands.handler, { group: "g", concurrency: 2 });
  await clock.advance(0);
  expect(hands.begun).toEqual(["a0", "b1"]);
});

test("closing lets what has begun end, and gives back the rest uncounted", async () => {
  const { mill, clock } = await engine();
  await mill.sendAll(events, ["a1", "b1", "a2", "c1"]);
  const hands = new Hands();
  const consumer: Consumer = mill.handle(events, hands.handler, { group: "g", concurrency: 3 });
  await clock.advance(0);
  void consumer.close();
  await clock.advance(0);
  hands.end("a1", "b1", "c1");
  await clock.advance(0);
  await consumer.closed;
  const seen: unknown[] = [];
  mill.handle(events, (value, { attempt }) => void seen.push([value, attempt]), { group: "g", concurrency: 3 });
  await clock.advance(0);
  expect(seen).toEqual([["a2", 1]]);
});

test("pausing gives back what has not begun, and what has goes on", async () => {
  const { mill, clock } = await engine();
  await mill.sendAll(events, ["a1", "a2", "b1"]);
  const hands = new Hands();
  const consumer = mill.handle(events, hands.handler, { group: "g", concurrency: 3 });
  await clock.advance(0);
  consumer.pause();
  hands.end("a1", "b1");
  await clock.advance(0);
  expect(hands.begun).toEqual(["a1", "b1"]);
  expect(await lagOf(mill)).toEqual({ committed: 1n, messages: 1 });
  consumer.resume();
  await clock.advance(0);
  expect(hands.begun).toEqual(["a1", "b1", "a2"]);
});

test("onFailure is refused where there is no order, and when it is none", async () => {
  const { mill } = await engine();
  expect(() => mill.handle(queue("work"), () => {}, { onFailure: "park" })).toThrow(/about the partitions of a stream/);
  expect(() => mill.handle(events, () => {}, { group: "g", onFailure: "skip" as never })).toThrow(/"block" or "park"/);
});
