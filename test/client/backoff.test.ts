import fc from "fast-check";
import { expect, test } from "vitest";
import { delayMs } from "../../src/client/backoff.js";
import { exponential, fixed } from "../../src/index.js";

test("pauses double from the first to the most, when there is no jitter", () => {
  const backoff = exponential("1s", "5m", { jitter: "none" });
  const pauses = [1, 2, 3, 4, 9, 10, 50].map((retry) => delayMs(backoff, retry, 0.5));
  expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 256_000, 300_000, 300_000]);
});

test("full jitter is anywhere between none and the whole pause", () => {
  const backoff = exponential("1s", "5m");
  expect(delayMs(backoff, 3, 0)).toBe(0);
  expect(delayMs(backoff, 3, 0.5)).toBe(2_000);
  expect(delayMs(backoff, 3, 0.999_999)).toBe(3_999);
});

test("a fixed pause stays the same, whatever chance says", () => {
  expect([1, 2, 7].map((retry) => delayMs(fixed("10s"), retry, 0.1))).toEqual([10_000, 10_000, 10_000]);
});

test("a pause is a whole number between 0 and the most, for any retry", () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), random, (retry, chance) => {
      const pauseMs = delayMs(exponential("100ms", "1h", { factor: 3 }), retry, chance);
      return Number.isInteger(pauseMs) && pauseMs >= 0 && pauseMs <= 3_600_000;
    }),
  );
});
