/** A message that is sent again with its id is stored once, while the id counts. */
import type { Expectation, Happening, SentMessage } from "./history.js";
import type { Discovery } from "./judge.js";
import { dedupMs } from "./subject.js";

/** What was sent and acknowledged as stored must not have been stored already. */
export function idsAreStoredOnce(
  expected: Expectation,
  { messages, atMs }: Extract<Happening, { what: "acknowledged" }>,
): string | undefined {
  for (const number of messages) {
    const message = expected.sent.get(number) as SentMessage;
    if (message.id === undefined) continue;
    const first = expected
      .sentBefore(message)
      .find((before) => expected.wasStored(before.number) && atMs < before.atMs + dedupMs);
    if (first !== undefined) return `message ${number} was stored, and its id had been with message ${first.number}`;
  }
  return undefined;
}

/** Of two with the same id that are both there, or were, the later one was sent when the id counted no more. */
export function idsAreThereOnce(expected: Expectation, found: Discovery): string | undefined {
  const last = expected.storedIds();
  const present = new Set((found.handed.get("ranked") ?? []).map(({ number }) => number));
  const stored = [...expected.sent.values()].filter(({ number }) => present.has(number) || expected.wasStored(number));
  for (const message of stored.toSorted((one, other) => one.number - other.number)) {
    if (message.id === undefined) continue;
    const before = last.get(message.id);
    // When a send has waited, it was stored later than it says.
    if (before !== undefined && before.number < message.number && !waited(message, before))
      return `messages ${before.number} and ${message.number} have the same id, and both were stored`;
    last.set(message.id, message);
  }
  return undefined;
}

function waited(message: SentMessage, before: SentMessage): boolean {
  return message.atMs + longestWaitMs >= before.atMs + dedupMs;
}

/** Sends wait for room on the disk, at most. */
const longestWaitMs = dedupMs / 2;
