import { durationMs } from "../base/duration.js";
import type { Duration } from "../base/duration.js";
import type { Driver } from "../driver.js";
import type { Channel } from "./channel.js";
import { checkOptions, shown } from "./checks.js";
import type { Message } from "./message.js";
import { requireAbility } from "./support.js";

/** Keeps what was done where the effects are, so that both commit together: a table with a unique key in your own database. */
export interface IdempotencyStore<T = unknown> {
  /** What makes two messages the same. Default: the message's id. */
  readonly by?: ((message: Message<T>) => string) | undefined;
  /**
   * In one transaction: notes `key`, calls `effect`, which runs the handler, and commits; resolves with true. Where `key` had been noted
   * before, resolves with false and calls nothing. Rejects, with nothing noted and nothing done, when `effect` rejects. Of two calls with
   * the same key at once, the second waits for the first, or rejects and is tried again.
   */
  once(key: string, effect: () => Promise<void>): Promise<boolean>;
}

/** Keeps what was done in the channel's own group: a mark commits with the settlement and all that was sent through the delivery. */
export interface OnceOptions<T = unknown> {
  /** What makes two messages the same. Said of the handler's group only. */
  readonly by: (message: Message<T>) => string;
  /** How long it is remembered that a message was handled; the same for all consumers of a group. */
  readonly keep: Duration;
}

/** With every check done. */
export type Once<T> =
  | { readonly kind: "store"; readonly by: (message: Message<T>) => string; readonly store: IdempotencyStore<T> }
  | { readonly kind: "marks"; readonly by: (message: Message<T>) => string; readonly keepMs: number };

const known = new Set(["by", "keep"]);

/** @throws TypeError for wrong options; MillraceError NOT_SUPPORTED where the driver keeps no marks. */
export function completeOnce<T>(
  asked: IdempotencyStore<T> | OnceOptions<T> | undefined,
  to: { readonly what: string; readonly driver: Driver; readonly channel: Channel<T>; readonly settlesAhead: boolean },
): Once<T> | undefined {
  if (asked === undefined) return undefined;
  const { what, channel } = to;
  if (typeof asked === "object" && asked !== null && "once" in asked) {
    if (typeof asked.once !== "function") throw new TypeError(`${what}: a store has a function "once"`);
    if (asked.by !== undefined) checkBy(asked.by, what);
    return { kind: "store", by: asked.by ?? ((message) => message.id), store: asked };
  }
  checkOptions(asked, known, what);
  checkBy(asked.by, what);
  const keepMs = durationMs(asked.keep, `${what}.keep`);
  if (keepMs === 0) throw new TypeError(`${what}.keep must be more than 0`);
  if (to.settlesAhead) {
    throw new TypeError(
      `${what}: a mark commits with the settlement after the handler, and with "at-most-once" there is none; leave one of the two out`,
    );
  }
  requireAbility(to.driver, "once", { channel, option: "once" });
  return { kind: "marks", by: asked.by, keepMs };
}

function checkBy(by: unknown, what: string): void {
  if (typeof by !== "function") throw new TypeError(`${what}.by must be a function of the message, not ${shown(by)}`);
}
