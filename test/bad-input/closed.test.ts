/** What is used after its end: refused with CLOSED, at once, and what was under way is either done or refused. */
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { open, queue, silentLogger, stream, topic } from "../../src/index.js";
import type { Millrace } from "../../src/index.js";
import { everywhere, openAt, ownDirectory, places, refusal } from "./place.js";

const emails = queue<number>("emails");
const events = stream<number>("events", { partitions: 1 });
const ticker = topic<number>("ticker", { durable: false });
const ignore = (): void => {};

const uses: readonly (readonly [string, (mill: Millrace) => unknown])[] = [
  ["send", (mill) => mill.send(emails, 1)],
  ["send with options", (mill) => mill.send(emails, 1, { key: "k" })],
  ["send to a channel never used before", (mill) => mill.send(queue<number>("other"), 1)],
  ["send to an ephemeral topic", (mill) => mill.send(ticker, 1)],
  ["sendAll", (mill) => mill.sendAll(emails, [1])],
  ["sendAll of nothing", (mill) => mill.sendAll(emails, [])],
  ["load", (mill) => mill.load(emails, [1])],
  ["handle", (mill) => mill.handle(emails, ignore)],
  ["handleBatch", (mill) => mill.handleBatch(emails, ignore, { size: 1 })],
  ["read", (mill) => mill.read(events)],
  ["transaction", (mill) => mill.transaction(async () => {})],
  ["admin.channels", (mill) => mill.admin.channels()],
  ["admin.describe", (mill) => mill.admin.describe("emails")],
  ["admin.channel", (mill) => mill.admin.channel("emails")],
  ["admin.stats", (mill) => mill.admin.stats("emails")],
  ["admin.groups", (mill) => mill.admin.groups("events")],
  ["admin.lag", (mill) => mill.admin.lag("events", "g")],
  ["admin.peek", (mill) => mill.admin.peek("emails")],
  ["admin.explain", (mill) => mill.admin.explain("emails/0/0")],
  ["admin.explain of a channel", (mill) => mill.admin.explain("x", { channel: "emails" })],
  ["admin.alerts", (mill) => mill.admin.alerts([{ when: "dead" }])],
  ["admin.dead", (mill) => mill.admin.dead("emails")],
];

describe("a closed Millrace", () => {
  test.for(everywhere(uses))("in %s: refuses %s, and says what to do", async ([place, , use]) => {
    const mill = await openAt(place);
    await mill.send(emails, 0);
    await mill.send(events, 0);
    await mill.close();
    expect(await refusal(() => use(mill))).toMatchObject({
      name: "MillraceError",
      code: "CLOSED",
      retryable: false,
      message: expect.stringMatching(/has been closed: open it again/) as string,
    });
  });

  test.for(places)("in %s: refuses what was taken out of it before", async (place) => {
    const mill = await openAt(place);
    await mill.send(emails, 1);
    const dead = mill.admin.dead(emails);
    const reader = mill.read(events);
    await mill.close();
    for (const call of [
      () => dead.list(),
      () => dead.show("x"),
      () => dead.redrive({ all: true }),
      () => dead.drop({ all: true }),
      () => reader[Symbol.asyncIterator]().next(),
    ])
      expect(await refusal(call)).toMatchObject({ code: "CLOSED" });
  });

  test.for(places)("in %s: may be closed again, and stays closed", async (place) => {
    const mill = await openAt(place);
    await Promise.all([mill.close(), mill.close()]);
    await mill.close({ drain: 0 });
    expect(await refusal(() => mill.send(emails, 1))).toMatchObject({ code: "CLOSED" });
  });

  test("stores nothing of what it refused, and lets go of the directory", async () => {
    const where = join(ownDirectory(), "data");
    const mill = await open(where, { logger: silentLogger });
    await mill.send(emails, 1);
    await mill.close();
    for (const [, use] of uses) await refusal(() => use(mill));
    expect(existsSync(join(where, "LOCK"))).toBe(false);
    const again = await open(where, { logger: silentLogger });
    expect((await again.admin.channels()).map((each) => each.name)).toEqual(["emails"]);
    expect(await again.admin.stats(emails)).toMatchObject({ messages: 1 });
    await again.close();
  });
});

