/** Over the engine in memory, which knows what lanes, cursors and leases can tell. */
import { inspect } from "node:util";
import { onTestFinished, expect, test } from "vitest";
import { fixed, open, queue, reject, silentLogger, stream, topic } from "../../src/index.js";
import type { GroupExplanation, Millrace } from "../../src/index.js";
import { ManualClock } from "./manual-clock.js";

async function engine(limits = {}): Promise<{ readonly mill: Millrace; readonly clock: ManualClock }> {
  const clock = new ManualClock();
  const mill = await open("memory:", { clock, limits, logger: silentLogger, random: () => 0.999_999_999 });
  onTestFinished(() => mill.close({ drain: 0 }).catch(() => {}));
  return { mill, clock };
}

const orders = queue<number>("orders", { attempts: 2, backoff: fixed("10s"), lease: "30s" });
const never = (): Promise<never> => new Promise(() => {});

async function standing(mill: Millrace, id: string, group = ""): Promise<GroupExplanation> {
  const found = await mill.admin.explain(id);
  return found.groups.find((each) => each.group === group)!;
}

test("ready: how many are before it, and whether anybody is there", async () => {
  const { mill } = await engine();
  const receipts = await mill.sendAll(orders, [1, 2, 3], { key: "k", headers: { h: "v" } });
  const found = await mill.admin.explain(receipts[2]!.id);
  expect(found).toMatchObject({
    id: "orders/0/2",
    channel: "orders",
    message: { key: "k", headers: { h: "v" }, offset: 2n },
    groups: [{ group: "", state: "ready", attempts: 0, ahead: 2 }],
    because: "it could be handed out, but no consumer is there; 2 messages are before it",
  });
});

test("leased: until when, and which attempt", async () => {
  const { mill, clock } = await engine();
  const { id } = await mill.send(orders, 1);
  mill.handle(orders, never);
  await clock.advance(0);
  const until = new Date(clock.nowMs() + 30_000);
  expect(await standing(mill, id)).toMatchObject({
    state: "leased",
    attempts: 1,
    until,
    because: `a consumer has it until ${until.toISOString()}, attempt 1`,
  });
});

test("delayed: for its retry, or because it was sent so", async () => {
  const { mill, clock } = await engine();
  const failing = await mill.send(orders, 1);
  const later = await mill.send(orders, 2, { delay: "1h" });
  mill.handle(orders, () => {
    throw new Error("no");
  });
  await clock.advance(0);
  expect(await standing(mill, failing.id)).toMatchObject({
    state: "delayed",
    attempts: 1,
    until: new Date(clock.nowMs() + 10_000),
    because: expect.stringMatching(/^it waits until .* for attempt 2$/) as string,
  });
  expect(await standing(mill, later.id)).toMatchObject({
    state: "delayed",
    attempts: 0,
    until: new Date(clock.nowMs() + 3_600_000),
    because: expect.stringMatching(/^it was sent to wait until /) as string,
  });
});

test("behind: which message of its key has to be settled first", async () => {
  const { mill, clock } = await engine();
  const keyed = queue<number>("keyed", { order: "per-key", backoff: fixed("1h") });
  const ids = (await mill.sendAll(keyed, [1, 2], { key: "a" })).map(({ id }) => id);
  const other = await mill.send(keyed, 3, { key: "b" });
  const consumer = mill.handle(keyed, () => {
    throw new Error("no");
  });
  await clock.advance(0);
  consumer.pause();
  await clock.advance(0);
  expect(await standing(mill, ids[0]!)).toMatchObject({ state: "delayed" });
  expect(await standing(mill, ids[1]!)).toMatchObject({
    state: "behind",
    behind: ids[0],
    because: `it waits until ${ids[0]} is settled, which has to be before it (key "a")`,
  });
  expect(await standing(mill, other.id)).toMatchObject({ state: "delayed" });
});

test("beyond a limit: which one", async () => {
  const { mill, clock } = await engine({ inFlightMax: 1 });
  await mill.send(orders, 1);
  const { id } = await mill.send(orders, 2);
  mill.handle(orders, never, { concurrency: 2 });
  await clock.advance(0);
  expect(await standing(mill, id)).toMatchObject({
    state: "ready",
    limit: "inFlightMax",
    because: "it could be handed out, but limits.inFlightMax is reached; 1 messages are before it",
  });
});

test("dead: because of which error, also by its id as a dead letter", async () => {
  const { mill, clock } = await engine();
  const { id } = await mill.send(orders, 1);
  mill.handle(orders, () => reject("no such customer"));
  await clock.advance(0);
  const found = await mill.admin.explain(id);
  expect(found).toMatchObject({
    channel: "orders",
    groups: [{ state: "dead", attempts: 1, letter: { id: "orders.dead/0/0", reason: "rejected" } }],
    because: expect.stringMatching(/^it is dead letter orders.dead\/0\/0 .* Rejected: no such customer$/) as string,
  });
  expect(await mill.admin.explain("orders.dead/0/0")).toMatchObject({
    channel: "orders",
    groups: [{ group: "", state: "dead", letter: { origin: { id } } }],
  });
});

test("settled: when at the latest, roughly, and not at all of what was settled before this process", async () => {
  const { mill, clock } = await engine();
  const ids: string[] = [];
  const times: number[] = [];
  mill.handle(orders, () => {});
  for (const number of [1, 2, 3]) {
    ids.push((await mill.send(orders, number)).id);
    await clock.advance(0);
    times.push(clock.nowMs());
    await clock.advance(60_000);
  }
  for (const [index, id] of ids.entries()) {
    const by = new Date(times[index]!);
    expect(await standing(mill, id)).toMatchObject({
      state: "settled",
      settledBy: by,
      because: `it is settled, at ${by.toISOString()} or before: done, dropped, or redriven under another id`,
    });
  }
});

