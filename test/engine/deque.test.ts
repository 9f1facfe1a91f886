import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Deque } from "../../src/engine/deque.js";

describe("the deque", () => {
  test("does what an array does", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("push" as const), item: fc.nat() }),
      fc.record({ do: fc.constant("unshift" as const), item: fc.nat() }),
      fc.record({ do: fc.constant("shift" as const) }),
      fc.record({ do: fc.constant("remove" as const), item: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const deque = new Deque<number>();
        let array: number[] = [];
        for (const each of steps) {
          if (each.do === "push") (array.push(each.item), deque.push(each.item));
          else if (each.do === "unshift") (array.unshift(each.item), deque.unshift(each.item));
          else if (each.do === "remove") {
            array = array.filter((item) => item !== each.item);
            deque.remove(each.item);
          } else expect(deque.shift()).toBe(array.shift());
          expect(deque.length).toBe(array.length);
          expect(deque.first).toBe(array[0]);
        }
        expect([...deque]).toEqual(array);
      }),
    );
  });

  test("keeps its order while it grows large and shrinks", () => {
    const deque = new Deque<number>();
    for (let each = 0; each < 10_000; each++) deque.push(each);
    for (let each = 0; each < 10_000; each++) expect(deque.shift()).toBe(each);
    expect(deque.shift()).toBe(undefined);
  });
});
