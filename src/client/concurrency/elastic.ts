import type { Clock, Timer } from "../../base/clock.js";
import { defaults } from "../defaults.js";
import { decide, startOf } from "./controller.js";
import type { ControllerState, Range } from "./controller.js";
import type { Places } from "./places.js";

export interface ElasticParts {
  readonly range: Range;
  readonly places: Places;
  readonly clock: Clock;
  /** Messages that could be handled now, this consumer's share of them. */
  readonly waiting: () => Promise<number>;
  readonly running: () => number;
  /** There are more places than before. */
  readonly grown: () => void;
}

/** Looks once a second at what waits and how long handlers take, and changes the number of places by that. */
export class Elastic {
  readonly #parts: ElasticParts;
  #state: ControllerState;
  #atMs: number;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: ElasticParts) {
    this.#parts = parts;
    this.#state = startOf(parts.range);
    parts.places.now = this.#state.places;
    this.#atMs = parts.clock.monotonicMs();
    this.#wait();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #wait(): void {
    if (this.#stopped) return;
    this.#timer = this.#parts.clock.after(defaults.elastic.everyMs, () => void this.#look());
  }

  async #look(): Promise<void> {
    // When nobody can say what waits, it is as if it were what waited before.
    const waiting = await this.#parts.waiting().catch(() => this.#state.waiting);
    if (this.#stopped) return;
    this.#decide(waiting);
    this.#wait();
  }

  #decide(waiting: number): void {
    const { places, clock, range, running, grown } = this.#parts;
    const nowMs = clock.monotonicMs();
    const sample = { ...places.take(), elapsedMs: nowMs - this.#atMs, waiting, running: running() };
    this.#atMs = nowMs;
    this.#state = decide(this.#state, sample, range);
    const before = places.now;
    places.now = this.#state.places;
    if (places.now > before) grown();
  }
}
