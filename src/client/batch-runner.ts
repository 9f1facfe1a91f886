import { conclude } from "./conclusion.js";
import type { Outcomes } from "./conclusion.js";
import type { BatchHandler } from "./handler.js";
import type { HeldDelivery } from "./held-delivery.js";
import type { Reading } from "./reading.js";
import { isPromiseLike } from "./runner.js";
import type { Runner } from "./runner.js";
import type { RunnerParts } from "./work.js";
import { afterError, afterReading, afterResult, beforeHandler } from "./verdict.js";
import type { Rules, Verdict } from "./verdict.js";

/** Calls a handler with many deliveries at a time; each has an outcome of its own. */
export class BatchRunner<T> implements Runner<T> {
  readonly #handler: BatchHandler<T>;
  readonly #reading: Reading<T>;
  readonly #to: { readonly outcomes: Outcomes<T>; readonly rules: Rules };

  constructor(handler: BatchHandler<T>, parts: RunnerParts<T>) {
    this.#handler = handler;
    this.#reading = parts.reading;
    this.#to = parts;
  }

  start(batch: readonly HeldDelivery<T>[]): void {
    const waits: Promise<void>[] = [];
    for (const held of batch) {
      const wait = this.#read(held);
      if (wait !== undefined) waits.push(wait);
    }
    if (waits.length === 0) this.#call(batch);
    else void Promise.all(waits).then(() => this.#call(batch));
  }

  /** Gives it its value, or settles it when the handler must not have it. A promise, which never rejects, when its schema takes time. */
  #read(held: HeldDelivery<T>): Promise<void> | undefined {
    const tooOften = beforeHandler(held.attempt, this.#to.rules);
    if (tooOften !== undefined) return this.#refuse(held, tooOften);
    try {
      const value = this.#reading.read(held.incoming.value);
      if (!(value instanceof Promise)) return held.keep(value);
      return value.then(
        (checked) => held.keep(checked),
        (error: unknown) => this.#refuse(held, afterReading(error)),
      );
    } catch (error) {
      return this.#refuse(held, afterReading(error));
    }
  }

  #refuse(held: HeldDelivery<T>, verdict: Verdict): undefined {
    conclude(held, verdict, this.#to);
  }

  #call(all: readonly HeldDelivery<T>[]): void {
    const batch = all.every((held) => held.hasValue) ? all : all.filter((held) => held.hasValue);
    if (batch.length === 0) return;
    const handler = this.#handler;
    let result: unknown;
    try {
      result = handler(
        batch.map((held) => held.value as T),
        batch,
      );
      // A `then` of somebody's own may throw, too.
      if (isPromiseLike(result)) return this.#wait(batch, result);
    } catch (error) {
      return this.#failed(batch, error);
    }
    this.#returned(batch, result);
  }

  #wait(batch: readonly HeldDelivery<T>[], result: PromiseLike<unknown>): void {
    result.then(
      (settled) => this.#returned(batch, settled),
      (error: unknown) => this.#failed(batch, error),
    );
  }

  #returned(batch: readonly HeldDelivery<T>[], result: unknown): void {
    if (result === undefined) {
      for (const held of batch) this.#decide(held, undefined);
    } else if (Array.isArray(result) && result.length === batch.length) {
      for (const [index, held] of batch.entries()) this.#decide(held, result[index]);
    } else {
      const got = Array.isArray(result) ? `${result.length} settlements` : "something that is no array";
      this.#failed(
        batch,
        new TypeError(
          `the handler got ${batch.length} messages and returned ${got}; return nothing, or one settlement for each`,
        ),
      );
    }
  }

  #decide(held: HeldDelivery<T>, result: unknown): void {
    if (result === undefined && held.staging === undefined) this.#to.outcomes.done(held);
    else conclude(held, afterResult(result, held.attempt, this.#to.rules), this.#to);
  }

  #failed(batch: readonly HeldDelivery<T>[], error: unknown): void {
    for (const held of batch) conclude(held, afterError(error, held.attempt, this.#to.rules), this.#to);
  }
}
