import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/errors.js";
import type { OutgoingMessage } from "../driver.js";
import { checkInteger, shown } from "./checks.js";
import type { Channel } from "./channel.js";
import { bounds } from "./defaults.js";
import type { SendOptions } from "./sender.js";

/** From when and until when a message is to be handed out, and before which others. */
export type Schedule = Pick<OutgoingMessage, "priority" | "delayMs" | "dueAtMs" | "expiresMs">;

const timeless = { delayMs: undefined, dueAtMs: undefined, expiresMs: undefined };

/** @throws TypeError for what cannot be; MillraceError NOT_SUPPORTED for a delay where there is no queue. */
export function completeSchedule<T>(options: SendOptions, channel: Channel<T>, what: string): Schedule {
  const { priority, delay, at, expires } = options;
  if (priority !== undefined) checkInteger(priority, `${what}: priority`, { min: 1, max: channel.spec.priorities });
  if ((delay ?? at ?? expires) === undefined) return { priority, ...timeless };
  if (channel.kind !== "queue" || channel.spec.order === "per-key") throw unsupported(what);
  if (delay !== undefined && at !== undefined) throw new TypeError(`${what}: give either delay or at, not both`);
  return {
    priority,
    delayMs: delay === undefined ? undefined : completeDelay(delay, what),
    dueAtMs: at === undefined ? undefined : completeAt(at, what),
    expiresMs: expires === undefined ? undefined : completeExpiry(expires, what),
  };
}

function unsupported(what: string): MillraceError {
  const text = `${what}: delay, at and expires are not supported, only queues without order per key have them: send it to one, whose handler sends it on when it is due`;
  return new MillraceError("NOT_SUPPORTED", text);
}

function completeExpiry(expires: Duration, what: string): number {
  const expiresMs = durationMs(expires, `${what}: expires`);
  if (expiresMs > 0) return expiresMs;
  throw new TypeError(`${what}: expires must be more than 0`);
}

function completeDelay(delay: Duration, what: string): number {
  const delayMs = durationMs(delay, `${what}: delay`);
  if (delayMs <= bounds.delayMs.max) return delayMs;
  throw new TypeError(`${what}: delay must be at most 366 days, not ${shown(delay)}`);
}

function completeAt(at: unknown, what: string): number {
  if (at instanceof Date && !Number.isNaN(at.getTime())) return at.getTime();
  throw new TypeError(`${what}: at must be a Date, not ${shown(at)}`);
}
