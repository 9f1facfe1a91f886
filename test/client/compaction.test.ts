/** Deleting a key of a compacted stream, over the engine in memory. */
import { z } from "zod";
import { expect, onTestFinished, test } from "vitest";
import { bytes, open, silentLogger, stream } from "../../src/index.js";
import type { Channel, Millrace } from "../../src/index.js";
import { ManualClock } from "./manual-clock.js";

interface Price {
  readonly symbol: string;
  readonly cents: number;
}

const prices = stream<Price | undefined>("prices", {
  compact: true,
  partitions: 1,
  key: (price) => price?.symbol,
  schema: z.object({ symbol: z.string(), cents: z.number() }),
});

async function engine(): Promise<{ readonly mill: Millrace; readonly clock: ManualClock }> {
  const clock = new ManualClock();
  const mill = await open("memory:", {
    clock,
    logger: silentLogger,
    limits: { segmentBytes: 65_536, partitionTailBytes: 16_384 },
  });
  onTestFinished(() => mill.close({ drain: 0 }).catch(() => {}));
  return { mill, clock };
}

async function read(mill: Millrace): Promise<[string | undefined, number | undefined][]> {
  const seen: [string | undefined, number | undefined][] = [];
  for await (const { key, value } of mill.read(prices, { until: "end" })) {
    if (key !== "filler") seen.push([key, value?.cents]);
  }
  return seen;
}

test("undefined, sent with a key, is handled and read as undefined, whatever the schema says of values", async () => {
  const { mill, clock } = await engine();
  await mill.send(prices, { symbol: "EUR", cents: 100 });
  await mill.send(prices, undefined, { key: "EUR" });
  expect(await read(mill)).toEqual([
    ["EUR", 100],
    ["EUR", undefined],
  ]);
  const seen: (Price | undefined)[] = [];
  mill.handle(prices, (price) => void seen.push(price), { group: "g" });
  await clock.advance(0);
  expect(seen).toEqual([{ symbol: "EUR", cents: 100 }, undefined]);
});

test("of each key the last value is read, and of a deleted one nothing after a day", async () => {
  const { mill, clock } = await engine();
  for (const cents of [100, 200, 300]) await mill.send(prices, { symbol: "EUR", cents });
  await mill.send(prices, { symbol: "USD", cents: 90 });
  await mill.send(prices, undefined, { key: "EUR" });
  const headers = { filler: "x".repeat(2_000) };
  for (let each = 0; each < 150; each++) await mill.send(prices, { symbol: "filler", cents: each }, { headers });
  await clock.advance(120_000);
  expect(await read(mill)).toEqual([
    ["USD", 90],
    ["EUR", undefined],
  ]);
  await clock.advance(90_000_000);
  expect(await read(mill)).toEqual([["USD", 90]]);
});

test("without a key it is refused, and so is undefined where nothing is compacted", async () => {
  const { mill } = await engine();
  await expect(mill.send(prices, undefined)).rejects.toThrow(/say which: send\(channel, undefined, \{ key \}\)/);
  const plain = stream<unknown>("plain");
  await expect(mill.send(plain, undefined, { key: "k" })).rejects.toMatchObject({ code: "PAYLOAD_INVALID" });
});

test("who reads bytes gets what is stored: none", async () => {
  const { mill } = await engine();
  await mill.send(prices, undefined, { key: "EUR" });
  const raw: Channel<Uint8Array> = await mill.admin.channel("prices", bytes);
  for await (const { value } of mill.read(raw as never, { until: "end" })) expect((value as Uint8Array).length).toBe(0);
});

test("what is compacted is kept for ever unless retention says something else", () => {
  expect(prices.spec.retention.timeMs).toBe(Infinity);
  expect(stream("s", { compact: true, retention: { time: "1h" } }).spec.retention.timeMs).toBe(3_600_000);
});
