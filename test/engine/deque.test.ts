import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Deque } from "../../src/engine/deque.js";

type Step = { readonly do: "push" | "unshift" | "remove"; readonly item: number } | { readonly do: "shift" };

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom("push", "unshift", "remove"), item: fc.nat(20) }),
  fc.record({ do: fc.constant("shift" as const) }),
);

/** What both do; an array's own remove takes the first away, so ours must be given all. */
interface List {
  push(item: number): void;
  unshift(item: number): void;
  shift(): number | undefined;
  remove(item: number): void;
}

class ArrayList implements List {
  items: number[] = [];
  push(item: number): void {
    this.items.push(item);
  }
  unshift(item: number): void {
    this.items.unshift(item);
  }
  shift(): number | undefined {
    return this.items.shift();
  }
  remove(item: number): void {
    this.items = this.items.filter((each) => each !== item);
  }
}

function apply(step: Step, list: List): number | undefined {
  if (step.do === "shift") return list.shift();
  list[step.do](step.item);
  return undefined;
}

describe("the deque", () => {
  test("does what an array does", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 200, size: "max" }), (run) => {
        const deque = new Deque<number>();
        const array = new ArrayList();
        for (const step of run) {
          expect(apply(step, deque)).toBe(apply(step, array));
          expect(deque.length).toBe(array.items.length);
          expect(deque.first).toBe(array.items[0]);
        }
        expect([...deque]).toEqual(array.items);
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
