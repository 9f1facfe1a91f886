import { conclude } from "./conclusion.js";
import type { Outcomes } from "./conclusion.js";
import type { BatchHandler } from "./handler.js";
import type { HeldDelivery } from "./held-delivery.js";
import type { Reading } from "./reading.js";
import { isPromiseLike } from "./runner.js";
import type { Runner } from "./runner.js";
import type { RunnerParts } from "./work.js";
import { afterError, afterReading, afterResult, beforeHandler } from "./verdict.js";
import type { Rules } from "./verdict.js";

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
    const values: T[] = [];
    const readable: HeldDelivery<T>[] = [];
    for (const [index, held] of batch.entries()) {
      const value = this.#read(held);
      if (value === undefined) continue;
      if (value.value instanceof Promise) return this.#startLater(batch.slice(index), { values, readable });
      values.push(value.value);
      readable.push(held);
    }
    this.#call(values, readable);
  }

  /** Goes on with deliveries whose schema checks asynchronously. */
  #startLater(
    rest: readonly HeldDelivery<T>[],
    so: { readonly values: T[]; readonly readable: HeldDelivery<T>[] },
  ): void {
    const reading = rest.map(async (held) => {
      const read = this.#read(held);
      try {
        return read === undefined ? undefined : { held, value: await read.value };
      } catch (error) {
        conclude(held, afterReading(error), this.#to);
        return undefined;
      }
    });
    void Promise.all(reading).then((all) => {
      const read = all.filter((each) => each !== undefined);
      this.#call([...so.values, ...read.map((each) => each.value)], [...so.readable, ...read.map((each) => each.held)]);
    });
  }

  /** undefined when the handler must not have it, which settles it. */
  #read(held: HeldDelivery<T>): { readonly value: T | Promise<T> } | undefined {
    const tooOften = beforeHandler(held.attempt, this.#to.rules);
    if (tooOften !== undefined) {
      conclude(held, tooOften, this.#to);
      return undefined;
    }
    try {
      return { value: this.#reading.read(held.incoming.value) };
    } catch (error) {
      conclude(held, afterReading(error), this.#to);
      return undefined;
    }
  }

  #call(values: readonly T[], batch: readonly HeldDelivery<T>[]): void {
    if (batch.length === 0) return;
    let result: unknown;
    try {
      result = this.#handler(values, batch);
    } catch (error) {
      return this.#failed(batch, error);
    }
    if (!isPromiseLike(result)) return this.#returned(batch, result);
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
    if (held.concluded) return;
    if (result === undefined && held.staging === undefined) this.#to.outcomes.done(held);
    else conclude(held, afterResult(result, held.attempt, this.#to.rules), this.#to);
  }

  #failed(batch: readonly HeldDelivery<T>[], error: unknown): void {
    for (const held of batch) conclude(held, afterError(error, held.attempt, this.#to.rules), this.#to);
  }
}
