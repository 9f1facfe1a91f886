import { durationMs } from "../base/duration.js";
import type { Duration } from "../base/duration.js";
import { checkOptions } from "./checks.js";

/** How long to wait between attempts. Plain data: see `exponential` and `fixed`. */
export interface Backoff {
  /** The pause before the first retry, before jitter. */
  readonly firstMs: number;
  /** What each further pause is multiplied by. */
  readonly factor: number;
  readonly maxMs: number;
  /** "full": anywhere between none and the whole pause, which spreads a crowd of messages that failed together. */
  readonly jitter: "full" | "none";
}

export interface BackoffOptions {
  /** Default 2. */
  readonly factor?: number | undefined;
  /** Default "full". */
  readonly jitter?: "full" | "none" | undefined;
}

const known = new Set(["factor", "jitter"]);

/**
 * Pauses that grow from `first` by `factor`, to at most `max`.
 * @throws TypeError when `first` is over `max`, or the factor is under 1.
 */
export function exponential(first: Duration, max: Duration, options: BackoffOptions = {}): Backoff {
  checkOptions(options, known, "exponential");
  const { factor = 2, jitter = "full" } = options;
  const firstMs = durationMs(first, "exponential: first");
  const maxMs = durationMs(max, "exponential: max");
  if (firstMs > maxMs) throw new TypeError(`exponential: first (${firstMs} ms) must not be over max (${maxMs} ms)`);
  if (!(factor >= 1 && Number.isFinite(factor)))
    throw new TypeError(`exponential: factor must be 1 or more, not ${factor}`);
  if (jitter !== "full" && jitter !== "none")
    throw new TypeError(`exponential: jitter must be "full" or "none", not ${String(jitter)}`);
  return { firstMs, factor, maxMs, jitter };
}

/** The same pause every time, without jitter. */
export function fixed(delay: Duration): Backoff {
  const firstMs = durationMs(delay, "fixed: delay");
  return { firstMs, factor: 1, maxMs: firstMs, jitter: "none" };
}

/**
 * The pause before retry number `retry` (1 is the first retry), in whole milliseconds.
 * Pure: to ask does not move anything.
 * @param random in [0, 1)
 */
export function delayMs(backoff: Backoff, retry: number, random: number): number {
  const grownMs = Math.min(backoff.firstMs * backoff.factor ** (retry - 1), backoff.maxMs);
  return Math.floor(backoff.jitter === "full" ? grownMs * random : grownMs);
}

/** @throws TypeError when `backoff` was not made by `exponential` or `fixed`. */
export function checkBackoff(backoff: unknown, what: string): asserts backoff is Backoff {
  const { firstMs, factor, maxMs, jitter } = (
    typeof backoff === "object" && backoff !== null ? backoff : {}
  ) as Partial<Backoff>;
  const numbers = [firstMs, factor, maxMs].every((each) => typeof each === "number" && each >= 0 && each < Infinity);
  if (!numbers || (jitter !== "full" && jitter !== "none")) {
    throw new TypeError(`${what} must be made by exponential("1s", "5m") or fixed("10s")`);
  }
}
