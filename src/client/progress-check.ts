import type { Clock, Timer } from "../base/clock.js";
import { hasCode } from "../base/errors.js";
import { within } from "./time-limit.js";

/** What is looked at. */
export interface Progress {
  /** How many times it has been asked for messages; undefined while it is not waiting for any. */
  asking(): number | undefined;
  /** What could be handed out, in words; undefined when there is nothing, or nobody can tell. */
  waiting(): Promise<string | undefined>;
  /** It waits for messages, there are some, and none has come; or nobody answers what there is. */
  stuck(why: string): void;
}

/**
 * Judges a consumer by what it gets: one that has waited for a whole period while messages wait for it has been forgotten by
 * its broker, whatever its connection looks like. Costs a timer and a look at a number or two a period, and nothing a message.
 */
export class ProgressCheck {
  readonly #progress: Progress;
  readonly #clock: Clock;
  readonly #periodMs: number;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(progress: Progress, clock: Clock, periodMs: number) {
    this.#progress = progress;
    this.#clock = clock;
    this.#periodMs = periodMs;
    this.#wait(undefined);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #wait(before: number | undefined): void {
    if (this.#stopped) return;
    this.#timer = this.#clock.after(this.#periodMs, () => void this.#look(before));
  }

  async #look(before: number | undefined): Promise<void> {
    const asking = this.#progress.asking();
    if (asking !== undefined && asking === before) await this.#compare(asking);
    this.#wait(asking);
  }

  /** Twice the same question unanswered. Messages that came while we looked are none that were held back: those come again next time. */
  async #compare(asking: number): Promise<void> {
    const why = await this.#found();
    if (why !== undefined && !this.#stopped && this.#progress.asking() === asking) this.#progress.stuck(why);
  }

  /** A broker that refuses to say what there is may still hand it out; one that does not answer at all does nothing else either. */
  async #found(): Promise<string | undefined> {
    const limit = { clock: this.#clock, ms: this.#periodMs, what: "saying how much waits" };
    return within(this.#progress.waiting(), limit).catch((error: unknown) =>
      hasCode(error, "TIMEOUT") ? error.message : undefined,
    );
  }
}
