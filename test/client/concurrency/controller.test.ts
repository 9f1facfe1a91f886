/** The controller against a small model of a queue with handlers: what comes in, how long each takes, second by second. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { decide, startOf } from "../../../src/client/concurrency/controller.js";
import type { ControllerState, Range } from "../../../src/client/concurrency/controller.js";

interface Second {
  /** Messages that come in. */
  readonly arrive: number;
  readonly latencyMs: number;
}

/** How many places there were in each second. */
function simulate(range: Range, seconds: readonly Second[]): { readonly places: number[]; readonly waiting: number[] } {
  let state: ControllerState = startOf(range);
  let waiting = 0;
  /** What is left to do of those that are at work, in milliseconds. */
  let atWork: { readonly latencyMs: number; leftMs: number }[] = [];
  const seen = { places: [] as number[], waiting: [] as number[] };
  for (const { arrive, latencyMs } of seconds) {
    waiting += arrive;
    let completed = 0;
    let busyMs = 0;
    // In steps of 10 ms.
    for (let step = 0; step < 100; step++) {
      while (waiting > 0 && atWork.length < state.places) {
        waiting -= 1;
        atWork.push({ latencyMs, leftMs: latencyMs });
      }
      for (const each of atWork) each.leftMs -= 10;
      const ended = atWork.filter((each) => each.leftMs <= 0);
      completed += ended.length;
      busyMs += ended.reduce((sum, each) => sum + each.latencyMs, 0);
      atWork = atWork.filter((each) => each.leftMs > 0);
    }
    state = decide(state, { elapsedMs: 1_000, waiting, completed, busyMs, running: atWork.length }, range);
    seen.places.push(state.places);
    seen.waiting.push(waiting);
  }
  return seen;
}

const steady = (seconds: number, second: Second): Second[] => Array.from({ length: seconds }, () => second);
const range = { min: 1, max: 64 };

test("under a backlog it is at its maximum within eight looks", () => {
  const { places } = simulate(range, [{ arrive: 10_000, latencyMs: 200 }, ...steady(9, { arrive: 0, latencyMs: 200 })]);
  expect(places.slice(0, 8)).toEqual([2, 4, 8, 16, 32, 64, 64, 64]);
});

test("it grows with the time handlers take: the same messages, ten times as slow, ten times the places", () => {
  const last = (latencyMs: number): number =>
    simulate({ min: 1, max: 1_000 }, steady(120, { arrive: 50, latencyMs })).places.at(-1) ?? 0;
  expect(last(100)).toBeGreaterThanOrEqual(5);
  expect(last(100)).toBeLessThanOrEqual(9);
  expect(last(1_000)).toBeGreaterThanOrEqual(50);
  expect(last(1_000)).toBeLessThanOrEqual(90);
});

test("handlers that have not ended once are not waited for: it grows", () => {
  const { places } = simulate(range, [
    { arrive: 100, latencyMs: 600_000 },
    ...steady(20, { arrive: 0, latencyMs: 600_000 }),
  ]);
  expect(places.at(-1)).toBe(64);
});

test("with nothing to do it is back at its minimum within half a minute", () => {
  const { places } = simulate(range, [
    ...steady(20, { arrive: 200, latencyMs: 200 }),
    ...steady(30, { arrive: 0, latencyMs: 200 }),
  ]);
  expect(places[19]).toBeGreaterThan(30);
  expect(places.at(-1)).toBe(1);
});

test("a handful of messages is no reason to grow", () => {
  const { places } = simulate(range, steady(60, { arrive: 2, latencyMs: 100 }));
  expect(Math.max(...places)).toBe(1);
});

test("under a steady load it finds a number and stays there", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 2, max: 200 }).map((tens) => tens * 10),
      (arrive, latencyMs) => {
        const { places, waiting } = simulate({ min: 1, max: 1_000 }, steady(90, { arrive, latencyMs }));
        const late = places.slice(60);
        // It may give up a place or two that it turned out not to need, and never swings.
        const turns = late.filter(
          (each, index) => index > 1 && (each - late[index - 1]!) * (late[index - 1]! - late[index - 2]!) < 0,
        );
        expect(turns.length).toBeLessThanOrEqual(2);
        expect(Math.max(...late) - Math.min(...late)).toBeLessThanOrEqual(Math.max(2, 0.35 * Math.max(...late)));
        // And it is enough: what waits is no more than what came in last.
        expect(waiting.at(-1)).toBeLessThanOrEqual(arrive * 2);
      },
    ),
    { numRuns: 60 },
  );
});

test("under a load that jitters it does not follow each twitch", () => {
  const seconds = Array.from({ length: 120 }, (_, index) => ({ arrive: index % 2 === 0 ? 60 : 100, latencyMs: 500 }));
  const { places } = simulate(range, seconds);
  const late = places.slice(60);
  expect(Math.max(...late) - Math.min(...late)).toBeLessThanOrEqual(12);
});

test("whatever happens, it stays within its range, and at most doubles", () => {
  const sample = fc.record({
    elapsedMs: fc.integer({ min: 1, max: 60_000 }),
    waiting: fc.oneof(fc.nat(10), fc.nat(10_000_000)),
    completed: fc.nat(100_000),
    busyMs: fc.nat(100_000_000),
    running: fc.nat(1_000),
  });
  fc.assert(
    fc.property(
      fc.array(sample, { maxLength: 100 }),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(200),
      (samples, min, more) => {
        const limits = { min, max: min + more };
        let state = startOf(limits);
        for (const each of samples) {
          const next = decide(state, each, limits);
          expect(next.places).toBeGreaterThanOrEqual(limits.min);
          expect(next.places).toBeLessThanOrEqual(limits.max);
          expect(next.places).toBeLessThanOrEqual(state.places * 2);
          state = next;
        }
      },
    ),
  );
});
