import { checkBackoff } from "./backoff.js";
import type { Backoff } from "./backoff.js";
import { bounds } from "./defaults.js";
import { checkInteger, checkOptions } from "./checks.js";

/** Any class of errors, also an abstract one. */
export type ErrorClass = abstract new (...args: never[]) => unknown;

/** What to do when a handler fails with errors of one class; made by `on`. */
export interface RetryRule {
  readonly errorClass: ErrorClass;
  /** undefined: as the channel says. */
  readonly attempts: number | undefined;
  readonly backoff: Backoff | undefined;
  /** Straight to the dead letters. */
  readonly reject: boolean;
}

const known = new Set(["attempts", "backoff"]);

/**
 * A rule for errors of `errorClass`: `"reject"` sends the message straight to the dead letters;
 * otherwise other `attempts` or another `backoff` than the channel's.
 */
export function on(
  errorClass: ErrorClass,
  then: "reject" | { readonly attempts?: number; readonly backoff?: Backoff },
): RetryRule {
  if (typeof errorClass !== "function")
    throw new TypeError("on: the first argument must be a class of errors, such as RangeError");
  if (then === "reject") return { errorClass, attempts: undefined, backoff: undefined, reject: true };
  const { attempts, backoff } = typeof then === "object" && then !== null ? then : {};
  if (attempts === undefined && backoff === undefined)
    throw new TypeError('on: say "reject", or { attempts } or { backoff }');
  checkOptions(then, known, "on");
  if (attempts !== undefined) checkInteger(attempts, "on: attempts", bounds.attempts);
  if (backoff !== undefined) checkBackoff(backoff, "on: backoff");
  return { errorClass, attempts, backoff, reject: false };
}

/** The first rule that fits. */
export function ruleFor(rules: readonly RetryRule[], error: unknown): RetryRule | undefined {
  return rules.find((rule) => error instanceof rule.errorClass);
}

/** @throws TypeError that names `what` when they are no rules. */
export function checkRules(rules: unknown, what: string): asserts rules is readonly RetryRule[] {
  if (!Array.isArray(rules) || !rules.every((rule: unknown) => isRule(rule)))
    throw new TypeError(`${what} must be an array of rules made by on(ErrorClass, …)`);
}

function isRule(rule: unknown): boolean {
  return typeof rule === "object" && rule !== null && "errorClass" in rule && "reject" in rule;
}
