import { Buffer } from "node:buffer";
import type { IncomingMessage, OutgoingMessage } from "../driver.js";
import { deadHeaders, deadPrefix, redrivenHeaders } from "./dead-letter-headers.js";
import { storedFingerprint } from "./dead-letter-filter.js";
import type { DeadLetter, DeadReason } from "./dead-letters.js";
import type { Reading } from "./reading.js";
import { ReceivedMessage } from "./received-message.js";

export interface Origin {
  readonly channel: string;
  /** "" of a queue. */
  readonly group: string;
}

/** Where a dead letter comes from: two channels can have dead letters in one queue, as queue "a.b" and group "b" of stream "a". */
export function isFrom(stored: IncomingMessage, origin: Origin): boolean {
  const { headers } = stored;
  return headers[deadHeaders.channel] === origin.channel && (headers[deadHeaders.group] ?? "") === origin.group;
}

/** A dead letter as a person looks at it. */
export function viewOf<T>(stored: IncomingMessage, reading: Reading<T>): DeadLetter<T> {
  const { headers } = stored;
  const { partition, offset } = deadHeaders;
  const origin = {
    channel: headers[deadHeaders.channel] ?? "",
    group: headers[deadHeaders.group] ?? "",
    id: headers[deadHeaders.id] ?? "",
    partition: headers[partition] === undefined ? undefined : Number(headers[partition]),
    offset: headers[offset] === undefined ? undefined : BigInt(headers[offset]),
  };
  return {
    id: stored.id,
    message: new ReceivedMessage(originalOf(stored, origin), reading),
    origin,
    reason: headers[deadHeaders.reason] as DeadReason,
    fingerprint: storedFingerprint(stored),
    error: {
      name: headers[deadHeaders.errorName] ?? "",
      message: headers[deadHeaders.errorMessage] ?? "",
      stack: headers[deadHeaders.errorStack],
    },
    attempts: Number(headers[deadHeaders.attempts] ?? 0),
    firstFailedAt: dateOf(headers[redrivenHeaders.firstFailedAt] ?? headers[deadHeaders.firstFailedAt]),
    lastFailedAt: dateOf(headers[deadHeaders.lastFailedAt]),
    redriven: redrivenCount(stored),
  };
}

/** How a message is sent again. */
export interface Return {
  /** The only group it is for; undefined: all there are. */
  readonly group: string | undefined;
  readonly atMs: number;
}

/**
 * The message as it is sent again: key, bytes and headers as they were, none of the story of its death, and a trace of its past.
 * Its id is not sent again but kept beside it: within a window of deduplication it would count as already seen, and be lost.
 */
export function redrivenOf(stored: IncomingMessage, { group, atMs }: Return): OutgoingMessage {
  const { headers } = stored;
  const past: Record<string, string> = {
    [redrivenHeaders.count]: String(redrivenCount(stored) + 1),
    [redrivenHeaders.at]: new Date(atMs).toISOString(),
    [redrivenHeaders.firstFailedAt]: headers[redrivenHeaders.firstFailedAt] ?? headers[deadHeaders.firstFailedAt] ?? "",
    [redrivenHeaders.id]: headers[redrivenHeaders.id] ?? headers[deadHeaders.id] ?? "",
    [redrivenHeaders.sentAt]: headers[redrivenHeaders.sentAt] ?? headers[deadHeaders.sentAt] ?? "",
  };
  if (group !== undefined) past[redrivenHeaders.group] = group;
  const kept = withoutStory(headers);
  // It may have been for one group before, and is for all now.
  delete kept[redrivenHeaders.group];
  const message = { value: Buffer.from(stored.value), key: stored.key, id: undefined, headers: { ...kept, ...past } };
  const priority = headers[deadHeaders.priority];
  return priority === undefined ? message : { ...message, priority: Number(priority) };
}

/** Whether it was redriven for another group than this one. */
export function isForAnother(incoming: IncomingMessage, group: string): boolean {
  if (!incoming.hasHeaders) return false;
  const meant = incoming.headers[redrivenHeaders.group];
  return meant !== undefined && meant !== group;
}

function originalOf(
  stored: IncomingMessage,
  origin: { readonly id: string; readonly partition: number | undefined; readonly offset: bigint | undefined },
): IncomingMessage {
  return {
    ...origin,
    key: stored.key,
    headers: withoutStory(stored.headers),
    value: stored.value,
    sentAtMs: dateOf(stored.headers[deadHeaders.sentAt]).getTime(),
    hasHeaders: true,
    unwrap: () => stored.unwrap(),
  };
}

function withoutStory(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(deadPrefix)));
}

export function redrivenCount(stored: IncomingMessage): number {
  return Number(stored.headers[redrivenHeaders.count] ?? 0);
}

function dateOf(text: string | undefined): Date {
  return new Date(text ?? Number.NaN);
}
