import type { CompleteRule } from "./alert-rule.js";

/** What a look has changed. */
export type Turn = "fired" | "resolved" | undefined;

/**
 * One thing that a rule watches.
 *
 *   quiet ──▶ pending ──▶ firing ──▶ quiet
 *     ▲          │
 *     └──────────┘
 *
 * pending: above the threshold, and not yet for long enough. Firing ends at `resolveAt`, which may be lower than where it began:
 * a value that goes up and down at the threshold fires once.
 */
export class AlertState {
  readonly #rule: Pick<CompleteRule, "above" | "resolveAt" | "forMs">;
  #mode: "quiet" | "pending" | "firing" = "quiet";
  #sinceMs = 0;

  constructor(rule: Pick<CompleteRule, "above" | "resolveAt" | "forMs">) {
    this.#rule = rule;
  }

  get isFiring(): boolean {
    return this.#mode === "firing";
  }

  get isQuiet(): boolean {
    return this.#mode === "quiet";
  }

  see(value: number, nowMs: number): Turn {
    const { above, resolveAt, forMs } = this.#rule;
    if (this.#mode === "firing") {
      if (value > resolveAt) return undefined;
      this.#mode = "quiet";
      return "resolved";
    }
    if (value <= above) {
      this.#mode = "quiet";
      return undefined;
    }
    if (this.#mode === "quiet") {
      this.#mode = "pending";
      this.#sinceMs = nowMs;
    }
    if (nowMs - this.#sinceMs < forMs) return undefined;
    this.#mode = "firing";
    return "fired";
  }
}
