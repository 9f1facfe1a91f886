import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ParkedList, ParkedOffsets } from "../../src/engine/parked-offsets.js";

const distances = fc.oneof(
  fc.integer({ min: 1, max: 3 }),
  fc.integer({ min: 100, max: 20_000 }),
  fc.constantFrom(127, 128, 16_383, 16_384, 2 ** 31, 2 ** 33, 2 ** 45),
);
const steps = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("add" as const), list: fc.nat(3), distance: distances }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("take" as const), list: fc.nat(3) }) },
);

describe("parked offsets", () => {
  test("come out of each list as they went in, and leave nothing behind", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 200, size: "max" }), (run) => {
        const parked = new ParkedOffsets(1024 * 1024);
        const lists = Array.from({ length: 4 }, () => ({ ours: new ParkedList(), model: [] as number[], last: 0 }));
        for (const step of run) {
          const list = lists[step.list]!;
          if (step.do === "take") assert.equal(parked.take(list.ours), list.model.shift());
          else {
            list.last += step.distance;
            parked.add(list.ours, list.last);
            list.model.push(list.last);
          }
          assert.equal(
            parked.count,
            lists.reduce((sum, each) => sum + each.model.length, 0),
          );
        }
        for (const { ours, model } of lists) for (const offset of model) assert.equal(parked.take(ours), offset);
        assert.deepEqual([parked.count, parked.bytes], [0, 0]);
      }),
      { numRuns: 200 },
    );
    expect.assertions(0);
  });

  test("cost little more than a byte each where many wait behind one", () => {
    const parked = new ParkedOffsets(2 * 1024 * 1024);
    const list = new ParkedList();
    for (let offset = 0; offset < 1_000_000; offset++) parked.add(list, 5_000_000 + offset * 3);
    expect(parked.bytes).toBeLessThan(1_200_000);
  });

  test("are never more than there is room for", () => {
    const parked = new ParkedOffsets(320);
    const lists: ParkedList[] = [];
    while (parked.hasRoom) {
      lists.push(new ParkedList());
      parked.add(lists.at(-1)!, 2 ** 45);
    }
    expect(parked.bytes).toBeLessThanOrEqual(320);
    for (const list of lists) expect(parked.take(list)).toBe(2 ** 45);
    expect(parked.hasRoom).toBe(true);
  });
});
