/**
 * Compares what was found in a directory with what had been promised. A reader should be able to check this file in a
 * minute: it is the definition of "nothing acknowledged is lost".
 */
import { boundIsKept } from "./bound.js";
import { attemptKey, Expectation, type Promised, type SentMessage, unresolvedSeeks } from "./history.js";
import { idsAreThereOnce } from "./ids.js";
import { keysAreInOrder } from "./keys.js";
import { type ChannelName, channelOf, type ReaderName, readerNames } from "./operations.js";
import { retentionMs } from "./subject.js";
import { ripeAndUrgentFirst } from "./timing.js";

/** A message as found after the crash. */
export interface Found {
  readonly number: number;
  readonly partition: number;
  readonly offset: number;
  /** Of the delivery that was just made, or that would be the next. */
  readonly attempt: number;
  /** It was seen, and not handed out. */
  readonly waits: boolean;
  readonly atMs: number;
}

export interface Discovery {
  /** When it was looked. */
  readonly nowMs: number;
  /** What each group is handed, until there is nothing more; and what then still waits behind it. */
  readonly handed: ReadonlyMap<ReaderName, readonly Found[]>;
  /** All of each stream, each partition in order. */
  readonly read: ReadonlyMap<ChannelName, readonly Found[]>;
  /** Names, and "<name> of <partitions>" for as many as it has. */
  readonly channels: ReadonlySet<string>;
}

export interface Verdict {
  readonly expected: Expectation;
  /** undefined: every promise is kept. Otherwise what is wrong, in words. */
  readonly wrong: string | undefined;
}

/** A seek that a crash has met has moved the group or not, in all partitions alike; and one that moved it, after all before it. */
export function judge(promised: Promised, discovery: Discovery): Verdict {
  const open = unresolvedSeeks(promised);
  for (let effective = open.length; ; effective--) {
    const expected = new Expectation(promised, open.slice(effective));
    const wrong = judgeOne(expected, discovery);
    if (wrong === undefined || effective === 0) return { expected, wrong };
  }
}

function judgeOne(expected: Expectation, discovery: Discovery): string | undefined {
  const found = new Findings(expected, discovery);
  return (
    expected.violation ??
    channelsAreThere(expected, discovery) ??
    nothingInvented(expected, discovery) ??
    nothingLost(expected, found) ??
    settledStaysSettled(expected, found) ??
    streamGroupMovesOn(expected, found) ??
    countsNeverGoDown(expected, discovery) ??
    orderIsKept(expected, discovery) ??
    commitsAreWhole(expected, found) ??
    settlementsAreWhole(expected, found) ??
    laterImpliesEarlier(expected, found) ??
    queuesKeepTheirOwn(expected, discovery)
  );
}

/** What only some queues promise. */
function queuesKeepTheirOwn(expected: Expectation, discovery: Discovery): string | undefined {
  return (
    idsAreThereOnce(expected, discovery) ??
    keysAreInOrder(expected, discovery) ??
    boundIsKept(expected, discovery) ??
    ripeAndUrgentFirst(expected, discovery)
  );
}

/** What was found, by the number of the message. */
class Findings {
  readonly discovery: Discovery;
  readonly #expected: Expectation;
  readonly #handed = new Map<ReaderName, ReadonlySet<number>>();
  readonly #read: ReadonlySet<number>;

  constructor(expected: Expectation, discovery: Discovery) {
    this.#expected = expected;
    this.discovery = discovery;
    for (const [reader, messages] of discovery.handed) this.#handed.set(reader, numbersOf(messages));
    this.#read = numbersOf([...discovery.read.values()].flat());
  }

  handedTo(reader: ReaderName, number: number): boolean {
    return this.#handed.get(reader)?.has(number) === true;
  }

  isRead(number: number): boolean {
    return this.#read.has(number);
  }

  isPresent(number: number): boolean {
    return this.#read.has(number) || readerNames.some((reader) => this.handedTo(reader, number));
  }

