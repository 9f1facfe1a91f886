import fc from "fast-check";
import { expect, test } from "vitest";
import { fixedWindow, leakyBucket, tokenBucket } from "../../../src/index.js";
import type { RateLimit } from "../../../src/index.js";
import type { SharedRateLimit } from "../../../src/client/rate/rate-limit.js";
import type { Limiter } from "../../../src/client/rate/limiter.js";
import { StepClock } from "./steps.js";

function start(limit: RateLimit): { readonly clock: StepClock; readonly limiter: Limiter } {
  const clock = new StepClock();
  return { clock, limiter: (limit as SharedRateLimit<unknown>).on(clock) };
}

const perKey = (value: unknown): string => String(value);

test("those who wait are served in the order they came, each when it is there, and nobody overtakes", () => {
  const { clock, limiter } = start(tokenBucket({ limit: 1, every: "1s", burst: 3 }));
  const served: string[] = [];
  const wait = (name: string, cost: number): void =>
    void limiter.wait("", cost, () => served.push(`${name} at ${clock.monotonicMs()}`));
  expect(limiter.tryTake("", 3)).toBe(true);
  wait("first, of 3", 3);
  wait("second", 1);
  clock.advance(1_500);
  // There is one, but it is being saved for the first.
  expect([limiter.tryTake("", 1), limiter.available("")]).toEqual([false, 0]);
  clock.advance(10_000);
  expect(served).toEqual(["first, of 3 at 3000", "second at 4000"]);
});

test("who leaves the line makes way for those behind", () => {
  const { clock, limiter } = start(leakyBucket({ limit: 1, every: "1s" }));
  const served: string[] = [];
  limiter.tryTake("", 1);
  const first = limiter.wait("", 1, () => served.push("first"));
  const second = limiter.wait("", 1, () => served.push("second"));
  limiter.wait("", 1, () => served.push("third"));
  limiter.cancel(second);
  limiter.cancel(first);
  limiter.cancel(first);
  expect(limiter.waiters).toBe(1);
  clock.advance(1_000);
  expect([served, limiter.waiters, clock.timers]).toEqual([["third"], 0, 0]);
});

test("one timer serves ten thousand waiters of a thousand keys, and there is none when nobody waits", () => {
  const { clock, limiter } = start(tokenBucket({ limit: 1, every: "1s", per: perKey }));
  let served = 0;
  for (let count = 0; count < 10_000; count++) limiter.wait(String(count % 1_000), 1, () => served++);
  expect(clock.timers).toBe(1);
  clock.advance(4_999);
  expect([served, clock.timers]).toEqual([5_000, 1]);
  clock.advance(10_000);
  expect([served, clock.timers]).toEqual([10_000, 0]);
  expect(clock.set).toBeLessThan(100);
});

