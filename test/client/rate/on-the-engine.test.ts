/** Limits over the real engine: what is put off comes back on time, uncounted, and nothing is lost on the way. */
import { expect, onTestFinished, test } from "vitest";
import { leakyBucket, open, queue, silentLogger, tokenBucket } from "../../../src/index.js";
import type { Logger, Millrace } from "../../../src/index.js";
import { ManualClock } from "../manual-clock.js";

async function engine(
  logger: Logger = silentLogger,
): Promise<{ readonly mill: Millrace; readonly clock: ManualClock }> {
  const clock = new ManualClock();
  const mill = await open("memory:", { clock, logger, random: () => 0.5 });
  onTestFinished(() => mill.close({ drain: 0 }).catch(() => {}));
  return { mill, clock };
}

const tenants = queue<string>("tenants");
const tenantOf = (value: string): string => value.split("-")[0] ?? "";

test("per key, a tenant with a backlog of hundreds gets its rate, and the others get theirs", async () => {
  const { mill, clock } = await engine();
  const startMs = clock.monotonicMs();
  await mill.sendAll(
    tenants,
    Array.from({ length: 300 }, (_, index) => `busy-${index}`),
  );
  await mill.sendAll(tenants, ["quiet-0", "quiet-1"]);
  const begun: { readonly value: string; readonly attempt: number; readonly atMs: number }[] = [];
  mill.handle(
    tenants,
    (value, { attempt }) => void begun.push({ value, attempt, atMs: clock.monotonicMs() - startMs }),
    { rate: leakyBucket({ limit: 1, every: "1s", per: tenantOf }), concurrency: 5 },
  );
  await clock.advance(1_000);
  expect(begun.filter(({ value }) => value.startsWith("quiet")).map(({ atMs }) => atMs)).toEqual([0, 1_000]);
  await clock.advance(299_000);
  const busy = begun.filter(({ value }) => value.startsWith("busy"));
  expect(new Set(busy.map(({ value }) => value)).size).toBe(300);
  expect(begun.every(({ attempt }) => attempt === 1)).toBe(true);
  for (const [index, { atMs }] of busy.entries()) expect(atMs).toBe(index * 1_000);
  expect(await mill.admin.stats(tenants)).toMatchObject({ messages: 0 });
});

test("what the rate does not allow stays ready, for others to take", async () => {
  const { mill, clock } = await engine();
  const numbers = queue<number>("numbers");
  await mill.sendAll(numbers, [1, 2, 3, 4]);
  const seen: string[] = [];
  mill.handle(numbers, (value) => void seen.push(`slow ${value}`), {
    rate: tokenBucket({ limit: 1, every: "1h" }),
    concurrency: 4,
  });
  await clock.advance(0);
  expect(await mill.admin.stats(numbers)).toMatchObject({ ready: 3, inFlight: 0 });
  mill.handle(numbers, (value) => void seen.push(`free ${value}`));
  await clock.advance(0);
  expect(seen).toEqual(["slow 1", "free 2", "free 3", "free 4"]);
});

test("so many may be put off at once, and no more are fetched until the first is due; a warning says so", async () => {
  const warnings: object[] = [];
  const { mill, clock } = await engine({ ...silentLogger, warn: (fields) => void warnings.push(fields) });
  await mill.sendAll(
    tenants,
    Array.from({ length: 12_000 }, (_, index) => `busy-${index}`),
  );
  let seen = 0;
  mill.handle(tenants, () => void seen++, {
    concurrency: 1_000,
    rate: leakyBucket({ limit: 1, every: "1s", per: tenantOf }),
  });
  for (let turns = 0; turns < 10; turns++) await clock.advance(0);
  // It fetches in portions of up to its concurrency.
  const { delayed } = await mill.admin.stats(tenants);
  expect(delayed).toBeGreaterThanOrEqual(10_000);
  expect(delayed).toBeLessThanOrEqual(11_000);
  expect(warnings).toEqual([{ limit: "putOffMax", most: 10_000 }]);
  expect(seen).toBe(1);
});
