import { expect, test } from "vitest";
import { Parking } from "../../src/engine/parking.js";

function all(parking: Parking, nowMs = 0): number[] {
  const taken: number[] = [];
  for (let offset = parking.take(nowMs); offset !== undefined; offset = parking.take(nowMs)) taken.push(offset);
  return taken;
}

test("what waits of one key goes out in order, and each key by itself", () => {
  const delays = new Map([[3, 1000]]);
  const parking = new Parking(delays);
  parking.putBack("a", 3, 1);
  parking.append("a", 5);
  parking.putBack("b", 4, 1);
  parking.append("a", 9);
  parking.durable(1);
  expect([parking.holds("a"), parking.holds("c"), parking.holds(undefined)]).toEqual([true, false, false]);
  expect(all(parking)).toEqual([4]);
  expect(parking.firstDueMs).toBe(1000);
  expect(all(parking, 1000)).toEqual([3, 5, 9]);
  expect([parking.size, parking.holds("a"), parking.firstDueMs]).toEqual([0, false, Infinity]);
});

test("messages without a key do not wait for each other", () => {
  const parking = new Parking(new Map([[1, 1000]]));
  parking.putBack(undefined, 1, 1);
  parking.putBack(undefined, 2, 1);
  parking.durable(1);
  expect(all(parking)).toEqual([2]);
});

test("nothing goes out before its count is durable, and nothing behind it", () => {
  const parking = new Parking(new Map());
  parking.putBack("a", 1, 2);
  parking.append("a", 2);
  expect(parking.durable(1)).toBe(false);
  expect(all(parking)).toEqual([]);
  expect(parking.durable(2)).toBe(true);
  expect(all(parking)).toEqual([1, 2]);
});

test("one that comes back before the front takes its place", () => {
  const parking = new Parking(new Map());
  parking.append("a", 7);
  parking.putBack("a", 4, 1);
  expect(all(parking)).toEqual([]);
  parking.durable(1);
  expect(all(parking)).toEqual([4, 7]);
});

test("a delay of its second return counts, not one of its first", () => {
  const delays = new Map<number, number>();
  const parking = new Parking(delays);
  parking.append("a", 7);
  parking.putBack("a", 4, 1);
  parking.durable(1);
  expect([parking.take(0), parking.take(0)]).toEqual([4, 7]);
  // 7 had been put up twice: once before 4 came back, and once behind it.
  delays.set(7, 1000);
  parking.putBack("a", 7, 2);
  parking.durable(2);
  expect(all(parking, 999)).toEqual([]);
  expect(all(parking, 1000)).toEqual([7]);
});

test("a long queue of one key goes out whole, also when some of it comes back meanwhile", () => {
  const parking = new Parking(new Map());
  for (let offset = 0; offset < 5000; offset++) parking.append("a", offset);
  const first = Array.from({ length: 3000 }, () => parking.take(0) as number);
  for (const offset of first.slice(-3).toReversed()) parking.putBack("a", offset, 1);
  parking.durable(1);
  expect([...first.slice(0, -3), ...all(parking)]).toEqual(Array.from({ length: 5000 }, (_, index) => index));
});
