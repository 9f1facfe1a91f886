import { expect, test } from "vitest";
import { fixed, queue } from "../../src/index.js";
import type { Delivery } from "../../src/index.js";
import { world } from "./world.js";

const channel = queue<number>("q", { attempts: 2, backoff: fixed("1s") });

test("a handler that runs too long is aborted, has failed, and leaves its place to others", async () => {
  const { mill, clock } = await world();
  await mill.sendAll(channel, [1, 2]);
  const deliveries: Delivery<number>[] = [];
  mill.handle(
    channel,
    async (value, delivery) => {
      deliveries.push(delivery);
      if (value === 1) await new Promise(() => {});
    },
    { timeout: "1m" },
  );
  await clock.advance(59_999);
  expect(deliveries.map((each) => each.message.value)).toEqual([1]);
  expect(deliveries[0]?.signal.aborted).toBe(false);
  await clock.advance(1);
  expect(deliveries[0]?.signal.reason).toMatchObject({ code: "HANDLER_TIMEOUT", retryable: true });
  expect(deliveries.map((each) => each.message.value)).toEqual([1, 2]);
  await clock.advance(120_000);
  expect(await mill.admin.dead(channel).list()).toMatchObject([
    {
      reason: "attempts",
      attempts: 2,
      error: { name: "MillraceError", message: expect.stringMatching(/longer than its 60000 ms/) as string },
    },
  ]);
});

test.for(["resolves", "rejects"] as const)("what a handler says after its time is ignored: it %s", async (how) => {
  const { mill, driver, clock } = await world();
  await mill.send(channel, 1);
  const running: { resolve: () => void; reject: (error: Error) => void }[] = [];
  mill.handle(channel, () => new Promise<void>((resolve, reject) => void running.push({ resolve, reject })), {
    timeout: "1s",
  });
  await clock.advance(1_000);
  if (how === "resolves") running[0]?.resolve();
  else running[0]?.reject(new Error("too late"));
  await mill.sendAll(channel, [2, 3]);
  await clock.advance(0);
  expect(
    driver
      .channel("q")
      .source()
      .settlements.map((each) => each.settlement.kind),
  ).toEqual(["retry"]);
  expect(running).toHaveLength(2);
});

test("without a word about it, a handler has 15 minutes", async () => {
  const { mill, driver, clock } = await world();
  await mill.send(channel, 1);
  mill.handle(channel, () => new Promise(() => {}));
  await clock.advance(15 * 60_000 - 1);
  expect(driver.channel("q").source().settlements).toEqual([]);
  await clock.advance(1);
  expect(driver.channel("q").source().settlements).toHaveLength(1);
});

test("each handler has its own time, counted from its own beginning", async () => {
  const { mill, driver, clock } = await world();
  mill.handle(channel, () => new Promise(() => {}), { timeout: "10s", concurrency: 10 });
  for (const value of [1, 2, 3]) {
    await mill.send(channel, value);
    await clock.advance(4_000);
  }
  const { settlements } = driver.channel("q").source();
  expect(settlements.map((each) => each.id)).toEqual(["q/0/0"]);
  await clock.advance(2_000);
  expect(settlements.map((each) => each.id)).toEqual(["q/0/0", "q/0/1"]);
});
