/**
 * What a process did and was told, in order. A crash cuts it: what was told before the cut must be true for whoever
 * opens the directory next; what was begun and not told may or may not be.
 */
import { type ChannelName, channelOf, type ReaderName } from "./operations.js";

export type Happening =
  /** Messages of one commit: all there, or none. */
  | { readonly what: "sent"; readonly messages: readonly SentMessage[] }
  | { readonly what: "acknowledged"; readonly messages: readonly number[] }
  /** Refused before any effect: none of them is ever there. */
  | { readonly what: "refused"; readonly messages: readonly number[] }
  | { readonly what: "handed"; readonly reader: ReaderName; readonly message: number; readonly attempt: number }
  /** `sends` are in the same commit. Written down before it is done: a crash inside may leave either. */
  | {
      readonly what: "settled";
      readonly reader: ReaderName;
      readonly message: number;
      readonly sends: readonly SentMessage[];
    }
  /** The settlement before it was refused: nothing of it is ever there. */
  | { readonly what: "not-settled"; readonly reader: ReaderName; readonly message: number }
  /** Once the flush of this number has ended, everything settled until here is durable: all of it, or this reader's. */
  | { readonly what: "flushing"; readonly flush: number; readonly reader: ReaderName | undefined }
  | { readonly what: "flushed"; readonly flush: number }
  | { readonly what: "declared"; readonly name: string }
  /** The reader's group exists from now on. */
  | { readonly what: "joined"; readonly reader: ReaderName };

type Handed = Extract<Happening, { what: "handed" }>;

export interface SentMessage {
  /** Unique, and its payload; in the order of sending. */
  readonly number: number;
  readonly channel: ChannelName;
  readonly key: string;
  /** When it was sent, or a moment before. */
  readonly atMs: number;
  /** By a settlement, which need not wait where others do. */
  readonly moved: boolean;
}

/** What is known for sure: somebody has opened the directory and found it so. */
export interface Facts {
  /** All of them are there, unless every reader has settled them or they expire. */
  readonly messages: ReadonlyMap<number, SentMessage>;
  readonly settled: ReadonlyMap<ReaderName, ReadonlySet<number>>;
  /** By `attemptKey`. Of those that were handed out before. */
  readonly attempts: ReadonlyMap<string, number>;
  readonly declared: ReadonlySet<string>;
  /** The last message that had been sent when the reader's group was made. */
  readonly joined: ReadonlyMap<ReaderName, number>;
}

export const noFacts: Facts = {
  messages: new Map(),
  settled: new Map(),
  attempts: new Map(),
  declared: new Set(),
  joined: new Map(),
};

export interface Settlement {
  durable: boolean;
  readonly sends: readonly number[];
}

export function attemptKey(reader: ReaderName, message: number): string {
  return `${reader} ${message}`;
}

/** What must and what may be true after a crash. */
export class Expectation {
  readonly sent: Map<number, SentMessage>;
  readonly acknowledged: Set<number>;
  readonly refused: Set<number> = new Set();
  /** Messages that nobody had found before, in the order in which they were sent; without those sent by settlements. */
  readonly published: number[] = [];
  /** Numbers of messages that belong to one commit. */
  readonly commits: (readonly number[])[] = [];
  readonly settled: Map<ReaderName, Map<number, Settlement>> = new Map();
  /** The last attempt handed out, by `attemptKey`. */
  readonly attempts: Map<string, number>;
  readonly declared: Set<string>;
  readonly joined: Map<ReaderName, number>;
  /** What was wrong even before the crash. */
  violation: string | undefined;
  readonly #flushes = new Map<number, Settlement[]>();
  #last: number;
  #unflushed: { readonly reader: ReaderName; readonly settlement: Settlement }[] = [];

  constructor(facts: Facts, history: readonly Happening[], length: number) {
    this.sent = new Map(facts.messages);
    this.acknowledged = new Set(facts.messages.keys());
    this.attempts = new Map(facts.attempts);
    this.declared = new Set(facts.declared);
    this.joined = new Map(facts.joined);
    this.#last = Math.max(0, ...facts.messages.keys());
    for (const [reader, numbers] of facts.settled) {
      this.settled.set(reader, new Map([...numbers].map((number) => [number, { durable: true, sends: [] }])));
    }
    for (let index = 0; index < length; index++) this.#take(history[index] as Happening);
  }

