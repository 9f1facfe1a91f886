import type { Channel } from "../channel.js";
import { checkInteger, checkOneOf, checkOptions } from "../checks.js";
import { bounds, defaults } from "../defaults.js";
import { checkRate } from "./rate-limit.js";
import type { RateLimit, SharedRateLimit } from "./rate-limit.js";

export interface SendRateOptions {
  /** What a send does that is over the limit. "wait" (default): until it is its turn. "reject": with RATE_LIMITED, and `retryAfterMs` says when. */
  readonly whenOver?: "wait" | "reject" | undefined;
  /** How many sends may wait at once, default 100,000: what comes then is refused with RATE_LIMITED. */
  readonly waitingMax?: number | undefined;
}

/** How often may be sent to a channel, complete. */
export interface ChannelRate<T> {
  readonly limit: SharedRateLimit<T>;
  readonly whenOver: "wait" | "reject";
  readonly waitingMax: number;
}

const known = new Set(["whenOver", "waitingMax"]);

/**
 * The same channel for those who may send to it only so often: what is sent through what this returns counts, in this process.
 * Each message costs a token, in `sendAll` and `load` too; in a transaction or through a delivery it is spent when it is staged.
 * @throws TypeError for wrong arguments.
 */
export function rateLimit<T, C extends Channel<T>>(
  channel: C & Channel<T>,
  limit: RateLimit<NoInfer<T>>,
  options: SendRateOptions = {},
): C {
  const what = `rateLimit ${channel?.kind} "${channel?.name}"`;
  checkOptions(options, known, what);
  const { whenOver = "wait", waitingMax = defaults.rate.waitingMax } = options;
  checkOneOf(whenOver, ["wait", "reject"], `${what}: whenOver`);
  checkInteger(waitingMax, `${what}: waitingMax`, bounds.count);
  const rate: ChannelRate<T> = { limit: checkRate<T>(limit, `${what}: limit`), whenOver, waitingMax };
  return Object.freeze({ ...channel, rate });
}
