import type { Level } from "./algorithm.js";
import type { Due } from "./heap.js";

/** Somebody who waits for tokens. */
export interface Waiter {
  readonly at: KeyState;
  /** What it takes; 0 when it only wants to be told. */
  readonly cost: number;
  /** How much has to be there. */
  readonly needs: number;
  readonly granted: () => void;
  /** Its place in the line: lower is earlier. */
  readonly since: number;
  before: Waiter | undefined;
  after: Waiter | undefined;
}

/** The allowance of one key, and the line of those who wait for it, in the order they came (or came first). Any of them can leave at no cost. */
export class KeyState implements Due {
  level: Level;
  first: Waiter | undefined;
  /** How many wait, and what they will take together. */
  length = 0;
  cost = 0;
  dueAt = 0;
  place = -1;
  #last: Waiter | undefined;

  constructor(level: Level) {
    this.level = level;
  }

  /** At the end, unless it has waited longer than others. */
  join(waiter: Waiter): void {
    let before = this.#last;
    while (before !== undefined && before.since > waiter.since) before = before.before;
    const after = before === undefined ? this.first : before.after;
    waiter.before = before;
    waiter.after = after;
    if (before === undefined) this.first = waiter;
    else before.after = waiter;
    if (after === undefined) this.#last = waiter;
    else after.before = waiter;
    this.cost += waiter.cost;
    this.length += 1;
  }

  /** False when it is not in the line any more. */
  leave(waiter: Waiter): boolean {
    const { before, after } = waiter;
    if (before === undefined && this.first !== waiter) return false;
    if (before === undefined) this.first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    waiter.before = undefined;
    waiter.after = undefined;
    this.cost -= waiter.cost;
    this.length -= 1;
    return true;
  }
}
