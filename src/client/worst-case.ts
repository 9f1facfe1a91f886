import { durationMs } from "../base/duration.js";
import type { Duration } from "../base/duration.js";
import { delayMs } from "./backoff.js";
import type { Policy } from "./channel.js";
import { checkOptions } from "./checks.js";
import { defaults } from "./defaults.js";
import { checkRules } from "./retry-rule.js";
import type { RetryRule } from "./retry-rule.js";

/** Those of the options of `handle` that it depends on. */
export interface WorstCaseOptions {
  readonly timeout?: Duration | undefined;
  readonly retry?: readonly RetryRule[] | undefined;
}

const known = new Set(["timeout", "retry"]);

/**
 * How long a message may take from its first delivery until it is handled or a dead letter, in milliseconds: every attempt up to
 * its timeout, every pause as long as jitter allows, whichever rules fit. Infinity with a rule that does not count.
 * Not in it: how long it waits for somebody to be free, what a handler puts off with `later`, and outages.
 */
export function worstCaseMs(channel: { readonly policy: Policy }, options: WorstCaseOptions = {}): number {
  checkOptions(options, known, "worstCaseMs");
  const { timeout = defaults.handlerTimeoutMs, retry = [] } = options;
  checkRules(retry, "worstCaseMs: retry");
  const timeoutMs = durationMs(timeout, "worstCaseMs: timeout");
  const { policy } = channel;
  if (retry.some((rule) => rule.free)) return Infinity;
  const attempts = Math.max(policy.attempts, ...retry.map((rule) => rule.attempts ?? 0));
  const backoffs = [policy.backoff, ...retry.flatMap((rule) => rule.backoff ?? [])];
  let worstMs = attempts * timeoutMs;
  for (let pause = 1; pause < attempts; pause++) {
    worstMs += Math.max(...backoffs.map((backoff) => delayMs(backoff, pause, 1)));
  }
  return worstMs;
}
