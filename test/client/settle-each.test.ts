/** A stream handled with settle "each", as a user sees it. */
import { expect, onTestFinished, test } from "vitest";
import { fixed, open, queue, reject, silentLogger, stream } from "../../src/index.js";
import type { Millrace } from "../../src/index.js";
import { ManualClock } from "./manual-clock.js";
import { FakeDriver } from "./fake-driver.js";

async function engine(): Promise<{ readonly mill: Millrace; readonly clock: ManualClock }> {
  const clock = new ManualClock();
  const mill = await open("memory:", { clock, logger: silentLogger, random: () => 0.999_999_999 });
  onTestFinished(() => mill.close({ drain: 0 }).catch(() => {}));
  return { mill, clock };
}

const events = stream<number>("events", { partitions: 1, attempts: 2, backoff: fixed("10s") });

test("a message that fails is retried and dies beside the others of its partition", async () => {
  const { mill, clock } = await engine();
  const seen: string[] = [];
  await mill.sendAll(events, [1, 2, 3]);
  mill.handle(
    events,
    (value, { attempt }) => {
      seen.push(`${value}/${attempt}`);
      if (value === 1) throw new Error("no");
      return value === 2 ? reject("never") : undefined;
    },
    { group: "g", settle: "each" },
  );
  await clock.advance(0);
  expect(seen).toEqual(["1/1", "2/1", "3/1"]);
  expect(await mill.admin.lag(events, "g")).toMatchObject([{ messages: 1 }]);
  await clock.advance(10_000);
  expect(seen.at(-1)).toBe("1/2");
  expect(await mill.admin.lag(events, "g")).toMatchObject([{ messages: 0 }]);
  expect(await mill.admin.stats("events.g.dead")).toMatchObject({ messages: 2 });
});

test("more handlers are at work than there are partitions, in batches too", async () => {
  const { mill, clock } = await engine();
  const running: (() => void)[] = [];
  const wait = (): Promise<void> => new Promise((resolve) => running.push(resolve));
  await mill.sendAll(events, [1, 2, 3, 4, 5, 6]);
  mill.handle(events, wait, { group: "singles", settle: "each", concurrency: 4 });
  mill.handleBatch(events, wait, { group: "batches", settle: "each", concurrency: 2, size: 2, within: 0 });
  await clock.advance(0);
  expect(running).toHaveLength(6);
  for (const resolve of running) resolve();
});

test("what contradicts it is refused, and what a driver cannot do", async () => {
  const { mill } = await engine();
  const handler = (): void => {};
  const group = "g";
  expect(() => mill.handle(events, handler, { group, settle: "all" as "each" })).toThrow(/settle must be "each"/);
  expect(() => mill.handle(queue("q"), handler, { settle: "each" })).toThrow(/settled by itself anyway/);
  for (const option of [{ member: "m" }, { onFailure: "park" }, { assignment: "range" }] as const) {
    expect(() => mill.handle(events, handler, { group, settle: "each", ...option })).toThrow(
      `leave ${Object.keys(option)[0]} out`,
    );
  }
  const other = await open(new FakeDriver(new ManualClock()), { logger: silentLogger });
  onTestFinished(() => other.close());
  expect(() => other.handle(events, handler, { group, settle: "each" })).toThrow(/settle: "each" is not supported/);
});

test("a group that exists with another way of settling ends the consumer with CHANNEL_MISMATCH", async () => {
  const { mill } = await engine();
  await mill.handle(events, () => {}, { group: "g" }).ready;
  const consumer = mill.handle(events, () => {}, { group: "g", settle: "each" });
  consumer.closed.catch(() => {});
  await expect(consumer.ready).rejects.toMatchObject({ code: "CHANNEL_MISMATCH" });
});
