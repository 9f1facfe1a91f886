import { conclude } from "./conclusion.js";
import type { Outcomes } from "./conclusion.js";
import type { HeldHandler } from "./once-handler.js";
import type { HeldDelivery } from "./held-delivery.js";
import type { Reading } from "./reading.js";
import { isPromiseLike } from "./runner.js";
import type { Runner } from "./runner.js";
import type { RunnerParts } from "./work.js";
import { afterError, afterReading, afterResult, beforeHandler } from "./verdict.js";
import type { Rules, Verdict } from "./verdict.js";

/** Calls a handler with one delivery at a time. A handler that returns no promise costs none. */
export class SingleRunner<T> implements Runner<T> {
  readonly #handler: HeldHandler<T>;
  readonly #reading: Reading<T>;
  readonly #rules: Rules;
  readonly #outcomes: Outcomes<T>;

  constructor(handler: HeldHandler<T>, parts: RunnerParts<T>) {
    this.#handler = handler;
    this.#reading = parts.reading;
    this.#rules = parts.rules;
    this.#outcomes = parts.outcomes;
  }

  start(batch: readonly HeldDelivery<T>[]): void {
    for (const held of batch) this.startOne(held);
  }

  startOne(held: HeldDelivery<T>): void {
    const tooOften = beforeHandler(held.attempt, this.#rules);
    if (tooOften !== undefined) return this.#conclude(held, tooOften);
    let value: T | Promise<T>;
    try {
      value = this.#reading.read(held.incoming.value);
    } catch (error) {
      return this.#conclude(held, afterReading(error));
    }
    if (!(value instanceof Promise)) return this.#call(value, held);
    value.then(
      (checked) => this.#call(checked, held),
      (error: unknown) => this.#conclude(held, afterReading(error)),
    );
  }

  #call(value: T, held: HeldDelivery<T>): void {
    held.keep(value);
    const handler = this.#handler;
    let result: unknown;
    try {
      result = handler(value, held);
      // A `then` of somebody's own may throw, too.
      if (isPromiseLike(result)) return this.#wait(held, result);
    } catch (error) {
      return this.#failed(held, error);
    }
    if (result === undefined && held.staging === undefined) return this.#outcomes.done(held);
    this.#returned(held, result);
  }

  #wait(held: HeldDelivery<T>, result: PromiseLike<unknown>): void {
    result.then(
      (settled) => this.#returned(held, settled),
      (error: unknown) => this.#failed(held, error),
    );
  }

  #returned(held: HeldDelivery<T>, result: unknown): void {
    this.#conclude(held, afterResult(result, held.attempt, this.#rules));
  }

  #failed(held: HeldDelivery<T>, error: unknown): void {
    this.#conclude(held, afterError(error, held.attempt, this.#rules));
  }

  #conclude(held: HeldDelivery<T>, verdict: Verdict): void {
    conclude(held, verdict, { outcomes: this.#outcomes, rules: this.#rules });
  }
}
