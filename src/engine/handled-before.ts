/**
 * Which offsets a group had handled before somebody moved it: what it gets of them again is a replay.
 * Runs that ascend and do not touch, at most `runsMax` of them: a move adds one, and one more for each hole that was open above the floor. Where
 * there would be more, the shortest are forgotten, and what they held comes again as if for the first time.
 */
import type { Run } from "./settled-pages.js";

const runsMax = 64;

/** What the move of a group in one partition adds to a commit, at most: these runs, and its place. */
export const moveBytesMax: number = runsMax * 16 + 64;

export class HandledBefore {
  #runs: readonly Run[] = [];
  /** Nothing from here on is in any run. */
  #end = 0;

  get runs(): readonly Run[] {
    return this.#runs;
  }

  has(offset: number): boolean {
    if (offset >= this.#end) return false;
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { first, count } = this.#runs[middle] as Run;
      if (first + count <= offset) low = middle + 1;
      else high = middle;
    }
    return (this.#runs[low] as Run).first <= offset;
  }

  add(runs: Iterable<Run>): void {
    const merged: { first: number; count: number }[] = [];
    for (const { first, count } of [...this.#runs, ...runs].sort((one, other) => one.first - other.first)) {
      const last = merged.at(-1);
      if (last === undefined || first > last.first + last.count) merged.push({ first, count });
      else last.count = Math.max(last.count, first + count - last.first);
    }
    this.restore(longest(merged));
  }

  /** What `runs` told once. */
  restore(runs: readonly Run[]): void {
    const last = runs.at(-1);
    this.#runs = runs;
    this.#end = last === undefined ? 0 : last.first + last.count;
  }
}

function longest(runs: readonly Run[]): readonly Run[] {
  if (runs.length <= runsMax) return runs;
  const kept = new Set([...runs].sort((one, other) => other.count - one.count).slice(0, runsMax));
  return runs.filter((run) => kept.has(run));
}
