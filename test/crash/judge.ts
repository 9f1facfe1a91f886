/**
 * Opens what a crash left behind and compares it with what had been promised. A reader should be able to check
 * this file in a minute: it is the definition of "nothing acknowledged is lost".
 */
import type { Expectation } from "./history.js";
import { channelOf, type ReaderName, readerNames } from "./operations.js";

/** A message as found after the crash. */
export interface Found {
  readonly number: number;
  readonly partition: number;
  readonly offset: number;
  /** Of the delivery that was just made. */
  readonly attempt: number;
}

export interface Discovery {
  /** What each group is handed, until there is nothing more. */
  readonly handed: ReadonlyMap<ReaderName, readonly Found[]>;
  /** All of the stream "events", each partition in order. */
  readonly stream: readonly Found[];
  readonly channels: ReadonlySet<string>;
}

/** undefined: every promise is kept. Otherwise what is wrong, in words. */
export function judge(expected: Expectation, found: Discovery): string | undefined {
  return (
    channelsAreThere(expected, found) ??
    nothingInvented(expected, found) ??
    nothingLost(expected, found) ??
    settledStaysSettled(expected, found) ??
    streamGroupMovesOn(expected, found) ??
    countsNeverGoDown(expected, found) ??
    orderIsKept(found) ??
    commitsAreWhole(expected, found) ??
    laterImpliesEarlier(expected, found)
  );
}

function channelsAreThere(expected: Expectation, found: Discovery): string | undefined {
  for (const name of expected.declared) if (!found.channels.has(name)) return `channel ${name} was declared and is gone`;
  return undefined;
}

function nothingInvented(expected: Expectation, found: Discovery): string | undefined {
  for (const [reader, messages] of everything(found)) {
    const seen = new Set<number>();
    for (const { number } of messages) {
      if (seen.has(number)) return `${reader} has message ${number} twice`;
      seen.add(number);
      const sent = expected.sent.get(number);
      if (sent === undefined) return `${reader} has message ${number}, which was never sent`;
      if (sent.channel !== reader.split(":")[0]) return `${reader} has message ${number}, which was sent to ${sent.channel}`;
    }
  }
  return undefined;
}

function nothingLost(expected: Expectation, found: Discovery): string | undefined {
  for (const number of expected.acknowledged) {
    const sent = expected.sent.get(number);
    if (sent === undefined) continue;
    if (sent.channel === "events" && !found.stream.some((each) => each.number === number)) return `message ${number} of the stream was acknowledged and is gone`;
    for (const reader of readerNames) {
      if (channelOf(reader) !== sent.channel || expected.settledBy(reader, number) !== undefined) continue;
      if (!has(found, reader, number)) return `message ${number} was acknowledged, not settled by ${reader}, and is gone`;
    }
  }
  return undefined;
}

function settledStaysSettled(expected: Expectation, found: Discovery): string | undefined {
  for (const [reader, settled] of expected.settled) {
    for (const [number, { durable }] of settled) {
      // A stream's group moves past a message only when those before it in its partition are settled too.
      if (durable && channelOf(reader) !== "events" && has(found, reader, number)) return `message ${number} was settled by ${reader}, that was durable, and it is handed out again`;
    }
  }
  return undefined;
}

/** What a stream's group had durably settled from the beginning of a partition on is not handed to it again. */
function streamGroupMovesOn(expected: Expectation, found: Discovery): string | undefined {
  const stopped = new Set<number>();
  for (const { number, partition } of found.stream) {
    if (stopped.has(partition)) continue;
    if (expected.settledBy("events:g", number)?.durable !== true) stopped.add(partition);
    else if (has(found, "events:g", number)) return `message ${number} and all before it in partition ${partition} were settled by events:g, that was durable, and it is handed out again`;
  }
  return undefined;
}

function countsNeverGoDown(expected: Expectation, found: Discovery): string | undefined {
  for (const [reader, messages] of found.handed) {
    if (reader === "events:g") continue;
    for (const { number, attempt } of messages) {
      const before = expected.attempts.get(`${reader} ${number}`) ?? 0;
      if (attempt < before) return `message ${number} was handed to ${reader} as attempt ${before}, and now as attempt ${attempt}`;
      if (attempt > before + 1) return `message ${number} was handed to ${reader} as attempt ${before}, and now already as attempt ${attempt}`;
    }
  }
  return undefined;
}

function orderIsKept(found: Discovery): string | undefined {
  for (const [reader, messages] of everything(found)) {
    const last = new Map<number, Found>();
    for (const message of messages.toSorted((a, b) => a.offset - b.offset)) {
      const before = last.get(message.partition);
      if (before !== undefined && before.number >= message.number) return `${reader} has message ${message.number} behind message ${before.number}`;
      last.set(message.partition, message);
    }
  }
  return undefined;
}

/** A settlement and what was sent with it; the messages of a transaction; the messages of one `sendAll`. */
function commitsAreWhole(expected: Expectation, found: Discovery): string | undefined {
  for (const commit of expected.commits) {
    const present = commit.filter((number) => isPresent(found, number));
    if (present.length === 0) continue;
    for (const number of commit) if (!mayExist(expected, found, number)) return `messages ${commit.join(", ")} were one commit: ${present.join(", ")} are there, ${number} is not`;
  }
  for (const [reader, settled] of expected.settled) {
    for (const [number, { sends }] of settled) {
      if (sends.length === 0) continue;
      const back = has(found, reader, number);
      if (back && sends.some((sent) => isPresent(found, sent))) return `message ${number} is back at ${reader}, and what was sent with its settlement is there too`;
      const sentBefore = expected.acknowledged.has(number) || isKnown(expected, number);
      if (!back && sentBefore) for (const sent of sends) if (!mayExist(expected, found, sent)) return `message ${number} is settled by ${reader}, but message ${sent}, sent with its settlement, is not there`;
    }
  }
  return undefined;
}

/** The log is one sequence of commits: whoever finds a message finds everything sent before it. */
function laterImpliesEarlier(expected: Expectation, found: Discovery): string | undefined {
  let missing: number | undefined;
  for (const number of expected.sent.keys()) {
    if (!mayExist(expected, found, number)) missing ??= number;
    else if (missing !== undefined && isPresent(found, number)) return `message ${number} is there, but message ${missing}, sent before it, is not`;
  }
  return undefined;
}

/** It was handed to somebody, so it had been committed. */
function isKnown(expected: Expectation, number: number): boolean {
  return readerNames.some((reader) => expected.attempts.has(`${reader} ${number}`));
}

function isPresent(found: Discovery, number: number): boolean {
  return found.stream.some((each) => each.number === number) || readerNames.some((reader) => has(found, reader, number));
}

/** Present, or settled by somebody, so that its absence says nothing. */
function mayExist(expected: Expectation, found: Discovery, number: number): boolean {
  return isPresent(found, number) || readerNames.some((reader) => expected.settledBy(reader, number) !== undefined);
}

function has(found: Discovery, reader: ReaderName, number: number): boolean {
  return found.handed.get(reader)?.some((each) => each.number === number) ?? false;
}

function everything(found: Discovery): [string, readonly Found[]][] {
  return [...found.handed, ["events", found.stream]];
}
