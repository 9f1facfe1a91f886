import fc from "fast-check";
import { expect, test } from "vitest";
import { FloorHistory } from "../../src/engine/floor-history.js";

test("what was below the floor at the beginning was settled nobody knows when", () => {
  const history = new FloorHistory(10);
  history.note(15, 1_000);
  expect([history.passedByMs(9), history.passedByMs(10), history.passedByMs(14), history.passedByMs(15)]).toEqual([
    undefined,
    1_000,
    1_000,
    undefined,
  ]);
});

test("a group that is moved back has not settled what it gets again", () => {
  const history = new FloorHistory(0);
  history.note(15, 1_000);
  history.note(5, 3_000);
  expect(history.passedByMs(7)).toBeUndefined();
  history.note(8, 9_000);
  expect([history.passedByMs(3), history.passedByMs(7)]).toEqual([undefined, 9_000]);
});

test("a clock that is set back makes it say nothing, and nothing wrong", () => {
  const history = new FloorHistory(0);
  history.note(5, 100_000);
  history.note(9, 50_000);
  expect([history.passedByMs(4), history.passedByMs(8)]).toEqual([100_000, undefined]);
});

test("it never says earlier than it was", () => {
  const steps = fc.array(
    fc.record({ more: fc.integer({ min: 0, max: 20 }), afterMs: fc.integer({ min: 0, max: 90_000 }) }),
    {
      minLength: 1,
      maxLength: 300,
    },
  );
  fc.assert(
    fc.property(steps, (run) => {
      const history = new FloorHistory(0);
      const passedAtMs: number[] = [];
      let floor = 0;
      let nowMs = 0;
      for (const { more, afterMs } of run) {
        nowMs += afterMs;
        for (let offset = floor; offset < floor + more; offset++) passedAtMs[offset] = nowMs;
        floor += more;
        history.note(floor, nowMs);
      }
      for (const [offset, atMs] of passedAtMs.entries()) {
        const saidMs = history.passedByMs(offset);
        if (saidMs !== undefined) expect(saidMs).toBeGreaterThanOrEqual(atMs);
      }
    }),
  );
});

test("it keeps no more than so many samples, over however long a time", () => {
  const history = new FloorHistory(0);
  for (let second = 1; second <= 100_000; second++) history.note(second, second * 1_000);
  const said = [10, 50_000, 99_000].map((offset) => (history.passedByMs(offset) ?? 0) / 1_000 - offset);
  for (const late of said) expect(late).toBeLessThan(100_000 / 16);
});
