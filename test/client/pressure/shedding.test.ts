/** When load is shed, as a function of what was before and of the pressure. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Pressure, ShedReason, Thresholds } from "../../../src/index.js";
import { completeRules, reliefMs, shedFor } from "../../../src/client/pressure/shedding.js";

const calm: Pressure = {
  depth: 0,
  bytes: 0,
  oldestMs: undefined,
  level: "ok",
  inFlight: 0,
  work: 0,
  consumers: 1,
  drainPerSecond: 10,
  predictedWaitMs: 0,
};

function follow(thresholds: Thresholds, pressures: readonly Partial<Pressure>[]): string[] {
  const rules = completeRules(thresholds, "test");
  let reasons: ReadonlySet<ShedReason> = new Set();
  return pressures.map((pressure) => {
    reasons = shedFor(rules, reasons, { ...calm, ...pressure });
    return [...reasons].join(" and ") || "admits";
  });
}

test("it begins at the threshold, and ends only well below it", () => {
  const depths = [99, 100, 99, 81, 80, 99, 100].map((depth) => ({ depth }));
  const expected = ["admits", "depth", "depth", "depth", "admits", "admits", "depth"];
  expect(follow({ depth: 100 }, depths)).toEqual(expected);
  expect(follow({ depth: { enter: 100, leave: 80 } }, depths)).toEqual(expected);
});

test("by age, by predicted wait, or by any of several", () => {
  expect(follow({ oldest: "10s" }, [{ oldestMs: 9_999 }, { oldestMs: 10_000 }, {}])).toEqual([
    "admits",
    "oldest",
    "admits",
  ]);
  expect(follow({ wait: "5s" }, [{ predictedWaitMs: 5_000 }, { predictedWaitMs: Infinity }])).toEqual(["wait", "wait"]);
  expect(follow({ depth: 10, wait: "5s" }, [{ depth: 10, predictedWaitMs: 6_000 }, { depth: 10 }])).toEqual([
    "depth and wait",
    "depth",
  ]);
});

test("a wait that is not known changes nothing", () => {
  const unknown = { predictedWaitMs: undefined };
  expect(follow({ wait: "5s" }, [unknown, { predictedWaitMs: 9_000 }, unknown])).toEqual(["admits", "wait", "wait"]);
});

test("whatever the pressure does, it changes its mind only across the whole distance between the thresholds", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(150), { maxLength: 200 }), (depths) => {
      const said = follow(
        { depth: { enter: 100, leave: 50 } },
        depths.map((depth) => ({ depth })),
      );
      let sheds = false;
      for (const [index, depth] of depths.entries()) {
        if (!sheds && depth >= 100) sheds = true;
        else if (sheds && depth <= 50) sheds = false;
        expect(said[index]).toBe(sheds ? "depth" : "admits");
      }
    }),
  );
});

test("relief comes when what is over the lower threshold is done", () => {
  const relief = (thresholds: Thresholds, pressure: Partial<Pressure>): number | undefined =>
    reliefMs(completeRules(thresholds, "test"), { ...calm, ...pressure });
  expect(relief({ depth: { enter: 100, leave: 50 } }, { depth: 150 })).toBe(10_000);
  expect(relief({ wait: { enter: "5s", leave: "1s" } }, { predictedWaitMs: 7_000 })).toBe(6_000);
  expect(relief({ oldest: { enter: "5s", leave: "1s" }, depth: 1_000 }, { oldestMs: 4_000, depth: 900 })).toBe(10_000);
  expect(relief({ depth: 100 }, { depth: 20 })).toBe(0);
  expect(relief({ depth: 100 }, { depth: 150, drainPerSecond: undefined })).toBeUndefined();
  expect(relief({ depth: 100 }, { depth: 150, drainPerSecond: 0 })).toBeUndefined();
});

test.for([
  {},
  { depth: 0 },
  { depth: "5s" },
  { depth: { enter: 10, leave: 11 } },
  { depth: { enter: 10 } },
  { wait: 0 },
  { oldest: { enter: "5s", leave: "1s", at: 1 } },
])("%o is no threshold", (given) => {
  expect(() => completeRules(given as Thresholds, "test")).toThrow(TypeError);
});