  /** Too old for the stream to keep it. */
  mayHaveExpired(number: number): boolean {
    const sent = this.#expected.sent.get(number);
    return sent?.channel === "events" && sent.atMs < this.discovery.nowMs - retentionMs;
  }

  /** Its stream keeps the last of each key only. */
  mayBeReplaced(number: number): boolean {
    const sent = this.#expected.sent.get(number);
    if (sent?.channel !== "latest") return false;
    const there = this.discovery.read.get("latest") ?? [];
    return there.some((later) => later.number > number && this.#expected.sent.get(later.number)?.key === sent.key);
  }

  /** Its absence says nothing: somebody has settled it, it has expired, was replaced or dropped, or was never stored as its id had been. */
  mayBeGone(number: number): boolean {
    return (
      this.mayHaveExpired(number) ||
      this.mayBeReplaced(number) ||
      this.#expected.bound.mayBeDropped(number) ||
      this.#expected.mayBeDuplicate(this.#expected.sent.get(number) as SentMessage) ||
      readerNames.some((reader) => this.#expected.settledBy(reader, number) !== undefined)
    );
  }
}

function channelsAreThere(expected: Expectation, found: Discovery): string | undefined {
  for (const name of expected.declared)
    if (!found.channels.has(name)) return `channel ${name} was declared and is gone`;
  return undefined;
}

function nothingInvented(expected: Expectation, found: Discovery): string | undefined {
  for (const [reader, messages] of [...found.handed, ...found.read]) {
    const seen = new Set<number>();
    for (const { number } of messages) {
      if (seen.has(number)) return `${reader} has message ${number} twice`;
      seen.add(number);
      const sent = expected.sent.get(number);
      if (sent === undefined) return `${reader} has message ${number}, which was never sent`;
      if (sent.channel !== reader.split(":")[0])
        return `${reader} has message ${number}, which was sent to ${sent.channel}`;
      if (expected.refused.has(number)) return `${reader} has message ${number}, whose sending was refused`;
    }
  }
  return undefined;
}

function nothingLost(expected: Expectation, found: Findings): string | undefined {
  for (const number of expected.acknowledged) {
    const sent = expected.sent.get(number);
    if (sent === undefined || found.mayHaveExpired(number) || expected.bound.mayBeDropped(number)) continue;
    if (found.discovery.read.has(sent.channel) && !found.isRead(number) && !found.mayBeReplaced(number)) {
      return `message ${number} of the stream was acknowledged and is gone`;
    }
    const loser = readerNames.find(
      (reader) =>
        channelOf(reader) === sent.channel &&
        found.discovery.handed.has(reader) &&
        mustHave(expected, found, { reader, number }) &&
        !found.handedTo(reader, number),
    );
    if (loser !== undefined) return `message ${number} was acknowledged, not settled by ${loser}, and is gone`;
  }
  return undefined;
}

function mustHave(
  expected: Expectation,
  found: Findings,
  { reader, number }: { reader: ReaderName; number: number },
): boolean {
  if (expected.settledBy(reader, number) !== undefined) return false;
  // A topic's group that was made later gets what the others have not let go by then.
  const joined = channelOf(reader) !== "news" || number > (expected.joined.get(reader) ?? Infinity);
  return joined || !found.mayBeGone(number);
}

function settledStaysSettled(expected: Expectation, found: Findings): string | undefined {
  for (const [reader, settled] of expected.settled) {
    // A stream's group moves past a message only when those before it in its partition are settled too.
    if (reader === "events:g") continue;
    for (const [number, { durable }] of settled) {
      if (durable && found.handedTo(reader, number))
        return `message ${number} was settled by ${reader}, that was durable, and it is handed out again`;
    }
  }
  return undefined;
}

/** What a stream's group had durably settled from the beginning of a partition on is not handed to it again. */
function streamGroupMovesOn(expected: Expectation, found: Findings): string | undefined {
  const stopped = new Set<number>();
  for (const { number, partition } of found.discovery.read.get("events") ?? []) {
    if (stopped.has(partition)) continue;
    if (expected.settledBy("events:g", number)?.durable !== true) stopped.add(partition);
    else if (found.handedTo("events:g", number))
      return `message ${number} and all before it in partition ${partition} were settled by events:g, that was durable, and it is handed out again`;
  }
  return undefined;
}

function countsNeverGoDown(expected: Expectation, found: Discovery): string | undefined {
  for (const [reader, messages] of found.handed) {
    if (reader === "events:g") continue;
    for (const { number, attempt } of messages) {
      const before = expected.attempts.get(attemptKey(reader, number)) ?? 0;
      if (attempt < before)
        return `message ${number} was handed to ${reader} as attempt ${before}, and now as attempt ${attempt}`;
      if (attempt > before + 1)
        return `message ${number} was handed to ${reader} as attempt ${before}, and now already as attempt ${attempt}`;
    }
  }
  return undefined;
}

/** What was sent first stands first. Settlements overtake sends that wait for the disk, and keep their own order. */
function orderIsKept(expected: Expectation, found: Discovery): string | undefined {
  for (const [reader, messages] of [...found.handed, ...found.read]) {
    const last = new Map<string, number>();
    for (const { number, partition } of messages.toSorted((a, b) => a.offset - b.offset)) {
      const row = `${partition} ${expected.sent.get(number)?.moved}`;
      const before = last.get(row) ?? 0;
      if (before >= number) return `${reader} has message ${number} behind message ${before}`;
      last.set(row, number);
    }
  }
  return undefined;
}

/** The messages of a transaction, or of a settlement. */
function commitsAreWhole(expected: Expectation, found: Findings): string | undefined {
  for (const commit of expected.commits) {
    if (commit.length < 2) continue;
    const present = commit.filter((number) => found.isPresent(number));
    if (present.length === 0) continue;
    const missing = commit.find((number) => !found.isPresent(number) && !found.mayBeGone(number));
    if (missing !== undefined)
      return `messages ${commit.join(", ")} were one commit: ${present.join(", ")} are there, ${missing} is not`;
  }
  return undefined;
}

/** A settlement and what was sent with it: both, or neither. */
function settlementsAreWhole(expected: Expectation, found: Findings): string | undefined {
  for (const [reader, settled] of expected.settled) {
    for (const [number, { sends }] of settled) {
      if (sends.length === 0) continue;
      const back = found.handedTo(reader, number);
      if (back && sends.some((sent) => found.isPresent(sent)))
        return `message ${number} is back at ${reader}, and what was sent with its settlement is there too`;
      // It was handed to somebody, so it had been committed: who does not have it any more has settled it.
      const wasThere =
        expected.acknowledged.has(number) ||
        readerNames.some((each) => expected.attempts.has(attemptKey(each, number)));
      const missing = sends.find((sent) => !found.isPresent(sent) && !found.mayBeGone(sent));
      if (!back && wasThere && missing !== undefined)
        return `message ${number} is settled by ${reader}, but message ${missing}, sent with its settlement, is not there`;
    }
  }
  return undefined;
}

/** The log is one sequence of commits: whoever finds a message finds everything sent before it. */
function laterImpliesEarlier(expected: Expectation, found: Findings): string | undefined {
  let missing: number | undefined;
  for (const number of expected.published) {
    if (expected.refused.has(number)) continue;
    const present = found.isPresent(number);
    if (present && missing !== undefined)
      return `message ${number} is there, but message ${missing}, sent before it, is not`;
    if (!present && !found.mayBeGone(number)) missing ??= number;
  }
  return undefined;
}

function numbersOf(messages: readonly Found[]): ReadonlySet<number> {
  return new Set(messages.map((message) => message.number));
}
