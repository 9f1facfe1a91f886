import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RetryQueue } from "../../src/engine/retry-queue.js";

describe("the retry queue", () => {
  test("gives out the earliest first, and of the same time the lowest offset", () => {
    const entry = fc.record({ offset: fc.nat(1000), dueMs: fc.nat(5) });
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const queue = new RetryQueue();
        for (const { offset, dueMs } of entries) queue.push(offset, dueMs);
        const sorted = entries.toSorted((one, other) => one.dueMs - other.dueMs || one.offset - other.offset);
        for (const { offset, dueMs } of sorted) {
          expect(queue.firstDueMs).toBe(dueMs);
          expect(queue.pop()).toBe(offset);
        }
        expect(queue.size).toBe(0);
      }),
    );
  });

  test("is never due when it is empty", () => {
    expect(new RetryQueue().firstDueMs).toBe(Infinity);
    expect(() => new RetryQueue().pop()).toThrow("an empty queue has no first");
  });
});