describe("closing while something is under way", () => {
  test.for(places)("in %s: a send is stored, or refused with CLOSED", async (place) => {
    const where = place === "memory:" ? place : join(ownDirectory(), "data");
    const mill = await open(where, { logger: silentLogger });
    const sends = Array.from({ length: 50 }, (_, index) => mill.send(emails, index));
    const closing = mill.close();
    const outcomes = await Promise.allSettled([...sends, mill.send(emails, 50)]);
    await closing;
    const refused = outcomes.filter((each) => each.status === "rejected");
    for (const { reason } of refused) expect(reason).toMatchObject({ code: "CLOSED" });
    expect(outcomes.at(-1)?.status).toBe("rejected");
    if (where === "memory:") return;
    const again = await open(where, { logger: silentLogger });
    const stored = (await again.admin.channels()).length === 0 ? 0 : (await again.admin.stats(emails)).messages;
    expect(stored).toBeGreaterThanOrEqual(outcomes.length - refused.length);
    await again.close();
  });

  test.for(places)("in %s: a send that waits for room is refused with CLOSED", async (place) => {
    const mill = await openAt(place);
    const tight = queue<number>("tight", { capacity: { messages: 1, whenFull: "block" } });
    await mill.send(tight, 1);
    const waiting = refusal(() => mill.send(tight, 2));
    await new Promise((resolve) => setImmediate(resolve));
    await mill.close();
    expect(await waiting).toMatchObject({ code: "CLOSED" });
  });

  test.for(places)("in %s: a reader that waits for more ends with CLOSED", async (place) => {
    const mill = await openAt(place);
    await mill.send(events, 1);
    const seen: number[] = [];
    const reading = (async () => {
      for await (const message of mill.read(events)) seen.push(message.value);
    })();
    const ended = refusal(() => reading);
    await expect.poll(() => seen).toEqual([1]);
    await mill.close();
    expect(await ended).toMatchObject({ code: "CLOSED" });
  });

  test.for(places)("in %s: a load ends with CLOSED, saying how far it came", async (place) => {
    const mill = await openAt(place);
    async function* endless(): AsyncGenerator<number> {
      for (let value = 0; ; value++) {
        if (value === 20) await mill.close();
        yield value;
      }
    }
    expect(await refusal(() => mill.load(emails, endless(), { batch: 10 }))).toMatchObject({
      code: "CLOSED",
      message: expect.stringMatching(/20/) as string,
    });
  });

  test.for(places)("in %s: an open transaction is refused whole", async (place) => {
    const mill = await openAt(place);
    const error = await refusal(() =>
      mill.transaction(async (transaction) => {
        await transaction.send(emails, 1);
        await mill.close();
      }),
    );
    expect(error).toMatchObject({ code: "CLOSED" });
  });

  test("what a draining handler sends is still stored, and nobody can start another", async () => {
    const where = join(ownDirectory(), "data");
    const mill = await open(where, { logger: silentLogger });
    let proceed = (): void => {};
    const proceeding = new Promise<void>((resolve) => (proceed = resolve));
    const begun = new Promise<void>((resolve) => {
      mill.handle(emails, async (value, delivery) => {
        resolve();
        await proceeding;
        await delivery.send(events, value + 1);
        await mill.send(events, value + 2);
      });
    });
    await mill.send(emails, 1);
    await begun;
    const closing = mill.close({ drain: "10s" });
    expect(await refusal(() => mill.handle(emails, ignore))).toMatchObject({ code: "CLOSED" });
    proceed();
    await closing;
    const again = await open(where, { logger: silentLogger });
    expect(await again.admin.stats(emails)).toMatchObject({ messages: 0 });
    expect(await again.admin.stats(events)).toMatchObject({ messages: 2 });
    await again.close();
  });
});

describe("a consumer that was closed", () => {
  test.for(places)("in %s: takes no more, and bears to be paused, resumed and closed again", async (place) => {
    const mill = await openAt(place);
    const seen: number[] = [];
    const consumer = mill.handle(emails, (value) => void seen.push(value));
    await consumer.close();
    consumer.pause();
    consumer.resume();
    await consumer.close({ drain: 0 });
    await mill.send(emails, 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect([consumer.state, seen]).toEqual(["closed", []]);
    await consumer.closed;
    expect(await refusal(() => consumer.close({ drain: "5 minutes" as never }))).toBeInstanceOf(TypeError);
  });
});

describe("a transaction that has ended", () => {
  test.for(
    everywhere([
      ["committed", false],
      ["failed", true],
    ] as const),
  )("in %s: one that %s takes nothing more", async ([place, , fails]) => {
    const mill = await openAt(place);
    let kept: Parameters<Parameters<Millrace["transaction"]>[0]>[0] | undefined;
    const work = mill.transaction(async (transaction) => {
      kept = transaction;
      await transaction.send(emails, 1);
      if (fails) throw new Error("no");
    });
    await work.catch(() => {});
    await expect(kept!.send(emails, 2)).rejects.toMatchObject({
      code: "TRANSACTION_ENDED",
      message: expect.stringMatching(/must be sent before its work resolves/) as string,
    });
    await expect(kept!.sendAll(emails, [2])).rejects.toMatchObject({ code: "TRANSACTION_ENDED" });
    const { messages } = await mill.admin.stats(emails).catch(() => ({ messages: 0 }));
    expect(messages).toBe(fails ? 0 : 1);
  });
});

test("a directory that was closed holds nothing of the process that had it", async () => {
  const where = join(ownDirectory(), "data");
  const mill = await open(where, { logger: silentLogger });
  mill.handle(emails, ignore);
  await mill.send(emails, 1);
  await mill.close();
  expect(readdirSync(where).filter((name) => name.startsWith("LOCK"))).toEqual([]);
  const descriptors = existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd", { encoding: "utf8" }) : [];
  const held = descriptors.flatMap((each) => {
    try {
      return [readlinkSync(`/proc/self/fd/${each}`)];
    } catch {
      return [];
    }
  });
  expect(held.filter((path) => path.startsWith(where))).toEqual([]);
});
