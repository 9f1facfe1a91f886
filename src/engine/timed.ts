/** Messages that say from when, or until when, they are to be delivered: only queues know what that means. */
import { MillraceError } from "../base/errors.js";
import type { ChannelSpec } from "./channel-spec.js";
import type { OutgoingMessage } from "./message.js";

export function isTimed({ delayMs, dueAtMs, expiresMs }: OutgoingMessage): boolean {
  return delayMs !== undefined || dueAtMs !== undefined || expiresMs !== undefined;
}

/** As it is stored: with a time, or at once when that has passed. */
export function timedAt(message: OutgoingMessage, nowMs: number): OutgoingMessage {
  const { delayMs, dueAtMs, ...rest } = message;
  const latestMs = Math.max(dueAtMs ?? 0, nowMs + (delayMs ?? 0));
  return latestMs > nowMs ? { ...rest, dueAtMs: Math.ceil(latestMs) } : rest;
}

/** What is delayed is overtaken by what comes later, which is no order per key. */
export function takesTimed({ kind, order }: ChannelSpec): boolean {
  return kind === "queue" && order === "none";
}

/** @throws MillraceError NOT_SUPPORTED */
export function refuseTimed({ kind, name }: ChannelSpec): never {
  const what = `a message of the ${kind} ${JSON.stringify(name)} cannot have a delay, nor an expiry of its own`;
  const instead =
    "only those of queues without order per key can: send it to one, whose handler sends it on when it is due";
  throw new MillraceError("NOT_SUPPORTED", `${what}, ${instead}`);
}
