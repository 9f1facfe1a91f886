import type { Clock } from "../base/clock.js";
import { defaults } from "./defaults.js";

/**
 * How many deliveries a consumer of a stream holds: as many as it gets done in a moment. What it holds it keeps from other members, and
 * when a partition moves to one of them, that has to wait for it; too little, and it would ask for each event by itself.
 */
export class Ahead {
  readonly #clock: Clock;
  readonly #least: number;
  #most: number;
  #ended = 0;
  #adaptedAtMs: number;

  /** @param least one call under way, and one ready, for each place */
  constructor(clock: Clock, least: number) {
    this.#clock = clock;
    this.#least = least;
    this.#most = least;
    this.#adaptedAtMs = clock.monotonicMs();
  }

  /** How many it may hold. */
  get most(): number {
    return this.#most;
  }

  /** How many it may hold at the very most, while it finds nothing among them that it could begin. */
  get limit(): number {
    return Math.max(this.#least, defaults.stream.aheadMax);
  }

  /** One is through. */
  ended(): void {
    this.#ended += 1;
  }

  /** Decides anew, by how many have ended since it was decided last. */
  adapt(): void {
    if (this.#ended === 0) return;
    const nowMs = this.#clock.monotonicMs();
    const perMs = this.#ended / (nowMs - this.#adaptedAtMs);
    const { aheadMs, aheadMax } = defaults.stream;
    this.#most = Math.max(this.#least, Math.floor(Math.min(perMs * aheadMs, aheadMax)));
    this.#adaptedAtMs = nowMs;
    this.#ended = 0;
  }
}
