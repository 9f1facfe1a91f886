import type { HeldDelivery } from "./held-delivery.js";

/** Calls a handler with deliveries and reports the outcome of each, perhaps before `start` returns. Never throws. */
export interface Runner<T> {
  start(batch: readonly HeldDelivery<T>[]): void;
}

/** What a handler returned, if it has to be waited for. Any object with a `then` will do, as with `await`. */
export function isPromiseLike(result: unknown): result is PromiseLike<unknown> {
  return typeof result === "object" && result !== null && "then" in result && typeof result.then === "function";
}
