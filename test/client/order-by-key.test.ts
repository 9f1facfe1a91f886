/** A queue with order "per-key", as handlers see it. */
import { expect, onTestFinished, test } from "vitest";
import { fixed, open, queue, reject, silentLogger } from "../../src/index.js";
import type { Millrace } from "../../src/index.js";
import { ManualClock } from "./manual-clock.js";

async function engine(): Promise<{ readonly mill: Millrace; readonly clock: ManualClock }> {
  const clock = new ManualClock();
  const mill = await open("memory:", { clock, logger: silentLogger, random: () => 0.999_999_999 });
  onTestFinished(() => mill.close({ drain: 0 }).catch(() => {}));
  return { mill, clock };
}

interface Step {
  readonly key: string;
  readonly number: number;
}

const steps = queue<Step>("steps", { order: "per-key", key: (step) => step.key, attempts: 2, backoff: fixed("10s") });
const keys = ["a", "b", "c"];
const sent = Array.from({ length: 30 }, (_, index) => ({ key: keys[index % 3]!, number: Math.floor(index / 3) }));

test("one handler of each key runs at a time, in order, however many may run at once", async () => {
  const { mill, clock } = await engine();
  const running = new Map<string, number>();
  const seen = new Map<string, number[]>(keys.map((key) => [key, []]));
  let most = 0;
  const handler = async ({ key, number }: Step): Promise<void> => {
    expect(running.get(key) ?? 0).toBe(0);
    running.set(key, 1);
    most = Math.max(
      most,
      [...running.values()].reduce((sum, each) => sum + each),
    );
    await new Promise<void>((resolve) => clock.soon(resolve));
    seen.get(key)!.push(number);
    running.set(key, 0);
  };
  for (let each = 0; each < 2; each++) mill.handle(steps, handler, { concurrency: 10 });
  await mill.sendAll(steps, sent);
  await clock.advance(0);
  await expect.poll(() => seen.get("c")!.length).toBe(10);
  for (const key of keys) expect(seen.get(key)).toEqual(Array.from({ length: 10 }, (_, index) => index));
  expect(most).toBe(3);
});

test("no batch has two messages of one key", async () => {
  const { mill, clock } = await engine();
  const batches: string[][] = [];
  await mill.sendAll(steps, sent);
  mill.handleBatch(steps, (values) => void batches.push(values.map(({ key, number }) => `${key}${number}`)), {
    size: 5,
  });
  await clock.advance(60_000);
  expect(batches.flat()).toHaveLength(30);
  for (const batch of batches) expect(new Set(batch.map((each) => each[0])).size).toBe(batch.length);
});

test("a key waits for its message that fails, until it is a dead letter; others do not", async () => {
  const { mill, clock } = await engine();
  const seen: string[] = [];
  await mill.sendAll(steps, sent.slice(0, 6));
  mill.handle(steps, ({ key, number }) => {
    seen.push(`${key}${number}`);
    if (key === "a" && number === 0) throw new Error("no");
    return key === "b" && number === 0 ? reject("never") : undefined;
  });
  await clock.advance(0);
  expect(seen.toSorted()).toEqual(["a0", "b0", "b1", "c0", "c1"]);
  expect(await mill.admin.stats(steps)).toMatchObject({ messages: 2, delayed: 1, parked: 1, ready: 0 });
  expect((await mill.admin.peek(steps)).map(({ state }) => state)).toEqual(["delayed", "parked"]);
  await clock.advance(10_000);
  expect(seen.slice(5)).toEqual(["a0", "a1"]);
  expect(await mill.admin.stats(steps)).toMatchObject({ messages: 0 });
});

test("at-most-once is refused: it settles a message before its handler runs", async () => {
  const { mill } = await engine();
  expect(() => mill.handle(steps, () => {}, { guarantee: "at-most-once" })).toThrow(
    new TypeError(
      'handle queue "steps": guarantee "at-most-once" settles a message before its handler runs, so that the next one of its key would run beside it; with order "per-key" leave it out',
    ),
  );
});
