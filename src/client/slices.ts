import type { Clock } from "../base/clock.js";

/**
 * Handlers that return no promise could keep the process from everything else: no timer would fire, no lease be renewed.
 * After this long, everybody else has a turn.
 */
const sliceMs = 10;

/** Steps between two looks at the clock. */
const stepsPerLook = 8;

/** Takes steps as long as there are any, in slices of time. */
export class Slices {
  readonly #clock: Clock;
  readonly #step: () => boolean;
  #busy = false;
  #startMs = 0;

  /** @param step does one thing; false when there is nothing to do */
  constructor(clock: Clock, step: () => boolean) {
    this.#clock = clock;
    this.#step = step;
  }

  /** When the slice began, monotonic: near enough to now for handlers' timeouts. */
  get startMs(): number {
    return this.#startMs;
  }

  /** Does what there is to do now. Called from within a step, it leaves that to the loop that is running. */
  run(): void {
    if (this.#busy) return;
    this.#busy = true;
    this.#startMs = this.#clock.monotonicMs();
    let steps = 0;
    while (this.#step()) {
      steps += 1;
      if (steps % stepsPerLook !== 0 || this.#clock.monotonicMs() - this.#startMs < sliceMs) continue;
      // Stays busy meanwhile: whatever ends in the pause finds the next slice waiting.
      this.#clock.soon(() => {
        this.#busy = false;
        this.run();
      });
      return;
    }
    this.#busy = false;
  }
}
