import { describe, expect, test } from "vitest";
import { fixed, later, queue } from "../../src/index.js";
import type { IdempotencyStore } from "../../src/index.js";
import { MemoryIdempotencyStore } from "../../src/testing/index.js";
import { world } from "./world.js";

const orders = queue<string>("orders", { attempts: 3, backoff: fixed("1s") });
const store = (): MemoryIdempotencyStore<string> => new MemoryIdempotencyStore(({ value }) => value);

describe("a handler with once in a store of one's own", () => {
  test("is called within the store, once for a key", async () => {
    const { mill, clock } = await world();
    const kept = store();
    const seen: string[] = [];
    mill.handle(orders, (order) => void seen.push(`${order} ${kept.has(order)}`), { once: kept, concurrency: 3 });
    for (const order of ["a", "a", "b"]) await mill.send(orders, order);
    await clock.advance(0);
    expect(seen).toEqual(["a false", "b false"]);
    expect([kept.has("a"), kept.has("b")]).toEqual([true, true]);
    expect(await mill.admin.stats(orders)).toMatchObject({ messages: 0 });
  });

  test("knows messages by their id, where the store says nothing else", async () => {
    const { mill, clock } = await world();
    const kept = new MemoryIdempotencyStore();
    mill.handle(orders, () => {}, { once: kept });
    await mill.send(orders, "a");
    await clock.advance(0);
    expect(kept.has("orders/0/0")).toBe(true);
  });

  test("undoes what failed, and tries again", async () => {
    const { mill, clock } = await world();
    const kept = store();
    const attempts: number[] = [];
    mill.handle(
      orders,
      (_order, { attempt }) => {
        attempts.push(attempt);
        if (attempt === 1) throw new Error("not yet");
        if (attempt === 2) return later("1s");
        return undefined;
      },
      { once: kept },
    );
    await mill.send(orders, "a");
    await clock.advance(1_000);
    expect(kept.has("a")).toBe(false);
    await clock.advance(1_000);
    expect(attempts).toEqual([1, 2, 3]);
    expect(kept.has("a")).toBe(true);
  });

  test("is tried again when the store could not commit", async () => {
    const { mill, clock } = await world();
    let calls = 0;
    const failing: IdempotencyStore<string> = {
      async once(_key, effect) {
        await effect();
        if (calls === 1) throw new Error("the connection broke at the commit");
        return true;
      },
    };
    mill.handle(orders, () => void calls++, { once: failing });
    await mill.send(orders, "a");
    await clock.advance(5_000);
    expect(calls).toBe(2);
    expect(await mill.admin.stats(orders)).toMatchObject({ messages: 0 });
  });

  test("cannot send through its delivery: a crash between the two commits would lose it", async () => {
    const { mill, clock } = await world();
    const kept = store();
    const other = queue<string>("other");
    mill.handle(orders, (order, delivery) => delivery.send(other, order).then(() => {}), { once: kept });
    await mill.send(orders, "a");
    await clock.advance(10_000);
    expect(kept.has("a")).toBe(false);
    const [letter] = await mill.admin.dead(orders).list();
    expect(letter?.error.message).toMatch(/cannot send through its delivery/);
  });

  test("may settle ahead, too", async () => {
    const { mill, clock } = await world();
    let calls = 0;
    mill.handle(orders, () => void calls++, { once: store(), guarantee: "at-most-once" });
    for (const order of ["a", "a"]) await mill.send(orders, order);
    await clock.advance(0);
    expect(calls).toBe(1);
  });
});

test("the memory store lets the second call wait for the first, and try when that failed", async () => {
  const kept = store();
  let fail = (_error: Error): void => {};
  const first = kept.once("k", () => new Promise((_resolve, reject) => (fail = reject)));
  let calls = 0;
  const second = kept.once("k", async () => void calls++);
  await Promise.resolve();
  expect(calls).toBe(0);
  fail(new Error("no"));
  await expect(first).rejects.toThrow("no");
  expect(await second).toBe(true);
  expect(await kept.once("k", async () => void calls++)).toBe(false);
  expect(calls).toBe(1);
});
