/** Gathers offsets that changed since they were last written down. What comes in order costs two numbers a run. */
import type { Run } from "./settled-pages.js";

export class ChangedRuns {
  /** First and end of each run in turn, without the one that still grows. */
  #bounds: number[] = [];
  #first = -1;
  #end = -1;

  get isEmpty(): boolean {
    return this.#end < 0;
  }

  add(offset: number): void {
    if (offset !== this.#end) this.#begin(offset);
    this.#end++;
  }

  addRange(from: number, to: number): void {
    this.#begin(from);
    this.#end = to;
  }

  /** Runs that ascend and do not touch. From now on nothing has changed. */
  take(): Run[] {
    this.#begin(-1);
    const runs = mergedRuns(this.#bounds);
    this.#bounds = [];
    return runs;
  }

  clear(): void {
    this.#bounds = [];
    this.#first = -1;
    this.#end = -1;
  }

  #begin(first: number): void {
    if (this.#end >= 0) this.#bounds.push(this.#first, this.#end);
    this.#first = first;
    this.#end = first;
  }
}

function mergedRuns(bounds: readonly number[]): Run[] {
  const runs: { first: number; count: number }[] = [];
  for (let at = 0; at < bounds.length; at += 2) {
    const first = bounds[at] as number;
    runs.push({ first, count: (bounds[at + 1] as number) - first });
  }
  runs.sort((one, other) => one.first - other.first);
  let kept = 0;
  for (const run of runs) {
    const last = runs[kept - 1];
    if (kept > 0 && last !== undefined && run.first <= last.first + last.count) {
      last.count = Math.max(last.count, run.first + run.count - last.first);
    } else runs[kept++] = run;
  }
  runs.length = kept;
  return runs;
}
