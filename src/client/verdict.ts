import { MillraceError } from "../base/errors.js";
import type { Random } from "../base/random.js";
import { delayMs } from "./backoff.js";
import type { Policy } from "./channel.js";
import { shown } from "./checks.js";
import type { DeadReason } from "./dead-letters.js";
import { ruleFor } from "./retry-rule.js";
import type { RetryRule } from "./retry-rule.js";
import type { Settlement } from "./settlement.js";

/** What becomes of a delivery, decided by nothing but its outcome, its attempt and the rules. */
export type Verdict = { readonly kind: "done" } | Retry | Dead;

export interface Retry {
  readonly kind: "retry";
  readonly delayMs: number;
  /** Whether this counts as an attempt. */
  readonly counts: boolean;
  readonly error: unknown;
}

export interface Dead {
  readonly kind: "dead";
  readonly reason: DeadReason;
  readonly error: unknown;
}

export interface Rules {
  readonly policy: Policy;
  readonly rules: readonly RetryRule[];
  readonly random: Random;
}

export const doneVerdict: Verdict = { kind: "done" };

/** What a handler's result means. A result that is no settlement fails the delivery: `return later` must not pass for done. */
export function afterResult(result: unknown, attempt: number, rules: Rules): Verdict {
  if (result === undefined) return doneVerdict;
  if (!isSettlement(result)) {
    const message = `the handler returned ${shown(result)}; return nothing, done(), later(…) or reject(…)`;
    return afterError(new TypeError(message), attempt, rules);
  }
  if (result.kind === "done") return doneVerdict;
  if (result.kind === "reject")
    return { kind: "dead", reason: "rejected", error: new HandlersWord("Rejected", result.why) };
  const error = new HandlersWord("Later", result.why ?? "the handler asked for it to come later");
  const waitMs = result.delayMs ?? pauseMs(rules, undefined, attempt);
  if (!result.counts) return { kind: "retry", delayMs: waitMs, counts: false, error };
  if (attempt >= rules.policy.attempts) return { kind: "dead", reason: "attempts", error };
  return { kind: "retry", delayMs: waitMs, counts: true, error };
}

/** What an error of a handler means: its rule, or else the channel's policy. */
export function afterError(error: unknown, attempt: number, rules: Rules): Verdict {
  const rule = ruleFor(rules.rules, error);
  if (rule?.reject) return { kind: "dead", reason: "rejected", error };
  if (rule?.free) return { kind: "retry", delayMs: pauseMs(rules, rule, attempt), counts: false, error };
  if (attempt >= (rule?.attempts ?? rules.policy.attempts)) return { kind: "dead", reason: "attempts", error };
  return { kind: "retry", delayMs: pauseMs(rules, rule, attempt), counts: true, error };
}

/**
 * A delivery with more attempts than there are: each time its process died or its lease ended, and nobody was left to say
 * so. Undefined when the handler may have it.
 */
export function beforeHandler(attempt: number, rules: Rules): Verdict | undefined {
  if (attempt <= rules.policy.attempts) return undefined;
  const attemptsMax = rules.rules.reduce((most, rule) => Math.max(most, rule.attempts ?? 0), rules.policy.attempts);
  if (attempt <= attemptsMax) return undefined;
  const message = `the last of ${attemptsMax} attempts ended without an answer: the process died, or blocked its event loop longer than the lease`;
  return { kind: "dead", reason: "attempts", error: new MillraceError("LEASE_EXPIRED", message) };
}

/** A message that cannot become a value will not become one later either. */
export function afterReading(error: unknown): Verdict {
  const unreadable = error instanceof MillraceError && error.code === "PAYLOAD_UNREADABLE";
  return { kind: "dead", reason: unreadable ? "unreadable" : "schema", error };
}

function pauseMs(rules: Rules, rule: RetryRule | undefined, attempt: number): number {
  return delayMs(rule?.backoff ?? rules.policy.backoff, attempt, rules.random());
}

function isSettlement(result: unknown): result is Settlement {
  const kind = typeof result === "object" && result !== null && "kind" in result ? result.kind : undefined;
  return kind === "done" || kind === "later" || kind === "reject";
}

/** What a handler said on purpose. Shown as it is in a dead letter; a stack of ours would say nothing. */
export class HandlersWord extends Error {
  override readonly name: string;
  override readonly stack = "";

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}
