import { expect, test } from "vitest";
import { MillraceError, queue, reject } from "../../src/index.js";
import type { DeadLetters, DeadProgress, RedriveOptions, Schema } from "../../src/index.js";
import { world } from "./world.js";
import type { World } from "./world.js";

interface Order {
  readonly to: string;
}

const schema: Schema<Order> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      (value as Order).to === "nowhere" ? { issues: [{ message: "nobody is there" }] } : { value: value as Order },
  },
};

const orders = queue<Order>("orders", { attempts: 1, schema });

async function died({ mill, clock }: World, count: number): Promise<DeadLetters<Order>> {
  const names = Array.from({ length: count }, (_, index) => ({ to: `n${index}` }));
  await mill.sendAll(orders, names, { key: "k", headers: { trace: "t" } });
  const consumer = mill.handle(orders, () => reject("no"), { concurrency: 100 });
  await clock.advance(0);
  await consumer.close();
  return mill.admin.dead(orders);
}

test("at a rate, never more have gone than their time allows, and the last goes when it should", async () => {
  const all = await world();
  const dead = await died(all, 250);
  const gone = async (): Promise<number> => (await all.mill.admin.stats(orders)).ready;
  const redriving = dead.redrive({ all: true }, { rate: 100 });
  await all.clock.advance(0);
  for (let elapsedMs = 0; elapsedMs < 2_400; elapsedMs += 50) {
    expect(await gone()).toBeLessThanOrEqual(10 + elapsedMs / 10);
    await all.clock.advance(50);
  }
  await all.clock.advance(0);
  expect(await redriving).toBe(250);
});

test("a rate below one a second goes one by one", async () => {
  const all = await world();
  const dead = await died(all, 3);
  const redriving = dead.redrive({ all: true }, { rate: 0.5 });
  await all.clock.advance(3_999);
  expect((await all.mill.admin.stats(orders)).ready).toBe(2);
  await all.clock.advance(1);
  expect(await redriving).toBe(3);
});

test("progress says how many are done, and how many of all were looked at", async () => {
  const all = await world();
  const dead = await died(all, 120);
  const told: DeadProgress[] = [];
  await dead.drop({ all: true, id: "orders/0/70" }, { onProgress: (progress) => void told.push(progress) });
  expect(told).toEqual([
    { done: 0, looked: 50, total: 120 },
    { done: 1, looked: 100, total: 120 },
    { done: 1, looked: 120, total: 120 },
  ]);
});

test("a dry run says how many it would be, and changes nothing", async () => {
  const all = await world();
  const dead = await died(all, 120);
  expect(await dead.redrive({ all: true }, { dryRun: true, rate: 1 })).toBe(120);
  expect(await dead.drop({ all: true, limit: 70 }, { dryRun: true })).toBe(70);
  expect((await dead.list({ limit: 1_000 })).length).toBe(120);
  expect((await all.mill.admin.stats(orders)).messages).toBe(0);
});

test("edited on the way, a message is sent as it was changed, with the trace of its past", async () => {
  const all = await world();
  const dead = await died(all, 3);
  await dead.redrive(
    { all: true },
    {
      edit: async ({ message, error }) => {
        if (message.value.to === "n1") return undefined;
        return { value: { to: `${message.value.to}@${error.message}` }, key: "other", headers: { repaired: "yes" } };
      },
    },
  );
  const [first, second] = await all.mill.admin.peek(orders);
  expect([first?.value, first?.key]).toEqual([{ to: "n0@no" }, "other"]);
  expect(first?.headers).toMatchObject({ repaired: "yes", "millrace-redriven": "1" });
  expect(first?.headers).not.toHaveProperty("trace");
  expect([second?.value, second?.key, second?.headers["trace"]]).toEqual([{ to: "n1" }, "k", "t"]);
});

const badEdits: readonly [string, NonNullable<RedriveOptions<Order>["edit"]>, string | ErrorConstructor][] = [
  ["a value its schema refuses", () => ({ value: { to: "nowhere" } }), "PAYLOAD_INVALID"],
  ["more than a message may hold", () => ({ value: { to: "x".repeat(200_000) } }), "PAYLOAD_TOO_LARGE"],
  ["a reserved header", () => ({ headers: { "millrace-redriven": "0" } }), TypeError],
  ["no edit", () => 7 as never, TypeError],
];

test.for(badEdits)("an edit to %s ends it, and nothing has changed", async ([, edit, error]) => {
  const all = await world();
  const dead = await died(all, 3);
  const redriving = dead.redrive({ all: true }, { edit });
  if (typeof error === "string") await expect(redriving).rejects.toMatchObject({ code: error });
  else await expect(redriving).rejects.toThrow(error);
  expect(await dead.list()).toHaveLength(3);
});

test("its signal ends it between two commits, and what is done is done", async () => {
  const all = await world();
  const dead = await died(all, 120);
  const stop = new AbortController();
  const onProgress = ({ done }: DeadProgress): void => {
    if (done === 100) stop.abort(new Error("enough"));
  };
  const ended = await dead.redrive({ all: true }, { onProgress, signal: stop.signal }).catch((error: unknown) => error);
  expect(ended).toBeInstanceOf(MillraceError);
  expect(ended).toMatchObject({ code: "ABORTED", message: expect.stringMatching(/after 100 dead letters/) as string });
  expect(await dead.list({ limit: 1_000 })).toHaveLength(20);
});

const wrong: readonly unknown[] = [
  { rate: 0 },
  { rate: Infinity },
  { rate: "1/s" },
  { edit: {} },
  { dryRun: 1 },
  { onProgress: 1 },
  { signal: {} },
  { speed: 1 },
];

test.for(wrong)("%o is a TypeError", async (options) => {
  const dead = await died(await world(), 1);
  await expect(dead.redrive({ all: true }, options as RedriveOptions<Order>)).rejects.toThrow(TypeError);
});
