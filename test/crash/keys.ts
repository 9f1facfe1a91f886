/** In the queue with order per key: one message of each key at a time, the first that is not settled. */
import type { Expectation, Handed, SentMessage } from "./history.js";
import type { Discovery } from "./judge.js";

export function keyIsFree(expected: Expectation, { reader, message }: Handed): string | undefined {
  const sent = expected.sent.get(message);
  if (reader !== "keyed" || sent === undefined) return undefined;
  const leased = expected.leased.get(reader);
  for (const other of expected.sent.values()) {
    if (other.channel !== reader || other.key !== sent.key || other.number === message) continue;
    if (leased?.has(other.number) === true)
      return `keyed was handed message ${message} while message ${other.number} of its key was on its way`;
    const waits = expected.wasStored(other.number) && expected.settledBy(reader, other.number) === undefined;
    if (other.number < message && waits)
      return `keyed was handed message ${message} before message ${other.number} of its key`;
  }
  return undefined;
}

/** Who takes without settling gets the first of each key, and nothing else. */
export function keysAreInOrder(expected: Expectation, found: Discovery): string | undefined {
  const first = new Map<string, number>();
  const keyOf = (number: number): string => (expected.sent.get(number) as SentMessage).key;
  const there = found.handed.get("keyed") ?? [];
  for (const { number } of there.toSorted((one, other) => one.offset - other.offset))
    if (!first.has(keyOf(number))) first.set(keyOf(number), number);
  for (const { number, waits } of there) {
    const isFirst = first.get(keyOf(number)) === number;
    if (isFirst && waits) return `keyed does not hand out message ${number}, the first of its key`;
    if (!isFirst && !waits)
      return `keyed hands out message ${number} before message ${first.get(keyOf(number))} of its key`;
  }
  return undefined;
}