  settledBy(reader: ReaderName, message: number): Settlement | undefined {
    return this.settled.get(reader)?.get(message);
  }

  #take(happening: Happening): void {
    switch (happening.what) {
      case "sent":
        return this.#send(happening.messages);
      case "acknowledged":
        return happening.messages.forEach((number) => this.acknowledged.add(number));
      case "refused":
        return happening.messages.forEach((number) => this.refused.add(number));
      case "handed":
        return this.#hand(happening);
      case "declared":
        return void this.declared.add(happening.name);
      case "joined":
        return this.#join(happening.reader);
      default:
        return this.#takeSettling(happening);
    }
  }

  #takeSettling(happening: Extract<Happening, { what: "settled" | "not-settled" | "flushing" | "flushed" }>): void {
    switch (happening.what) {
      case "settled":
        return this.#settle(happening);
      case "not-settled":
        return this.#unsettle(happening);
      case "flushing":
        return this.#beginFlush(happening);
      case "flushed":
        return this.#flushes.get(happening.flush)?.forEach((settlement) => this.#endure(settlement));
    }
  }

  #join(reader: ReaderName): void {
    if (!this.joined.has(reader)) this.joined.set(reader, this.#last);
  }

  #send(messages: readonly SentMessage[]): void {
    this.commits.push(messages.map((message) => message.number));
    for (const message of messages) {
      this.#know(message);
      this.published.push(message.number);
    }
  }

  #know(message: SentMessage): void {
    this.sent.set(message.number, message);
    this.#last = Math.max(this.#last, message.number);
  }

  #hand(handed: Handed): void {
    const { reader, message, attempt } = handed;
    this.violation ??= this.#invented(handed) ?? this.#repeated(handed);
    this.attempts.set(attemptKey(reader, message), attempt);
  }

  #invented({ reader, message }: Handed): string | undefined {
    if (this.sent.get(message)?.channel !== channelOf(reader))
      return `${reader} was handed message ${message}, which was never sent to it`;
    return this.refused.has(message)
      ? `${reader} was handed message ${message}, whose sending had been refused`
      : undefined;
  }

  #repeated({ reader, message, attempt }: Handed): string | undefined {
    // Of a stream, what comes behind a message that is read again is read again as well.
    if (reader === "events:g") return undefined;
    if (this.settledBy(reader, message) !== undefined)
      return `${reader} was handed message ${message} again, which it had settled`;
    const before = this.attempts.get(attemptKey(reader, message)) ?? 0;
    const follows = attempt === before || attempt === before + 1;
    return follows
      ? undefined
      : `${reader} was handed message ${message} as attempt ${before}, and then as attempt ${attempt}`;
  }

  #settle({ reader, message, sends }: Extract<Happening, { what: "settled" }>): void {
    const numbers = sends.map((each) => each.number);
    if (numbers.length > 0) this.commits.push(numbers);
    for (const each of sends) this.#know(each);
    let settled = this.settled.get(reader);
    if (settled === undefined) this.settled.set(reader, (settled = new Map()));
    const settlement = { durable: false, sends: numbers };
    settled.set(message, settlement);
    this.#unflushed.push({ reader, settlement });
  }

  #unsettle({ reader, message }: Extract<Happening, { what: "not-settled" }>): void {
    const settlement = this.settledBy(reader, message);
    if (settlement === undefined) return;
    this.settled.get(reader)?.delete(message);
    for (const number of settlement.sends) this.refused.add(number);
    this.#unflushed = this.#unflushed.filter((each) => each.settlement !== settlement);
  }

  #beginFlush({ flush, reader }: Extract<Happening, { what: "flushing" }>): void {
    const covered = this.#unflushed.filter((each) => reader === undefined || each.reader === reader);
    this.#flushes.set(
      flush,
      covered.map((each) => each.settlement),
    );
  }

  #endure(settlement: Settlement): void {
    settlement.durable = true;
    for (const number of settlement.sends) this.acknowledged.add(number);
  }
}
