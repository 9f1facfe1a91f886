import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, expect, test } from "vitest";
import { pageOffsets, SettledPages } from "../../src/engine/settled-pages.js";

/** The floor moves over what is settled; the rest is a set. */
class Model {
  floor: number;
  readonly above = new Set<number>();
  constructor(floor: number) {
    this.floor = floor;
  }
  settle(offset: number): boolean {
    if (offset < this.floor || this.above.has(offset)) return false;
    this.above.add(offset);
    while (this.above.delete(this.floor)) this.floor++;
    return true;
  }
  settleRange(from: number, to: number): number {
    let count = 0;
    for (let offset = from; offset < to; offset++) if (this.settle(offset)) count++;
    return count;
  }
  has(offset: number): boolean {
    return offset < this.floor || this.above.has(offset);
  }
}

type Step =
  | { readonly do: "settle"; readonly at: number }
  | { readonly do: "range"; readonly at: number; readonly length: number }
  | { readonly do: "store" }
  | { readonly do: "restart" };

/** Around page borders, where the mistakes are. */
const offsets = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: -20, max: 20 }))
    .map(([page, by]) => page * pageOffsets + by),
);
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("settle" as const), at: offsets }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("range" as const),
      at: offsets,
      length: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: pageOffsets - 30, max: 2 * pageOffsets })),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "store" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "restart" as const }) },
);

/** What a checkpoint and the page store keep between two lives. */
class Store {
  readonly pages = new Map<number, Uint8Array>();
  save(settled: SettledPages): void {
    for (const { page, bytes } of settled.takeChangedPages()) {
      if (bytes !== undefined) this.pages.set(page, bytes);
      else assert(this.pages.delete(page), "only what is stored is taken away");
    }
  }
  restart(settled: SettledPages): SettledPages {
    const next = new SettledPages(settled.floor);
    next.restoreFullPages(settled.fullPages());
    for (const [page, bytes] of this.pages) next.restorePage(page, bytes);
    return next;
  }
}

interface Told {
  readonly settled: SettledPages;
  readonly ours: unknown;
  readonly models: unknown;
}

function apply(step: Step, settled: SettledPages, model: Model, store: Store): Told {
  if (step.do === "settle") return { settled, ours: settled.settle(step.at), models: model.settle(step.at) };
  if (step.do === "range") {
    const to = step.at + step.length;
    return { settled, ours: settled.settleRange(step.at, to), models: model.settleRange(step.at, to) };
  }
  store.save(settled);
  return { settled: step.do === "restart" ? store.restart(settled) : settled, ours: true, models: true };
}

function expectSame(settled: SettledPages, model: Model): void {
  expect(settled.floor).toBe(model.floor);
  expect(settled.above).toBe(model.above.size);
}

function expectSameAround(settled: SettledPages, model: Model, offset: number): void {
  expect(settled.has(offset)).toBe(model.has(offset));
  let next = offset;
  while (model.has(next)) next++;
  expect(settled.nextUnsettled(offset)).toBe(Math.max(next, model.floor));
  let rank = 0;
  for (let each = model.floor; each < next; each++) if (!model.has(each)) rank++;
  expect(settled.unsettledAt(rank)).toBe(Math.max(next, model.floor));
  const from = Math.max(0, offset - 50);
  let count = 0;
  for (let each = from; each < offset + 50; each++) if (model.has(each)) count++;
  expect(settled.countIn(from, offset + 50)).toBe(count);
}

describe("settled pages", () => {
  test("say the same as a set of offsets, also after being stored and restored", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 50 }),
        fc.array(steps, { maxLength: 40, size: "max" }),
        offsets,
        (floor, run, probe) => {
          let settled = new SettledPages(floor);
          const model = new Model(floor);
          const store = new Store();
          for (const step of run) {
            const told = apply(step, settled, model, store);
            settled = told.settled;
            expect(told.ours).toBe(told.models);
            expectSame(settled, model);
          }
          expectSameAround(settled, model, probe);
          expectSameAround(settled, model, model.floor + 1);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("keep no page of what is settled in order", () => {
    const settled = new SettledPages(0);
    for (let offset = 0; offset < 3 * pageOffsets; offset++) settled.settle(offset);
    expect(settled.floor).toBe(3 * pageOffsets);
    expect(settled.takeChangedPages()).toEqual([]);
    expect(settled.fullPages()).toEqual([]);
  });

  test("keep one word of a page that is settled altogether", () => {
    const settled = new SettledPages(0);
    for (let offset = 1; offset < 3 * pageOffsets; offset++) settled.settle(offset);
    expect(settled.fullPages()).toEqual([{ first: 1, count: 2 }]);
    expect(settled.takeChangedPages().map((change) => change.page)).toEqual([0]);
    settled.settle(0);
    expect(settled.floor).toBe(3 * pageOffsets);
    expect(settled.takeChangedPages()).toEqual([{ page: 0, bytes: undefined }]);
  });

  test("hand out a page again only when it has changed", () => {
    const settled = new SettledPages(0);
    settled.settle(5);
    expect(settled.takeChangedPages()).toHaveLength(1);
    expect(settled.takeChangedPages()).toEqual([]);
    settled.settle(5);
    expect(settled.takeChangedPages()).toEqual([]);
    settled.settle(6);
    expect(settled.takeChangedPages()).toHaveLength(1);
  });

  test("hand out copies: what is settled later is not in them", () => {
    const settled = new SettledPages(0);
    settled.settle(8);
    const [change] = settled.takeChangedPages();
    settled.settle(9);
    expect(change?.bytes?.[1]).toBe(1);
  });
});