test("a key is forgotten when its allowance is whole again, and no sooner: forgetting changes nothing", () => {
  const bucket = { limit: 2, every: 1_000, burst: 4 } as const;
  fc.assert(
    fc.property(
      fc.array(fc.record({ waitMs: fc.nat(1_500), key: fc.nat(9), cost: fc.integer({ min: 1, max: 4 }) }), {
        maxLength: 300,
      }),
      fc.constantFrom(tokenBucket, leakyBucket, fixedWindow),
      (asked, make) => {
        const rule = make === tokenBucket ? bucket : { limit: 2, every: 1_000 };
        const { clock, limiter } = start(make({ ...rule, per: perKey }));
        // The model: a limit of its own for each key, which forgets nothing.
        const apart = Array.from({ length: 10 }, () => (make(rule) as SharedRateLimit<unknown>).on(clock));
        for (const { waitMs, key, cost } of asked) {
          clock.advance(waitMs);
          expect(limiter.tryTake(String(key), cost)).toBe(apart[key]?.tryTake("", cost));
        }
        clock.advance(60_000);
        expect(limiter.keys).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});

test("more keys than are told apart share one allowance: none gets more than its limit, and memory has a bound", () => {
  const limit = tokenBucket({ limit: 2, every: "1s", per: perKey, keysMax: 1 });
  const pauses = fc.oneof(fc.constant(0), fc.nat(700));
  fc.assert(
    fc.property(fc.array(fc.record({ waitMs: pauses, key: fc.nat(3) }), { maxLength: 300 }), (asked) => {
      const { clock, limiter } = start(limit);
      const apart = Array.from({ length: 10 }, () => start(tokenBucket({ limit: 2, every: "1s" })));
      for (const { waitMs, key } of asked) {
        clock.advance(waitMs);
        for (const each of apart) each.clock.advance(waitMs);
        const got = limiter.tryTake(String(key), 1);
        if (got) expect(apart[key]?.limiter.tryTake("", 1)).toBe(true);
        expect(limiter.keys).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns: 300 },
  );
});

test("that there are more keys than are told apart is counted", () => {
  const limit = tokenBucket({ limit: 1, every: "1s", per: perKey, keysMax: 2 });
  const { limiter } = start(limit);
  for (const key of ["a", "b"]) limiter.tryTake(key, 1);
  expect(limit.overflows).toBe(0);
  expect([limiter.tryTake("c", 1), limiter.tryTake("d", 1), limit.overflows, limit.keys]).toEqual([true, false, 1, 2]);
});

test("changed while it runs, it serves those who wait by the new rule, and keeps what is left", () => {
  const limit = tokenBucket({ limit: 1, every: "10s", burst: 2 });
  const { clock, limiter } = start(limit);
  const servedAt: number[] = [];
  limiter.tryTake("", 2);
  for (let count = 0; count < 3; count++) limiter.wait("", 1, () => servedAt.push(clock.monotonicMs()));
  clock.advance(5_000);
  limit.set({ limit: 1, every: "1s" });
  clock.advance(500);
  expect(servedAt).toEqual([5_500]);
  clock.advance(2_000);
  expect(servedAt).toEqual([5_500, 6_500, 7_500]);
  clock.advance(60_000);
  limit.set({ burst: 10 });
  expect(limiter.available("")).toBe(2);
  limit.set({ burst: 1 });
  expect(limiter.available("")).toBe(1);
  expect([limit.limit, limit.everyMs, limit.burst]).toEqual([1, 1_000, 1]);
});

test("a window that is changed keeps what was used in it", () => {
  const limit = fixedWindow({ limit: 5, every: "1m" });
  const { clock, limiter } = start(limit);
  limiter.tryTake("", 4);
  limit.set({ limit: 3 });
  expect([limiter.available(""), limiter.delayMs("", 1)]).toEqual([0, 60_000]);
  limit.set({ limit: 6, every: "10s" });
  expect(limiter.available("")).toBe(2);
  clock.advance(10_000);
  expect(limiter.available("")).toBe(6);
});

test.for([
  { limit: 0, every: "1s" },
  { limit: 1.5, every: "1s" },
  { limit: 1_000_001, every: "1s" },
  { limit: 1, every: 0 },
  { limit: 1, every: "31d" },
  { limit: 1, every: "1s", burst: 0 },
  { limit: 1, every: "1s", per: "key" },
  { limit: 1, every: "1s", keysMax: 0 },
  { limit: 1, every: "1s", size: 1 },
])("%o is no limit", (options) => {
  expect(() => tokenBucket(options as never)).toThrow(TypeError);
});

test("a limit without bursts takes none, at the start or later", () => {
  const options = { limit: 1, every: "1s", burst: 2 } as never;
  expect(() => leakyBucket(options)).toThrow(TypeError);
  expect(() => fixedWindow(options)).toThrow(TypeError);
  expect(() => leakyBucket({ limit: 1, every: "1s" }).set({ burst: 2 })).toThrow(TypeError);
});
