/**
 * Which offsets of one partition were delivered at least once, by one group. Two ways of knowing:
 *
 *   from the front   everything below `high` was delivered: one number, for whoever hands out in order
 *   each             a bit for every offset, in pages like those of what is settled: for whoever passes over messages,
 *                    because what was only passed over must not count as delivered
 *
 * It begins from the front, and goes over to each for good once it is told to. What is settled counts as delivered: nobody will
 * ask, and pages that are full cost nothing.
 */
import { assert } from "../base/assert.js";
import { ChangedRuns } from "./changed-runs.js";
import { type Run, SettledPages } from "./settled-pages.js";

export class Delivered {
  #high: number;
  #each: SettledPages | undefined;
  #highChanged = false;
  readonly #changed = new ChangedRuns();

  constructor(start: number) {
    this.#high = start;
  }

  /** Below it everything was delivered at least once. */
  get high(): number {
    return this.#each === undefined ? this.#high : this.#each.floor;
  }

  /** The bits; undefined when it knows from the front. */
  get each(): SettledPages | undefined {
    return this.#each;
  }

  has(offset: number): boolean {
    return this.#each === undefined ? offset < this.#high : this.#each.has(offset);
  }

  /** From now on it knows of each. */
  countEach(): void {
    this.#each ??= new SettledPages(this.#high);
  }

  /** One of many that are not delivered in order. */
  add(offset: number): void {
    assert(this.#each !== undefined, "from the front nothing is passed over");
    if (this.#each.settle(offset)) this.#changed.add(offset);
  }

  /** Everything below `offset` has been delivered. */
  reach(offset: number): void {
    assert(this.#each === undefined, "who counts each message says so of each");
    if (offset <= this.#high) return;
    this.#high = offset;
    this.#highChanged = true;
  }

  /** Nothing from `offset` on was delivered after all. */
  rewind(offset: number): void {
    assert(this.#each === undefined, "a message that was delivered stays so");
    if (offset >= this.#high) return;
    this.#high = offset;
    this.#highChanged = true;
  }

  /** They are settled. Not written down: that they are settled is. */
  pass(from: number, to: number): void {
    this.#each?.settleRange(from, to);
  }

  /** The group begins anew: everything below `offset` counts as delivered, and nothing from it on. */
  reset(offset: number): void {
    this.#high = offset;
    this.#each?.reset(offset);
    this.#highChanged = false;
    this.#changed.clear();
  }

  /** The high that has changed since this was last called. */
  takeHigh(): number | undefined {
    if (!this.#highChanged) return undefined;
    this.#highChanged = false;
    return this.#high;
  }

  /** What was delivered since this was last called, of `floor` and above: below it all is settled. */
  takeRuns(floor: number): Run[] {
    if (this.#changed.isEmpty) return [];
    return this.#changed.take().flatMap((run) => aboveFloor(run, floor));
  }

  restoreHigh(high: number): void {
    if (this.#each === undefined) this.#high = high;
    else this.#each.settleRange(this.#each.floor, high);
  }

  restoreRuns(runs: readonly Run[]): void {
    this.countEach();
    for (const { first, count } of runs) this.#each?.settleRange(first, first + count);
  }

  /** As a snapshot tells it. */
  restore(high: number): void {
    this.#high = high;
    this.#each = undefined;
  }

  /** It knew of each, and of these pages that all was delivered. Other pages are restored one by one. */
  restoreEach(fullPages: readonly Run[]): void {
    this.countEach();
    this.#each?.restoreFullPages(fullPages);
  }

  restorePage(page: number, bytes: Uint8Array): void {
    this.countEach();
    this.#each?.restorePage(page, bytes);
  }

  /** The first offset from `from` on that was delivered; Infinity when there is none. */
  next(from: number): number {
    if (this.#each !== undefined) return this.#each.nextSettled(from);
    return from < this.#high ? from : Infinity;
  }
}

function aboveFloor({ first, count }: Run, floor: number): Run[] {
  if (first >= floor) return [{ first, count }];
  const left = first + count - floor;
  return left > 0 ? [{ first: floor, count: left }] : [];
}
