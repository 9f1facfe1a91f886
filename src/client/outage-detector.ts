import type { OutageRule } from "./outage-rule.js";

/** A message, and which attempt at it has failed. */
export interface Failed {
  readonly id: string;
  readonly attempt: number;
}

interface Failure {
  readonly fingerprint: string;
  readonly atMs: number;
  /** How many messages had been handled by then. */
  readonly handled: number;
}

/**
 * Tells an outage from poison by the last messages that were tried for the first time: an outage makes one after the other fail, all with the
 * same error. That a message fails again says nothing new, so poison that is left over when all else is done is no outage.
 * A success costs an addition; what is looked at, and kept, is at most the last `samples` failures.
 */
export class OutageDetector {
  readonly #rule: OutageRule;
  /** By message, the latest failure last. */
  readonly #failures = new Map<string, Failure>();
  #handled = 0;

  constructor(rule: OutageRule) {
    this.#rule = rule;
  }

  /** The id is asked for only where the message may have failed before: to make one costs more than all the rest. */
  handled(attempt: number, message: { readonly id: string }): void {
    this.#handled += 1;
    if (attempt > 1 && this.#failures.size > 0) this.#failures.delete(message.id);
  }

  /** True when, with this failure, the last messages look like an outage. `attempt`: 1 is the first. */
  failed({ id, attempt }: Failed, fingerprint: string, nowMs: number): boolean {
    if (attempt > 1) return false;
    this.#failures.set(id, { fingerprint, atMs: nowMs, handled: this.#handled });
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size <= this.#rule.samples) break;
      this.#failures.delete(oldest);
    }
    return this.#isOutage(fingerprint, nowMs);
  }

  /** Nothing that was before counts any more. */
  reset(): void {
    this.#failures.clear();
    this.#handled = 0;
  }

  #isOutage(fingerprint: string, nowMs: number): boolean {
    const { samples, share, withinMs } = this.#rule;
    if (this.#handled + this.#failures.size < samples) return false;
    let same = 0;
    let failures = 0;
    for (const failure of [...this.#failures.values()].reverse()) {
      failures += 1;
      const messages = failures + this.#handled - failure.handled;
      if (messages > samples || nowMs - failure.atMs > withinMs) break;
      if (failure.fingerprint === fingerprint) same += 1;
    }
    return same >= share * samples;
  }
}
