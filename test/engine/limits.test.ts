import { describe, expect, test } from "vitest";
import { silentLogger } from "../../src/base/logger.js";
import { consume, numbered, retry, sendAll, texts, World } from "./world.js";

function listener(): { warnings: string[]; logger: typeof silentLogger } {
  const warnings: string[] = [];
  const warn = (fields: Readonly<Record<string, unknown>>): void => void warnings.push(String(fields["limit"]));
  return { warnings, logger: { ...silentLogger, warn } };
}

describe("limits.inFlightMax", () => {
  test("bounds what a group has leased, says so, and goes on as messages are settled", async () => {
    const { warnings, logger } = listener();
    const world = await World.open({ limits: { inFlightMax: 10 }, logger });
    const queue = await world.queue();
    await sendAll(queue, numbered(30));
    const [one, other] = [await consume(queue), await consume(queue)];
    const held = [...(await one.take(8)), ...(await other.take(8))];
    expect(held).toHaveLength(10);
    expect(await one.take()).toEqual([]);
    expect(queue.work.heldBack).toBe("inFlightMax");
    expect(warnings).toEqual(["inFlightMax"]);
    one.settle(held.slice(0, 3));
    expect(texts([...(await one.take()), ...(await one.take()), ...(await one.take())])).toEqual(["10", "11", "12"]);
  });
});

test("who waits at a limit for what is due is woken by a settlement, not by the clock", async () => {
  const world = await World.open({ limits: { inFlightMax: 2 } });
  const queue = await world.queue();
  await sendAll(queue, numbered(3));
  const [one, other] = [await consume(queue), await consume(queue)];
  const held = await one.take();
  one.settle(held.slice(0, 1), retry(1000));
  expect(texts(await one.take())).toEqual(["2"]);
  expect(await other.take()).toEqual([]);
  await world.clock.advance(1000);
  one.settle(held.slice(1));
  expect(texts(await other.take())).toEqual(["0"]);
});

describe("limits.retriesMax", () => {
  test("bounds what waits for a retry: fresh messages wait, retries go on", async () => {
    const { warnings, logger } = listener();
    const world = await World.open({ limits: { retriesMax: 5 }, logger });
    const queue = await world.queue();
    await sendAll(queue, numbered(20));
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(5), retry(1000));
    expect(await consumer.take()).toEqual([]);
    expect(queue.work.heldBack).toBe("retriesMax");
    expect(warnings).toEqual(["retriesMax"]);
    await world.clock.advance(1000);
    const again = await consumer.take();
    expect(texts(again)).toEqual(numbered(5));
    consumer.settle(again);
    expect(texts(await consumer.take())).toEqual(numbered(15, 5));
    expect(queue.work.heldBack).toBe(undefined);
  });
});

describe("a backlog", () => {
  test("takes no memory for a message: nothing is remembered of what nobody has taken", async () => {
    const world = await World.open();
    const queue = await world.queue();
    for (let each = 0; each < 20; each++) await sendAll(queue, numbered(1000));
    const consumer = await consume(queue);
    consumer.settle(await consumer.take(10), retry(60_000));
    expect(queue.work.lanes[0]?.progress.retries).toBe(10);
    expect(queue.work.lanes[0]?.progress.settled.fullPages()).toEqual([]);
    expect(queue.depth).toBe(20_000);
  });
});
