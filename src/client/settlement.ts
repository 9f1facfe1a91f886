import { durationMs } from "../base/duration.js";
import type { Duration } from "../base/duration.js";
import { checkOptions } from "./checks.js";

/** What a handler decided about a message. Made by `done`, `later` and `reject`. */
export type Settlement =
  | { readonly kind: "done" }
  | {
      readonly kind: "later";
      /** undefined: by the channel's backoff. */
      readonly delayMs: number | undefined;
      readonly why: string | undefined;
      readonly counts: boolean;
    }
  | { readonly kind: "reject"; readonly why: string };

const laterOptions = new Set(["free"]);

const isDone: Settlement = { kind: "done" };

/** The message is dealt with, as when the handler returns nothing. */
export function done(): Settlement {
  return isDone;
}

/**
 * Not now: the message comes back after `delay` (default: the channel's backoff) and this counts as a failed attempt,
 * unless `free` is set. `why` is the error a dead letter shows when the attempts are used up.
 */
export function later(delay?: Duration, why?: string, options: { readonly free?: boolean } = {}): Settlement {
  checkOptions(options, laterOptions, "later");
  if (why !== undefined && typeof why !== "string")
    throw new TypeError(`later: why must be a string, not ${typeof why}`);
  return {
    kind: "later",
    delayMs: delay === undefined ? undefined : durationMs(delay, "later: delay"),
    why,
    counts: options.free !== true,
  };
}

/** Never: the message goes straight to the dead letters, with `why` as the reason a person will read. */
export function reject(why: string): Settlement {
  if (typeof why !== "string" || why === "")
    throw new TypeError("reject: say why, for the person who reads the dead letter");
  return { kind: "reject", why };
}
