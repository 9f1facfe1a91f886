import { checkBackoff } from "./backoff.js";
import type { Backoff } from "./backoff.js";
import { bounds } from "./defaults.js";
import { checkInteger, checkOptions, shown } from "./checks.js";

/** Any class of errors, also an abstract one. */
export type ErrorClass = abstract new (...args: never[]) => unknown;

/** Errors that have no class of their own, such as those of Node's network and files: `{ code: "ECONNREFUSED" }`. */
export interface ErrorCodeRule {
  readonly code: string;
}

/** What to do about an error. `free`: the failure is not counted as an attempt, and its pauses do not grow. */
export type RetryAction =
  | "reject"
  | {
      readonly attempts?: number | undefined;
      readonly backoff?: Backoff | undefined;
      readonly free?: boolean | undefined;
    };

/** What to do when a handler fails with errors of one class, or one code; made by `on`. */
export interface RetryRule {
  readonly error: ErrorClass | ErrorCodeRule;
  /** undefined: as the channel says. */
  readonly attempts: number | undefined;
  readonly backoff: Backoff | undefined;
  /** Straight to the dead letters. */
  readonly reject: boolean;
  /** Not counted: it comes again for as long as it takes. */
  readonly free: boolean;
}

const known = new Set(["attempts", "backoff", "free"]);
const plain = { attempts: undefined, backoff: undefined, reject: false, free: false };

/**
 * A rule for errors of a class, or with a `code`: `"reject"` sends the message straight to the dead letters; otherwise other
 * `attempts` or another `backoff` than the channel's, or `free: true` for failures that are not the message's fault and do not count.
 */
export function on(error: ErrorClass | ErrorCodeRule, then: RetryAction): RetryRule {
  if (typeof error !== "function") checkCode(error);
  if (then === "reject") return { ...plain, error, reject: true };
  const { attempts, backoff, free = false } = typeof then === "object" && then !== null ? then : {};
  if (attempts === undefined && backoff === undefined && !free)
    throw new TypeError('on: say "reject", or { attempts } or { backoff } or { free: true }');
  checkOptions(then, known, "on");
  checkCounting(attempts, free);
  if (backoff !== undefined) checkBackoff(backoff, "on: backoff");
  return { ...plain, error, attempts, backoff, free };
}

function checkCounting(attempts: unknown, free: unknown): void {
  if (typeof free !== "boolean") throw new TypeError(`on: free must be true or false, not ${shown(free)}`);
  if (free && attempts !== undefined)
    throw new TypeError("on: attempts that are free are not counted, so leave attempts out");
  if (attempts !== undefined) checkInteger(attempts, "on: attempts", bounds.attempts);
}

/** The first rule that fits. */
export function ruleFor(rules: readonly RetryRule[], error: unknown): RetryRule | undefined {
  return rules.find((rule) => fits(rule.error, error));
}

/** @throws TypeError that names `what` when they are no rules. */
export function checkRules(rules: unknown, what: string): asserts rules is readonly RetryRule[] {
  if (!Array.isArray(rules) || !rules.every((rule: unknown) => isRule(rule)))
    throw new TypeError(`${what} must be an array of rules made by on(ErrorClass, …)`);
}

/** What was thrown can be anything, and can throw when it is looked at. */
function fits(wanted: RetryRule["error"], error: unknown): boolean {
  try {
    if (typeof wanted === "function") return error instanceof wanted;
    return typeof error === "object" && error !== null && "code" in error && error.code === wanted.code;
  } catch {
    return false;
  }
}

function isRule(rule: unknown): boolean {
  return typeof rule === "object" && rule !== null && "error" in rule && "reject" in rule && "free" in rule;
}

function checkCode(error: unknown): void {
  const { code, ...rest } = (typeof error === "object" && error !== null ? error : {}) as Record<string, unknown>;
  if (typeof code === "string" && code !== "" && Object.keys(rest).length === 0) return;
  throw new TypeError(
    'on: the first argument must be a class of errors, such as RangeError, or { code: "ECONNREFUSED" }',
  );
}
