import type { StagedMessage } from "../driver.js";
import type { HeldDelivery } from "./held-delivery.js";
import { afterError, doneVerdict } from "./verdict.js";
import type { Rules, Verdict } from "./verdict.js";

/** Where the outcome of a handler goes. It ignores what comes after a delivery was concluded: the handler's time may have been over. */
export interface Outcomes<T> {
  /** Done, and nothing else to say: the way of nearly every message. */
  done(held: HeldDelivery<T>): void;
  decided(held: HeldDelivery<T>, verdict: Verdict, sends: readonly StagedMessage[]): void;
}

const noSends: readonly StagedMessage[] = [];

/** Hands a verdict on, after what the handler sent is staged. A send that failed makes the delivery fail. */
export function conclude<T>(
  held: HeldDelivery<T>,
  verdict: Verdict,
  to: { readonly outcomes: Outcomes<T>; readonly rules: Rules },
): void {
  const { outcomes, rules } = to;
  const { staging } = held;
  if (verdict.kind !== "done") return outcomes.decided(held, verdict, noSends);
  if (staging === undefined) return outcomes.done(held);
  const failed = (error: unknown): void => {
    outcomes.decided(held, afterError(error, held.attempt, rules), noSends);
  };
  try {
    const sends = staging.end();
    if (!(sends instanceof Promise)) return outcomes.decided(held, doneVerdict, sends);
    sends.then((staged) => outcomes.decided(held, doneVerdict, staged), failed);
  } catch (error) {
    failed(error);
  }
}
