import { count, table } from "./table.js";

/** One thing counted at the end. */
export interface Check {
  readonly part: string;
  readonly what: string;
  readonly expected: number;
  /** Different ones found. */
  readonly found: number;
  /** Expected and not found. */
  readonly missing: number;
  /** Found once more than needed: harmless where the effect is idempotent, and shown. */
  readonly again: number;
  /** Found, and not expected. */
  readonly strangers: number;
}

export interface DeadLetters {
  readonly reason: string;
  readonly messages: number;
  readonly example: string;
}

export interface Result {
  readonly checks: readonly Check[];
  readonly deadLetters: readonly DeadLetters[];
  readonly busiest: readonly { readonly name: string; readonly events: number }[];
  readonly elapsedMs: number;
}

/** Nothing is missing, and nothing is there that was never sent. */
export function isWhole(checks: readonly Check[]): boolean {
  return checks.every((check) => check.missing === 0 && check.strangers === 0);
}

export function reportLines(result: Result): string[] {
  const { checks, deadLetters } = result;
  const rows = checks.map((check) => [
    check.part,
    check.what,
    ...[check.expected, check.found, check.missing, check.again].map((number) => count(number)),
  ]);
  const lines = ["", ...table([["", "counted", "expected", "found", "missing", "twice"], ...rows], 2)];
  if (deadLetters.length > 0) {
    const dead = deadLetters.map(({ reason, messages, example }) => [reason, `such as ${example}`, count(messages)]);
    lines.push("", "dead letters of the queue emails, by reason:", ...table(dead, 2).map((line) => `  ${line}`));
  }
  if (result.busiest.length > 0) {
    lines.push("", `busiest: ${result.busiest.map(({ name, events }) => `${name} ${count(events)}`).join(", ")}`);
  }
  return [...lines, "", verdict(result)];
}

function verdict({ checks, elapsedMs }: Result): string {
  const seconds = (elapsedMs / 1_000).toFixed(1);
  const again = checks.reduce((sum, check) => sum + check.again, 0);
  const twice =
    again === 0 ? "nothing was delivered twice" : `${count(again)} delivered twice and told apart by their ids`;
  if (isWhole(checks)) return `OK: every event is counted once per group: nothing was lost, ${twice}. ${seconds} s.`;
  const missing = checks.reduce((sum, check) => sum + check.missing, 0);
  const strangers = checks.reduce((sum, check) => sum + check.strangers, 0);
  return `FAILED: ${count(missing)} missing, ${count(strangers)} that nobody sent. ${seconds} s.`;
}
