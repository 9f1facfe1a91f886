/** What each limit promises, against a model of it that fits on a screen: the list of what was let through, and when. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { fixedWindow, leakyBucket, tokenBucket } from "../../../src/index.js";
import type { RateLimit } from "../../../src/index.js";
import type { SharedRateLimit } from "../../../src/client/rate/rate-limit.js";
import type { Limiter } from "../../../src/client/rate/limiter.js";
import { StepClock } from "./steps.js";

interface Passed {
  readonly atMs: number;
  readonly cost: number;
}

function limiterOf(limit: RateLimit, clock: StepClock): Limiter {
  return (limit as SharedRateLimit<unknown>).on(clock);
}

/** More than `most` and what grows in its length was let through in some span, or not: reckoned without a rounding. */
function overBucket(passed: readonly Passed[], { limit, everyMs, burst }: RateLimit): boolean {
  // The first of a span is counted in it: so what was let through before it is what is compared with.
  let before = 0n;
  let least: bigint | undefined;
  for (const { atMs, cost } of passed) {
    const grown = BigInt(atMs) * BigInt(limit);
    const start = before * BigInt(everyMs) - grown;
    if (least === undefined || start < least) least = start;
    before += BigInt(cost);
    if (before * BigInt(everyMs) - grown - least > BigInt(burst) * BigInt(everyMs)) return true;
  }
  return false;
}

function overWindow(passed: readonly Passed[], { limit, everyMs }: RateLimit): boolean {
  const windows = new Map<number, number>();
  for (const { atMs, cost } of passed) {
    const window = Math.floor(atMs / everyMs);
    windows.set(window, (windows.get(window) ?? 0) + cost);
  }
  return [...windows.values()].some((sum) => sum > limit);
}

const rule = fc.record({
  limit: fc.integer({ min: 1, max: 50 }),
  every: fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.constantFrom(7, 999, 1_000, 60_000)),
});
const steps = fc.array(
  fc.record({
    waitMs: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 100_000 })),
    cost: fc.nat(4),
  }),
  { maxLength: 400 },
);

/** Asks at any times for any amounts, at most what can be had at once. */
function ask(limit: RateLimit, asked: readonly { readonly waitMs: number; readonly cost: number }[]): Passed[] {
  const clock = new StepClock();
  const limiter = limiterOf(limit, clock);
  const passed: Passed[] = [];
  for (const { waitMs, cost: wanted } of asked) {
    clock.advance(waitMs);
    const cost = Math.min(Math.max(1, wanted), limit.burst);
    const free = limiter.available("");
    const saidMs = limiter.delayMs("", cost);
    const got = limiter.tryTake("", cost);
    expect(got).toBe(free >= cost);
    expect(got).toBe(saidMs === 0);
    if (got) passed.push({ atMs: clock.monotonicMs(), cost });
  }
  return passed;
}

test("a token bucket lets through no more than its burst and what grows, in any span", () => {
  fc.assert(
    fc.property(rule, fc.integer({ min: 1, max: 80 }), steps, (given, burst, asked) => {
      const limit = tokenBucket({ ...given, burst });
      expect(overBucket(ask(limit, asked), limit)).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test("a leaky bucket keeps its distance, whatever was not used before", () => {
  fc.assert(
    fc.property(rule, steps, (given, asked) => {
      const limit = leakyBucket(given);
      expect(overBucket(ask(limit, asked), limit)).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test("a fixed window lets through no more than its limit in any of its windows", () => {
  fc.assert(
    fc.property(rule, steps, (given, asked) => {
      const limit = fixedWindow(given);
      expect(overWindow(ask(limit, asked), limit)).toBe(false);
    }),
    { numRuns: 300 },
  );
});

/** Takes one whenever there is one, for a long time; returns how many. */
function takeAll(limit: RateLimit, spanMs: number): number {
  const clock = new StepClock();
  const limiter = limiterOf(limit, clock);
  let taken = 0;
  while (clock.monotonicMs() <= spanMs) {
    while (limiter.tryTake("", 1)) taken += 1;
    // To the next whole millisecond, like a user who looks now and then; late, so that lateness would show as drift.
    clock.advance(Math.ceil(limiter.delayMs("", 1)));
  }
  return taken;
}

test.for([
  { limit: 3, every: 1_000, spanS: 300_000 },
  { limit: 7, every: 60_000, spanS: 5_000_000 },
  { limit: 1, every: 3_333, spanS: 2_000_000 },
  { limit: 1_000_000, every: 2_592_000_000, spanS: 3_000_000 },
])("over $spanS seconds, $limit in $every ms is that, to the last message", ({ limit, every, spanS }) => {
  const spanMs = spanS * 1_000;
  const grown = Number((BigInt(spanMs) * BigInt(limit)) / BigInt(every));
  expect(takeAll(tokenBucket({ limit, every, burst: 5 }), spanMs)).toBe(5 + grown);
  const windows = Math.floor(spanMs / every) + 1;
  expect(takeAll(fixedWindow({ limit, every }), spanMs)).toBe(windows * limit);
});

test("a leaky bucket whose user is never late is exact over two million seconds", () => {
  expect(takeAll(leakyBucket({ limit: 1, every: 4_000 }), 2_000_000_000)).toBe(500_001);
});

test("what is more than can be saved at once goes when all is there, and is paid off", () => {
  const clock = new StepClock();
  const limiter = limiterOf(tokenBucket({ limit: 10, every: "1s", burst: 10 }), clock);
  expect(limiter.tryTake("", 35)).toBe(true);
  expect([limiter.tryTake("", 1), limiter.delayMs("", 1)]).toEqual([false, 2_600]);
  clock.advance(2_599);
  expect(limiter.tryTake("", 1)).toBe(false);
  clock.advance(1);
  expect(limiter.tryTake("", 1)).toBe(true);
  const windows = limiterOf(fixedWindow({ limit: 10, every: "1s" }), clock);
  expect([windows.tryTake("", 25), windows.delayMs("", 1)]).toEqual([true, 2_000]);
});
