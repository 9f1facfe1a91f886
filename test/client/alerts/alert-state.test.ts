import fc from "fast-check";
import { expect, test } from "vitest";
import { AlertState } from "../../../src/client/alerts/alert-state.js";
import type { Turn } from "../../../src/client/alerts/alert-state.js";

const rule = { above: 10, resolveAt: 5, forMs: 100 };

interface Look {
  readonly value: number;
  readonly afterMs: number;
}

function turns(looks: readonly Look[]): { readonly turn: Turn; readonly value: number; readonly nowMs: number }[] {
  const state = new AlertState(rule);
  let nowMs = 0;
  return looks.map(({ value, afterMs }) => {
    nowMs += afterMs;
    return { turn: state.see(value, nowMs), value, nowMs };
  });
}

test("it fires once it has been above for long enough, and resolves at or below the lower threshold", () => {
  const looks = [11, 11, 11, 8, 12, 6, 5, 11].map((value) => ({ value, afterMs: 50 }));
  expect(turns(looks).map(({ turn }) => turn)).toEqual([
    undefined,
    undefined,
    "fired",
    undefined,
    undefined,
    undefined,
    "resolved",
    undefined,
  ]);
});

test("a peak that is over before its time fires nothing", () => {
  const looks = [11, 10, 11, 10, 11, 10].map((value) => ({ value, afterMs: 99 }));
  expect(turns(looks).every(({ turn }) => turn === undefined)).toBe(true);
});

test("it never fires twice without resolving, nor without having been above all the while", () => {
  const looks = fc.array(fc.record({ value: fc.integer({ min: 0, max: 15 }), afterMs: fc.constantFrom(1, 60, 100) }), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(looks, (run) => {
      let isFiring = false;
      let aboveSinceMs: number | undefined;
      for (const { turn, value, nowMs } of turns(run)) {
        aboveSinceMs = value > rule.above ? (aboveSinceMs ?? nowMs) : undefined;
        if (turn === "fired") {
          expect(isFiring).toBe(false);
          expect(nowMs - (aboveSinceMs ?? Infinity)).toBeGreaterThanOrEqual(rule.forMs);
          isFiring = true;
        }
        if (turn === "resolved") {
          expect(isFiring).toBe(true);
          expect(value).toBeLessThanOrEqual(rule.resolveAt);
          isFiring = false;
        }
      }
    }),
  );
});
