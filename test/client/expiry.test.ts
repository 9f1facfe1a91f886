import { expect, onTestFinished, test } from "vitest";
import { open, queue, stream } from "../../src/index.js";
import type { Millrace } from "../../src/index.js";
import { silentLogger } from "../../src/base/logger.js";
import { ManualClock, turn } from "../../src/testing/manual-clock.js";

const dayMs = 86_400_000;

async function opened(): Promise<{ mill: Millrace; clock: ManualClock }> {
  const clock = new ManualClock();
  const mill = await open("memory:", { clock, logger: silentLogger });
  onTestFinished(() => mill.close());
  return { mill, clock };
}

async function settled(): Promise<void> {
  for (let each = 0; each < 20; each++) await turn();
}

const codes = queue<string>("codes", { expires: "10m" });

test("a message that has expired becomes a dead letter, though nobody handles its queue", async () => {
  const { mill, clock } = await opened();
  await mill.send(codes, "old", { headers: { from: "us" } });
  await mill.send(codes, "own", { expires: "1m" });
  await clock.advance(60_000);
  await settled();
  const { letters: first } = await listed(mill);
  expect(first).toEqual([["own", "expired", 0]]);
  await clock.advance(540_000);
  await settled();
  const { letters, found } = await listed(mill);
  expect(letters).toEqual([
    ["own", "expired", 0],
    ["old", "expired", 0],
  ]);
  expect(found[1]?.message.headers["from"]).toBe("us");
  expect((await mill.admin.stats(codes)).messages).toBe(0);
  await mill.admin.dead(codes).redrive({ ids: [found[1]!.id] });
  expect((await mill.admin.stats(codes)).messages).toBe(1);
});

async function listed(mill: Millrace) {
  const found = await mill.admin.dead(codes).list();
  return { found, letters: found.map((each) => [each.message.value, each.reason, each.attempts]) };
}

test("a handler never gets what has expired; what it has, it may finish", async () => {
  const { mill, clock } = await opened();
  const seen: string[] = [];
  const gates: (() => void)[] = [];
  const consumer = mill.handle(codes, (code) => {
    seen.push(code);
    return new Promise<void>((resolve) => gates.push(resolve));
  });
  await consumer.ready;
  await mill.send(codes, "in hand");
  await mill.send(codes, "waits");
  await settled();
  expect(seen).toEqual(["in hand"]);
  await clock.advance(600_000);
  await settled();
  gates[0]?.();
  await settled();
  expect(seen).toEqual(["in hand"]);
  expect((await listed(mill)).letters).toEqual([["waits", "expired", 0]]);
  expect((await mill.admin.stats(codes)).messages).toBe(0);
});

test("expired messages are dropped and counted where the queue says so", async () => {
  const { mill, clock } = await opened();
  const ticks = queue<number>("ticks", { expires: { after: "1s", whenExpired: "drop" } });
  await mill.sendAll(ticks, [1, 2, 3]);
  await clock.advance(1000);
  await settled();
  expect(await mill.admin.stats(ticks)).toMatchObject({ messages: 0, dropped: 3 });
  expect((await mill.admin.channels()).map(({ name }) => name)).toEqual(["ticks"]);
});

test("a dead letter is kept for fourteen days, or as long as is said", async () => {
  const { mill, clock } = await opened();
  const brief = queue<string>("brief", { expires: "1s", deadLetter: { keep: "1h" } });
  await mill.send(codes, "a");
  await mill.send(brief, "b");
  await clock.advance(600_000);
  await settled();
  expect(await mill.admin.stats("brief.dead")).toMatchObject({ messages: 1 });
  await clock.advance(3_600_000);
  await settled();
  expect(await mill.admin.stats("brief.dead")).toMatchObject({ messages: 0, dropped: 1 });
  await clock.advance(14 * dayMs - 3_600_001);
  await settled();
  expect(await mill.admin.stats("codes.dead")).toMatchObject({ messages: 1 });
  await clock.advance(1);
  await settled();
  expect(await mill.admin.stats("codes.dead")).toMatchObject({ messages: 0, dropped: 1 });
}, 30_000);

test("wrong expiries are refused, and those that cannot be", async () => {
  const { mill } = await opened();
  expect(() => queue("q", { expires: 0 })).toThrow(TypeError);
  expect(() => queue("q", { expires: { after: "1h", whenExpired: "burn" as never } })).toThrow(/whenExpired/);
  expect(() => queue("q", { expires: { after: "1h", until: "1h" } as never })).toThrow(/until/);
  await expect(mill.send(codes, "m", { expires: 0 })).rejects.toThrow(TypeError);
  await expect(mill.send(stream<string>("s"), "m", { expires: "1h" })).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
  const keyed = queue<string>("k", { order: "per-key", key: String, expires: "1h" });
  await expect(mill.send(keyed, "m")).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
});
