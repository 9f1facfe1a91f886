import type { IncomingMessage } from "../driver.js";
import { storedFingerprint } from "./dead-letter-filter.js";
import { viewOf } from "./dead-letter-view.js";
import type { DeadCause } from "./dead-letters.js";
import type { Reading } from "./reading.js";

/** Causes told apart at most: errors whose messages differ in words are more than anybody reads. */
export const causesMax = 1_000;

/** Where letters are counted that have one more cause. */
export const otherCauses = "other";

interface Gathered {
  count: number;
  readonly first: IncomingMessage;
  firstFailedAtMs: number;
  lastFailedAtMs: number;
}

/** Counts dead letters by what they died of. Keeps one letter for each cause as its example. */
export class CauseCounter<T> {
  readonly #reading: Reading<T>;
  readonly #gathered = new Map<string, Gathered>();

  constructor(reading: Reading<T>) {
    this.#reading = reading;
  }

  add(stored: IncomingMessage): void {
    const fingerprint = this.#keyOf(storedFingerprint(stored));
    const letter = viewOf(stored, this.#reading);
    const firstMs = letter.firstFailedAt.getTime();
    const lastMs = letter.lastFailedAt.getTime();
    const known = this.#gathered.get(fingerprint);
    if (known === undefined) {
      const one = { count: 1, first: stored, firstFailedAtMs: firstMs, lastFailedAtMs: lastMs };
      this.#gathered.set(fingerprint, one);
      return;
    }
    known.count += 1;
    known.firstFailedAtMs = Math.min(known.firstFailedAtMs, firstMs);
    known.lastFailedAtMs = Math.max(known.lastFailedAtMs, lastMs);
  }

  /** The most frequent first. */
  causes(): DeadCause<T>[] {
    return [...this.#gathered]
      .map(([fingerprint, { count, first, firstFailedAtMs, lastFailedAtMs }]) => {
        const example = viewOf(first, this.#reading);
        const { name, message } = example.error;
        return {
          fingerprint,
          error: { name, message },
          count,
          firstFailedAt: new Date(firstFailedAtMs),
          lastFailedAt: new Date(lastFailedAtMs),
          example,
        };
      })
      .sort((one, other) => other.count - one.count);
  }

  #keyOf(fingerprint: string): string {
    return this.#gathered.has(fingerprint) || this.#gathered.size < causesMax ? fingerprint : otherCauses;
  }
}
