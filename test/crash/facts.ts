/** What was found becomes what must be found from then on: the history so far can be forgotten. */
import { attemptKey, type Expectation, type Facts, type SentMessage } from "./history.js";
import type { Discovery } from "./judge.js";
import { channelOf, type ReaderName } from "./operations.js";

export interface Finder {
  /** Whether the finder has really been handed what it found, or a copy of the directory was looked at. */
  readonly handed: boolean;
}

export function factsFrom(expected: Expectation, found: Discovery, { handed }: Finder): Facts {
  const messages = new Map<number, SentMessage>();
  const attempts = new Map<string, number>();
  const know = (number: number): void => {
    const sent = expected.sent.get(number);
    if (sent !== undefined) messages.set(number, sent);
  };
  for (const messagesRead of found.read.values()) for (const { number } of messagesRead) know(number);
  for (const [reader, deliveries] of found.handed) {
    for (const { number, attempt, waits } of deliveries) {
      know(number);
      const before = handed && !waits ? attempt : attempt - 1;
      if (before > 0) attempts.set(attemptKey(reader, number), before);
    }
  }
  const settled = new Map<ReaderName, ReadonlySet<number>>();
  for (const reader of found.handed.keys()) settled.set(reader, settledBy(reader, messages, found));
  const ids = expected.storedIds();
  for (const message of messages.values()) if (message.id !== undefined) ids.set(message.id, message);
  return { messages, settled, attempts, declared: found.channels, joined: expected.joined, ids };
}

function settledBy(
  reader: ReaderName,
  messages: ReadonlyMap<number, SentMessage>,
  found: Discovery,
): ReadonlySet<number> {
  const settled = new Set<number>();
  for (const { number, channel } of messages.values()) if (channel === channelOf(reader)) settled.add(number);
  for (const { number } of found.handed.get(reader) ?? []) settled.delete(number);
  return settled;
}
