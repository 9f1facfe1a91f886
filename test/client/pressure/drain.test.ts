import fc from "fast-check";
import { expect, test } from "vitest";
import { Drain } from "../../../src/client/pressure/drain.js";
import { ManualClock } from "../manual-clock.js";

test("the rate is what was settled over the time that was looked at", () => {
  const clock = new ManualClock();
  const drain = new Drain(clock);
  expect(drain.perSecond(100)).toBeUndefined();
  clock.block(2_000);
  expect(drain.perSecond(120)).toBe(10);
  clock.block(2_000);
  expect(drain.perSecond(180)).toBe(20);
});

test("it is too early to say within a second, and nothing done means nothing after ten", () => {
  const clock = new ManualClock();
  const drain = new Drain(clock);
  drain.perSecond(0);
  clock.block(999);
  expect(drain.perSecond(5)).toBeUndefined();
  clock.block(1);
  expect(drain.perSecond(5)).toBe(5);
  const idle = new Drain(clock);
  idle.perSecond(7);
  clock.block(9_999);
  expect(idle.perSecond(7)).toBeUndefined();
  clock.block(1);
  expect(idle.perSecond(7)).toBe(0);
});

test("what is longer ago than a minute does not count", () => {
  const clock = new ManualClock();
  const drain = new Drain(clock);
  let settled = 0;
  for (let second = 0; second < 120; second++) {
    settled += second < 60 ? 1_000 : 10;
    drain.perSecond(settled);
    clock.block(1_000);
  }
  expect(drain.perSecond(settled)).toBeCloseTo(10, 0);
});

test("a count that goes back begins anew", () => {
  const clock = new ManualClock();
  const drain = new Drain(clock);
  drain.perSecond(1_000);
  clock.block(5_000);
  expect(drain.perSecond(10)).toBeUndefined();
  clock.block(5_000);
  expect(drain.perSecond(20)).toBe(2);
});

test("however often and whenever it is looked at, a steady rate is that rate", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 2, maxLength: 200 }), (pausesMs) => {
      const clock = new ManualClock();
      const startMs = clock.monotonicMs();
      const drain = new Drain(clock);
      for (const pauseMs of pausesMs) {
        const perSecond = drain.perSecond((clock.monotonicMs() - startMs) / 4);
        if (perSecond !== undefined) expect(perSecond).toBeCloseTo(250, 6);
        clock.block(pauseMs);
      }
    }),
  );
});
