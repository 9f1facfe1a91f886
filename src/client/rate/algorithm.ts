import { bounds } from "../defaults.js";

/**
 * How the allowance of one key grows and is spent, as arithmetic on whole numbers: nothing is rounded, so nothing drifts.
 * Time is counted in ticks, a microsecond or, where numbers would become too large, a millisecond.
 *
 *   tokenBucket   in any span of w, at most `burst` and what grows in w: saves up to `burst`
 *   leakyBucket   the same with a burst of 1: evenly spaced
 *   fixedWindow   at most `limit` in each window, so in any span as long as a window at most twice that
 *
 * More than can be saved at once (a large batch) goes when all that can be saved is there, and is paid off afterwards.
 */
export interface Algorithm {
  readonly ticksPerMs: number;
  /** The most that can be there at once. */
  readonly most: number;
  /** Of a key that has not been used. */
  fresh(nowTicks: number): Level;
  /** Whole tokens that are there; negative while something is paid off. */
  available(level: Level, nowTicks: number): number;
  take(level: Level, cost: number, nowTicks: number): void;
  /** When `cost` can be taken by somebody before whom others take `ahead`. Not before `nowTicks`. */
  readyAt(level: Level, wanted: Wanted, nowTicks: number): number;
  /** From when on it is as if it had never been used. */
  fullAt(level: Level, nowTicks: number): number;
  /** A level of another rule of this kind, as it counts under this one: what is there is kept, up to the new most. */
  adopt(level: Level, from: Algorithm, nowTicks: number): Level;
}

/** What is left of a key's allowance. Of a bucket `amount` is what is in it at `at`; of a window what was used since `at`, its beginning. */
export interface Level {
  amount: number;
  at: number;
}

export interface Wanted {
  readonly cost: number;
  readonly ahead: number;
}

export interface RateRule {
  readonly limit: number;
  readonly everyMs: number;
  readonly burst: number;
}

/** Products of tokens and ticks stay below this, with room for what is paid off. */
const productMax = 2 ** 50;

/** What may be taken at once, and paid off afterwards. */
const costMax = bounds.batch.max;

function ticksPerMsFor({ limit, everyMs, burst }: RateRule): number {
  return everyMs * 1000 * Math.max(limit, burst, costMax) < productMax ? 1000 : 1;
}

export class Bucket implements Algorithm {
  readonly ticksPerMs: number;
  readonly most: number;
  /** A token in parts, and how many of them grow in a tick: both whole. */
  readonly #token: number;
  readonly #growth: number;

  constructor(rule: RateRule) {
    this.ticksPerMs = ticksPerMsFor(rule);
    this.most = rule.burst;
    const everyTicks = Math.ceil(rule.everyMs * this.ticksPerMs);
    const divisor = greatestCommonDivisor(rule.limit, everyTicks);
    this.#token = everyTicks / divisor;
    this.#growth = rule.limit / divisor;
  }

  fresh(nowTicks: number): Level {
    return { amount: this.#capacity, at: nowTicks };
  }

  available(level: Level, nowTicks: number): number {
    return Math.floor(this.#amount(level, nowTicks) / this.#token);
  }

  take(level: Level, cost: number, nowTicks: number): void {
    level.amount = this.#amount(level, nowTicks) - cost * this.#token;
    level.at = nowTicks;
  }

  readyAt(level: Level, { cost, ahead }: Wanted, nowTicks: number): number {
    const missing = (ahead + Math.min(cost, this.most)) * this.#token - this.#amount(level, nowTicks);
    return nowTicks + this.#ticksToGrow(missing);
  }

  fullAt(level: Level, nowTicks: number): number {
    return nowTicks + this.#ticksToGrow(this.#capacity - this.#amount(level, nowTicks));
  }

  adopt(level: Level, from: Bucket, nowTicks: number): Level {
    const theirNow = Math.floor((nowTicks / this.ticksPerMs) * from.ticksPerMs);
    const tokens = Math.min(from.#amount(level, Math.max(level.at, theirNow)) / from.#token, this.most);
    return { amount: Math.floor(tokens * this.#token), at: nowTicks };
  }

  get #capacity(): number {
    return this.most * this.#token;
  }

  #amount(level: Level, nowTicks: number): number {
    const elapsed = nowTicks - level.at;
    // Compared before it is multiplied: after a long time the product would not be exact.
    if (elapsed >= this.#ticksToGrow(this.#capacity - level.amount)) return this.#capacity;
    return level.amount + Math.max(0, elapsed) * this.#growth;
  }

  #ticksToGrow(parts: number): number {
    return parts <= 0 ? 0 : Math.ceil(parts / this.#growth);
  }
}

export class Window implements Algorithm {
  readonly ticksPerMs: number;
  readonly most: number;
  readonly #everyTicks: number;
  /** A beginning of windows, for keys that have none yet. */
  readonly #origin: number;

  constructor(rule: RateRule, nowMs: number) {
    this.ticksPerMs = ticksPerMsFor(rule);
    this.most = rule.limit;
    this.#everyTicks = Math.ceil(rule.everyMs * this.ticksPerMs);
    this.#origin = Math.floor(nowMs * this.ticksPerMs);
  }

  fresh(nowTicks: number): Level {
    return this.#rolled({ amount: 0, at: this.#origin }, nowTicks);
  }

  available(level: Level, nowTicks: number): number {
    return this.most - this.#rolled(level, nowTicks).amount;
  }

  take(level: Level, cost: number, nowTicks: number): void {
    const { amount, at } = this.#rolled(level, nowTicks);
    level.amount = amount + cost;
    level.at = at;
  }

  readyAt(level: Level, { cost, ahead }: Wanted, nowTicks: number): number {
    const { amount, at } = this.#rolled(level, nowTicks);
    const over = amount + ahead + Math.min(cost, this.most) - this.most;
    return over <= 0 ? nowTicks : at + Math.ceil(over / this.most) * this.#everyTicks;
  }

  fullAt(level: Level, nowTicks: number): number {
    const { amount, at } = this.#rolled(level, nowTicks);
    return amount === 0 ? nowTicks : at + Math.ceil(amount / this.most) * this.#everyTicks;
  }

  adopt(level: Level, from: Window, nowTicks: number): Level {
    const theirNow = Math.floor((nowTicks / this.ticksPerMs) * from.ticksPerMs);
    const { amount, at } = from.#rolled(level, Math.max(level.at, theirNow));
    return { amount, at: Math.min(nowTicks, Math.ceil((at / from.ticksPerMs) * this.ticksPerMs)) };
  }

  /** The window that `nowTicks` is in, with what is still to be paid off in it. */
  #rolled(level: Level, nowTicks: number): Level {
    const windows = Math.floor((nowTicks - level.at) / this.#everyTicks);
    if (windows <= 0) return level;
    return { amount: Math.max(0, level.amount - windows * this.most), at: level.at + windows * this.#everyTicks };
  }
}

function greatestCommonDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestCommonDivisor(other, one % other);
}
