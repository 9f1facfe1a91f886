import type { Clock } from "../../base/clock.js";
import { durationMs } from "../../base/duration.js";
import type { Duration } from "../../base/duration.js";
import { checkInteger, checkOptions, shown } from "../checks.js";
import { bounds, defaults } from "../defaults.js";
import { Bucket, Window } from "./algorithm.js";
import type { Algorithm, RateRule } from "./algorithm.js";
import { Limiter, whole } from "./limiter.js";

/** What a limit counts apart: the key's own, or one of your making. It must be quick, and the same for the same value. */
export type RateKey<T> = (value: T, key: string | undefined) => string;

export interface RateOptions<T> {
  /** How many messages, 1 to a million. */
  readonly limit: number;
  /** In which time. From "1ms" to "30d". */
  readonly every: Duration;
  /** Each key has the limit for itself. Default: one limit for all. */
  readonly per?: RateKey<T> | undefined;
  /** How many keys are told apart at once, default 100,000: those beyond share one allowance, so none gets more than the limit. */
  readonly keysMax?: number | undefined;
}

export interface TokenBucketOptions<T> extends RateOptions<T> {
  /** How many may go at once after a pause. Default: `limit`. */
  readonly burst?: number | undefined;
}

/** What can be changed while it is in use: what is not named stays. */
export interface RateChange {
  readonly limit?: number | undefined;
  readonly every?: Duration | undefined;
  /** Of a token bucket. */
  readonly burst?: number | undefined;
}

/**
 * How often something may happen, made by `tokenBucket`, `leakyBucket` or `fixedWindow`. Used in several places, all of them share it:
 * two consumers with the same limit stay under it together. It counts in this process, and with the monotonic clock:
 * a wall clock that is set changes nothing.
 */
export interface RateLimit<T = unknown> {
  readonly kind: "token bucket" | "leaky bucket" | "fixed window";
  readonly limit: number;
  readonly everyMs: number;
  readonly burst: number;
  readonly per: RateKey<T> | undefined;
  /** How many wait for it now: sends, and calls of handlers. */
  readonly waiting: number;
  /** Keys that are told apart now. A key is forgotten once its allowance is whole again. */
  readonly keys: number;
  /** How many times a message had to do with the allowance that keys beyond `keysMax` share. */
  readonly overflows: number;
  /** Takes effect at once, for those who wait too. What is left of an allowance is kept, up to the new burst. */
  set(change: RateChange): void;
}

const known = new Set(["limit", "every", "per", "keysMax"]);
const knownOfBuckets = new Set([...known, "burst"]);
const changeable = new Set(["limit", "every"]);
const changeableOfBuckets = new Set([...changeable, "burst"]);

/** `limit` messages every `every` in the long run, and up to `burst` at once after a pause: in any span of w, no more than `burst` and what grows in w. */
export function tokenBucket<T = unknown>(options: TokenBucketOptions<T>): RateLimit<T> {
  checkOptions(options, knownOfBuckets, "tokenBucket");
  return new SharedRateLimit("token bucket", options, options.burst);
}

/** Evenly spaced: one message every `every` / `limit`, and nothing is saved up in a pause. */
export function leakyBucket<T = unknown>(options: RateOptions<T>): RateLimit<T> {
  checkOptions(options, known, "leakyBucket");
  return new SharedRateLimit("leaky bucket", options, 1);
}

/** At most `limit` in each window of `every`; windows begin when the limit is first used. Around the end of a window, twice the limit may go in a short time. */
export function fixedWindow<T = unknown>(options: RateOptions<T>): RateLimit<T> {
  checkOptions(options, known, "fixedWindow");
  return new SharedRateLimit("fixed window", options, options.limit);
}

export class SharedRateLimit<T> implements RateLimit<T> {
  readonly kind: RateLimit["kind"];
  readonly per: RateKey<T> | undefined;
  readonly #keysMax: number;
  #rule: RateRule;
  /** One for each clock it is used with: in a program one, in tests some. */
  readonly #limiters = new Map<Clock, Limiter>();

  constructor(kind: RateLimit["kind"], options: RateOptions<T>, burst: number | undefined) {
    const { limit, every, per, keysMax = defaults.rate.keysMax } = options;
    checkInteger(keysMax, `${kind}: keysMax`, bounds.count);
    if (per !== undefined && typeof per !== "function")
      throw new TypeError(`${kind}: per must be a function that makes a key of a value, not ${shown(per)}`);
    this.kind = kind;
    this.per = per;
    this.#keysMax = keysMax;
    this.#rule = completeRule(kind, { limit, every, burst: burst ?? limit });
  }

  get limit(): number {
    return this.#rule.limit;
  }

  get everyMs(): number {
    return this.#rule.everyMs;
  }

  get burst(): number {
    return this.#rule.burst;
  }

  get waiting(): number {
    return this.#sum((limiter) => limiter.waiters);
  }

  get keys(): number {
    return this.per === undefined ? 0 : this.#sum((limiter) => limiter.keys);
  }

  get overflows(): number {
    return this.#sum((limiter) => limiter.overflows);
  }

  set(change: RateChange): void {
    const what = `${this.kind}.set`;
    checkOptions(change, this.kind === "token bucket" ? changeableOfBuckets : changeable, what);
    const { limit = this.limit, every = this.everyMs } = change;
    const burst = change.burst ?? (this.kind === "fixed window" ? limit : this.burst);
    this.#rule = completeRule(what, { limit, every, burst });
    for (const [clock, limiter] of this.#limiters) limiter.change(this.#algorithm(clock));
  }

  /** What hands it out on one clock. */
  on(clock: Clock): Limiter {
    const known = this.#limiters.get(clock);
    if (known !== undefined) return known;
    const limiter = new Limiter(clock, { algorithm: this.#algorithm(clock), keysMax: this.#keysMax });
    this.#limiters.set(clock, limiter);
    return limiter;
  }

  /** What of a message is counted. */
  keyOf(value: T, key: string | undefined): string {
    if (this.per === undefined) return whole;
    const counted: unknown = this.per(value, key);
    if (typeof counted === "string") return counted;
    throw new TypeError(`${this.kind}: per must return a string, not ${shown(counted)}`);
  }

  #algorithm(clock: Clock): Algorithm {
    return this.kind === "fixed window" ? new Window(this.#rule, clock.monotonicMs()) : new Bucket(this.#rule);
  }

  #sum(figure: (limiter: Limiter) => number): number {
    return [...this.#limiters.values()].reduce((total, limiter) => total + figure(limiter), 0);
  }
}

/** @throws TypeError when it was not made by one of the functions above. */
export function checkRate<T>(rate: RateLimit<T>, what: string): SharedRateLimit<T> {
  if (rate instanceof SharedRateLimit) return rate;
  throw new TypeError(`${what} must be made by tokenBucket(…), leakyBucket(…) or fixedWindow(…), not ${shown(rate)}`);
}

function completeRule(
  what: string,
  given: { readonly limit: number; readonly every: Duration; readonly burst: number },
): RateRule {
  const { limit, every, burst } = given;
  checkInteger(limit, `${what}: limit`, bounds.rate);
  checkInteger(burst, `${what}: burst`, bounds.rate);
  const everyMs = durationMs(every, `${what}: every`);
  const { min, max } = bounds.rateEveryMs;
  if (everyMs < min || everyMs > max)
    throw new TypeError(`${what}: every must be from "1ms" to "30d", not ${shown(every)}`);
  return { limit, everyMs, burst };
}
