/** Handlers that never return: each loses its lease and its place at its timeout, and there is a bound to how many there can be. */
import { expect, test } from "vitest";
import { fixed, MillraceError, queue, stream } from "../../src/index.js";
import { rest } from "./manual-clock.js";
import { world } from "./world.js";

const channel = queue<number>("q", { attempts: 1_000, backoff: fixed("1s") });

function hanging(): { readonly handler: () => Promise<void>; readonly open: (() => void)[] } {
  const open: (() => void)[] = [];
  return { open, handler: () => new Promise<void>((resolve) => void open.push(resolve)) };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

test("ten of them, and the consumer stops beginning others, and says why; when one returns it goes on", async () => {
  const { mill, clock, log } = await world();
  await mill.sendAll(channel, numbers(20));
  const { handler, open } = hanging();
  const consumer = mill.handle(channel, handler, { timeout: "1m" });
  await clock.advance(9 * 60_000);
  expect([consumer.state, open.length, mill.admin.consumers()[0]?.abandoned]).toEqual(["running", 10, 9]);
  await clock.advance(60_000);
  expect(consumer.state).toBe("stalled");
  expect(consumer.reason).toMatch(/handlers never return: 10 are still running though their time is over/);
  await clock.advance(3_600_000);
  expect(open.length).toBe(10);
  open[0]?.();
  await rest();
  expect([consumer.state, consumer.reason, open.length]).toEqual(["running", undefined, 11]);
  expect(log.filter(({ level }) => level !== "error").map(({ message }) => message)).toEqual([
    expect.stringMatching(/is stalled: handlers never return/) as string,
    expect.stringMatching(/runs again: handlers have returned/) as string,
  ]);
});

test("with more places, as many as there are places", async () => {
  const { mill, clock } = await world();
  await mill.sendAll(channel, numbers(100));
  const { handler, open } = hanging();
  const consumer = mill.handle(channel, handler, { timeout: "1m", concurrency: 30 });
  await clock.advance(60_000);
  expect([consumer.state, open.length]).toEqual(["stalled", 30]);
});

test("a batch is one handler", async () => {
  const { mill, clock } = await world();
  await mill.sendAll(channel, numbers(500));
  const { handler, open } = hanging();
  const consumer = mill.handleBatch(channel, handler, { timeout: "1m", size: 50 });
  await clock.advance(3 * 60_000);
  expect([consumer.state, mill.admin.consumers()[0]?.abandoned]).toEqual(["running", 3]);
  open[0]?.();
  open[1]?.();
  await rest();
  expect(mill.admin.consumers()[0]?.abandoned).toBe(1);
});

test("those of a source that has failed count as well: rebuilding does not gather them", async () => {
  const { mill, driver, clock } = await world();
  await mill.sendAll(channel, numbers(100));
  const { handler, open } = hanging();
  const consumer = mill.handle(channel, handler, { concurrency: 5 });
  await rest();
  for (let failure = 0; failure < 6; failure++) {
    driver.channel("q").source().extendFailure = new MillraceError("TIMEOUT", "the broker is silent");
    await clock.advance(60_000);
  }
  // Five of the first source, and five of the second: the third begins none.
  expect([open.length, mill.admin.consumers()[0]?.abandoned, consumer.state]).toEqual([10, 10, "stalled"]);
  driver.channel("q").source().extendFailure = undefined;
  for (const finish of open.splice(0)) finish();
  await clock.advance(60_000);
  expect([consumer.state, mill.admin.consumers()[0]?.abandoned]).toEqual(["running", 0]);
});

test("what it had fetched and not begun goes back, for others", async () => {
  const { mill, driver, clock } = await world();
  const events = stream<number>("events", { partitions: 3, attempts: 1_000, backoff: fixed("1s") });
  await mill.sendAll(events, numbers(50));
  const { handler, open } = hanging();
  const consumer = mill.handle(events, handler, { group: "g", timeout: "1m" });
  await clock.advance(20 * 60_000);
  expect([consumer.state, open.length]).toEqual(["stalled", 10]);
  const { entries } = driver.channel("events").group("g");
  expect(entries.filter(({ state }) => state === "leased")).toEqual([]);
});

test("a settlement before the handler that fails leaves no handler behind", async () => {
  const { mill, driver, clock } = await world();
  await mill.sendAll(channel, numbers(3));
  let calls = 0;
  const consumer = mill.handle(channel, () => void calls++, { guarantee: "at-most-once" });
  await consumer.ready;
  driver.channel("q").source().flushFailure = new MillraceError("TIMEOUT", "the broker is silent");
  await clock.advance(1_000);
  expect(mill.admin.consumers()[0]?.abandoned).toBe(0);
  expect([consumer.state, calls]).toEqual(["running", 2]);
});
