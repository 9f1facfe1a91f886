import { type Duration, durationMs } from "../base/duration.js";
import { MillraceError } from "../base/errors.js";
import type { OutgoingMessage } from "../driver.js";
import { checkInteger, shown } from "./checks.js";
import type { Channel } from "./channel.js";
import { bounds } from "./defaults.js";
import type { SendOptions } from "./sender.js";

/** When a message is to be handed out, and before which others. */
export type Schedule = Pick<OutgoingMessage, "priority" | "delayMs" | "dueAtMs">;

/** @throws TypeError for what cannot be; MillraceError NOT_SUPPORTED for a delay where there is no queue. */
export function completeSchedule<T>(options: SendOptions, channel: Channel<T>, what: string): Schedule {
  const { priority, delay, at } = options;
  if (priority !== undefined) checkInteger(priority, `${what}: priority`, { min: 1, max: channel.spec.priorities });
  if (delay === undefined && at === undefined) return { priority, delayMs: undefined, dueAtMs: undefined };
  if (channel.kind !== "queue" || channel.spec.order === "per-key") {
    const text = `${what}: a delay is not supported, only queues without order per key have them: send it to one, whose handler sends it on when it is due`;
    throw new MillraceError("NOT_SUPPORTED", text);
  }
  if (delay !== undefined && at !== undefined) throw new TypeError(`${what}: give either delay or at, not both`);
  return delay === undefined
    ? { priority, delayMs: undefined, dueAtMs: completeAt(at, what) }
    : { priority, delayMs: completeDelay(delay, what), dueAtMs: undefined };
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