test("never seen", async () => {
  const { mill } = await engine();
  await mill.send(orders, 1);
  for (const id of ["orders/0/1", "orders/7/0", "nobody", "other/0/0"]) {
    expect(await mill.admin.explain(id)).toMatchObject({ id, channel: undefined, groups: [] });
  }
  expect((await mill.admin.explain("x", { channel: orders })).because).toMatch(/no message x is known in "orders"/);
});

test("by an id that was given, in whichever channel it is", async () => {
  const { mill, clock } = await engine();
  const plain = queue<number>("plain", { dedup: 0 });
  await mill.send(queue("other"), 1);
  await mill.sendAll(plain, [1, 2]);
  await mill.send(plain, 3, { id: "order-3" });
  expect(await mill.admin.explain("order-3")).toMatchObject({
    channel: "plain",
    groups: [{ state: "ready", ahead: 2 }],
  });
  mill.handle(plain, (value) => (value === 3 ? reject("no") : undefined));
  await clock.advance(0);
  expect(await mill.admin.explain("order-3", { channel: "plain" })).toMatchObject({
    channel: "plain",
    groups: [{ state: "dead", letter: { origin: { id: "order-3" } } }],
  });
});

test("of a topic and of a stream, for each group", async () => {
  const { mill, clock } = await engine();
  const news = topic<number>("news", { attempts: 1 });
  const events = stream<number>("events", { partitions: 1, attempts: 3, backoff: fixed("1h") });
  for (const channel of [news, events]) {
    mill.handle(channel, () => {}, { group: "good" });
    mill.handle(channel, () => reject("no"), { group: "bad" });
  }
  mill.handle(
    events,
    () => {
      throw new Error("no");
    },
    { group: "slow" },
  );
  await clock.advance(0);
  const ids = [...(await mill.sendAll(news, [1])), ...(await mill.sendAll(events, [1, 2]))].map(({ id }) => id);
  await clock.advance(0);
  const states = async (id: string): Promise<Record<string, string>> =>
    Object.fromEntries((await mill.admin.explain(id)).groups.map(({ group, state }) => [group, state]));
  expect(await states(ids[0]!)).toEqual({ good: "settled", bad: "dead" });
  expect(await states(ids[1]!)).toEqual({ good: "settled", bad: "dead", slow: "delayed" });
  expect(await states(ids[2]!)).toEqual({ good: "settled", bad: "dead", slow: "behind" });
  expect(await standing(mill, ids[2]!, "slow")).toMatchObject({ behind: ids[1], ahead: 1 });
});

test("of a stream read by key, what is parked waits for the first of its key, and others do not", async () => {
  const { mill, clock } = await engine();
  const events = stream<number>("events", { partitions: 1, attempts: 3, backoff: fixed("1h") });
  mill.handle(
    events,
    (value) => {
      if (value < 10) throw new Error("no");
    },
    { group: "g", onFailure: "park", concurrency: 2 },
  );
  await clock.advance(0);
  const a = await mill.sendAll(events, [1, 2], { key: "a" });
  const b = await mill.send(events, 10, { key: "b" });
  await clock.advance(0);
  expect(await standing(mill, a[0]!.id, "g")).toMatchObject({ state: "delayed" });
  expect(await standing(mill, a[1]!.id, "g")).toMatchObject({ state: "behind", behind: a[0]!.id });
  expect(await standing(mill, b.id, "g")).toMatchObject({ state: "settled" });
});

test("of a stream, the member that has it, and what nobody reads", async () => {
  const { mill, clock } = await engine();
  const events = stream<number>("events", { partitions: 1 });
  const { id } = await mill.send(events, 1);
  expect(await mill.admin.explain(id)).toMatchObject({
    groups: [],
    because: expect.stringMatching(/no group reads/) as string,
  });
  const consumer = mill.handle(events, never, { group: "g", member: "worker-7" });
  await clock.advance(0);
  expect(await standing(mill, id, "g")).toMatchObject({ state: "leased", holder: "worker-7" });
  await consumer.close({ drain: 0 });
  expect(await standing(mill, id, "g")).toMatchObject({
    state: "ready",
    because: expect.stringMatching(/no consumer is there/) as string,
  });
});

test("looking changes nothing", async () => {
  const { mill, clock } = await engine();
  const idle = queue<number>("idle");
  const ids = [await mill.send(idle, 1), ...(await mill.sendAll(orders, [1, 2, 3]))].map(({ id }) => id);
  mill.handle(orders, (value) => (value === 1 ? never() : reject("no")), { concurrency: 2 });
  await clock.advance(0);
  const looks = async (): Promise<unknown> => [
    await mill.admin.stats(orders),
    await mill.admin.peek(orders),
    await mill.admin.dead(orders).list(),
    await mill.admin.explain(ids[0]!),
  ];
  const before = inspect(await looks(), { depth: 9 });
  for (const id of [...ids, "orders.dead/0/0", "nobody"]) await mill.admin.explain(id);
  expect(inspect(await looks(), { depth: 9 })).toBe(before);
});

test("wrong arguments reject with TypeError, an unknown channel with CHANNEL_UNKNOWN", async () => {
  const { mill } = await engine();
  await expect(mill.admin.explain("")).rejects.toThrow(TypeError);
  await expect(mill.admin.explain(7 as never)).rejects.toThrow(TypeError);
  await expect(mill.admin.explain("x", { chanel: "q" } as never)).rejects.toThrow(TypeError);
  await expect(mill.admin.explain("x", { channel: "q" })).rejects.toMatchObject({ code: "CHANNEL_UNKNOWN" });
});
