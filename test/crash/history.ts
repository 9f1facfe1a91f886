/**
 * What a process did and was told, in order. A crash cuts it: what was told before the cut must be true for whoever
 * opens the directory next; what was begun and not told may or may not be.
 */
import { Bound } from "./bound.js";
import { idsAreStoredOnce } from "./ids.js";
import { keyIsFree } from "./keys.js";
import { type ChannelName, channelOf, type ReaderName, readerNames } from "./operations.js";

export type Happening =
  /** Messages of one commit: all there, or none. */
  | { readonly what: "sent"; readonly messages: readonly SentMessage[] }
  | { readonly what: "acknowledged"; readonly messages: readonly number[]; readonly atMs: number }
  /** Not stored: their ids had been seen, and what was sent with them before is acknowledged. */
  | { readonly what: "duplicates"; readonly messages: readonly number[] }
  /** Refused before any effect: none of them is ever there. */
  | { readonly what: "refused"; readonly messages: readonly number[] }
  | {
      readonly what: "handed";
      readonly reader: ReaderName;
      readonly message: number;
      readonly attempt: number;
      readonly atMs: number;
    }
  /** Its lease ended without its being settled, or it was given back. */
  | { readonly what: "returned"; readonly reader: ReaderName; readonly message: number }
  /** Of the process: nothing is in hand any more. */
  | { readonly what: "ended" }
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
  /** The group is moved, and is nowhere else once `sought`. */
  | {
      readonly what: "seeking";
      readonly seek: number;
      readonly reader: ReaderName;
      readonly to: "earliest" | "latest";
    }
  | { readonly what: "sought"; readonly seek: number }
  /** A name, or "<name> of <partitions>". */
  | { readonly what: "declared"; readonly name: string }
  /** The reader's group exists from now on. */
  | { readonly what: "joined"; readonly reader: ReaderName };

export type Handed = Extract<Happening, { what: "handed" }>;

export interface SentMessage {
  /** Unique, and its payload; in the order of sending. */
  readonly number: number;
  readonly channel: ChannelName;
  readonly key: string;
  /** When it was sent, or a moment before. */
  readonly atMs: number;
  /** By a settlement, which need not wait where others do. */
  readonly moved: boolean;
  readonly id?: string | undefined;
  readonly priority?: number | undefined;
  readonly delayMs?: number | undefined;
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
  /** The last message that was stored with each id. */
  readonly ids: ReadonlyMap<string, SentMessage>;
}

/** What is promised at a moment, for whoever opens the disk then. */
export interface Promised {
  readonly facts: Facts;
  readonly history: readonly Happening[];
  /** How much of the history had happened. */
  readonly happened: number;
  readonly nowMs: number;
}

export const noFacts: Facts = {
  messages: new Map(),
  settled: new Map(),
  attempts: new Map(),
  declared: new Set(),
  joined: new Map(),
  ids: new Map(),
};

/** Seeks that were begun and of which nobody knows: after a crash those up to some moment have taken effect, and no later one. */
export function unresolvedSeeks({ history, happened }: Promised): readonly number[] {
  const seeks = new Set<number>();
  for (const happening of history.slice(0, happened)) {
    if (happening.what === "seeking") seeks.add(happening.seek);
    if (happening.what === "sought") seeks.delete(happening.seek);
  }
  return [...seeks];
}

export interface Settlement {
  durable: boolean;
  readonly sends: readonly number[];
  readonly wasLeased?: boolean;
}

interface Unflushed {
  readonly reader: ReaderName;
  readonly settlement: Settlement;
}

type Settling = Extract<Happening, { what: "settled" | "not-settled" | "flushing" | "flushed" | "seeking" | "sought" }>;

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
  /** In hand, in the process that was last. */
  readonly leased: Map<ReaderName, Set<number>> = new Map();
  readonly bound: Bound;
  readonly ids: ReadonlyMap<string, SentMessage>;
  /** What was wrong even before the crash. */
  violation: string | undefined;
  readonly #flushes = new Map<number, Unflushed[]>();
  readonly #withoutEffect: readonly number[];
  #last: number;
  #unflushed: Unflushed[] = [];

  /** `withoutEffect`: the seeks that a crash has prevented. */
  constructor({ facts, history, happened }: Promised, withoutEffect: readonly number[] = []) {
    this.#withoutEffect = withoutEffect;
    this.ids = facts.ids;
    this.sent = new Map(facts.messages);
    this.acknowledged = new Set(facts.messages.keys());
    this.attempts = new Map(facts.attempts);
    this.declared = new Set(facts.declared);
    this.joined = new Map(facts.joined);
    this.#last = Math.max(0, ...facts.messages.keys());
    for (const [reader, numbers] of facts.settled) {
      this.settled.set(reader, new Map([...numbers].map((number) => [number, { durable: true, sends: [] }])));
    }
    this.bound = new Bound(this);
    for (let index = 0; index < happened; index++) this.#take(history[index] as Happening);
  }

  settledBy(reader: ReaderName, message: number): Settlement | undefined {
    return this.settled.get(reader)?.get(message);
  }

  /** Stored for sure, the last with each id. */
  storedIds(): Map<string, SentMessage> {
    const ids = new Map(this.ids);
    for (const message of this.sent.values())
      if (message.id !== undefined && this.wasStored(message.number)) ids.set(message.id, message);
    return ids;
  }

  wasStored(number: number): boolean {
    return this.acknowledged.has(number) || readerNames.some((reader) => this.attempts.has(attemptKey(reader, number)));
  }

  wasHandedTo(reader: ReaderName, number: number): boolean {
    return this.attempts.has(attemptKey(reader, number));
  }

  /** It may be that nothing of it was stored, because its id had been. */
  mayBeDuplicate({ id, number }: SentMessage): boolean {
    if (id === undefined || this.acknowledged.has(number)) return false;
    return this.sentBefore({ id, number }).length > 0;
  }

  /** With the same id. */
  sentBefore({ id, number }: Pick<SentMessage, "id" | "number">): SentMessage[] {
    const known = id === undefined ? undefined : this.ids.get(id);
    const sent = [...this.sent.values()].filter(
      (each) => each.id === id && each.number < number && !this.refused.has(each.number),
    );
    return known === undefined || sent.some((each) => each.number === known.number) ? sent : [known, ...sent];
  }

  #take(happening: Happening): void {
    switch (happening.what) {
      case "sent":
        return this.#send(happening.messages);
      case "acknowledged":
        this.violation ??= idsAreStoredOnce(this, happening);
        return happening.messages.forEach((number) => this.acknowledged.add(number));
      case "duplicates":
        return happening.messages.forEach((number) => this.#repeat(number));
      case "refused":
        return happening.messages.forEach((number) => this.refused.add(number));
      case "handed":
        return this.#hand(happening);
      case "returned":
        return void this.leased.get(happening.reader)?.delete(happening.message);
      case "ended":
        return this.leased.clear();
      case "declared":
        return void this.declared.add(happening.name);
      case "joined":
        return this.#join(happening.reader);
      default:
        return this.#takeSettling(happening);
    }
  }

  #takeSettling(happening: Settling): void {
    switch (happening.what) {
      case "settled":
        return this.#settle(happening);
      case "not-settled":
        return this.#unsettle(happening);
      case "flushing":
        return this.#beginFlush(happening);
      case "flushed":
        return this.#flushes.get(happening.flush)?.forEach((each) => this.#endure(each));
      case "seeking":
        return this.#withoutEffect.includes(happening.seek) ? undefined : this.#move(happening);
      case "sought":
        return undefined;
    }
  }

  #repeat(number: number): void {
    this.refused.add(number);
    const { id } = this.sent.get(number) as SentMessage;
    const before = this.sentBefore({ id, number });
    if (before.length === 0)
      this.violation ??= `message ${number} is called a duplicate, and nothing was sent before with its id`;
    if (before.length === 1) this.acknowledged.add((before[0] as SentMessage).number);
  }

  /** Back to the earliest, it has settled nothing; at the latest, it has settled everything. */
  #move({ reader, to }: Extract<Happening, { what: "seeking" }>): void {
    const settled = new Map<number, Settlement>();
    this.settled.set(reader, settled);
    this.#unflushed = this.#unflushed.filter((each) => each.reader !== reader);
    if (to === "earliest") return;
    for (const { number, channel } of this.sent.values()) {
      if (channel !== channelOf(reader)) continue;
      // One that was on its way may have come in before or after.
      settled.set(number, { durable: this.acknowledged.has(number), sends: [] });
    }
  }

  #join(reader: ReaderName): void {
    if (!this.joined.has(reader)) this.joined.set(reader, this.#last);
  }

  #send(messages: readonly SentMessage[]): void {
    this.commits.push(messages.map((message) => message.number));
    for (const message of messages) {
      this.#know(message);
      this.bound.send(message);
      this.published.push(message.number);
    }
  }

  #know(message: SentMessage): void {
    this.sent.set(message.number, message);
    this.#last = Math.max(this.#last, message.number);
  }

  #hand(handed: Handed): void {
    const { reader, message, attempt } = handed;
    this.violation ??=
      this.#invented(handed) ?? this.#repeated(handed) ?? this.#early(handed) ?? keyIsFree(this, handed);
    this.#leasedBy(reader).add(message);
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

  #early({ reader, message, atMs }: Handed): string | undefined {
    const sent = this.sent.get(message);
    return sent?.delayMs !== undefined && atMs < sent.atMs + sent.delayMs
      ? `${reader} was handed message ${message} before its time`
      : undefined;
  }

  #leasedBy(reader: ReaderName): Set<number> {
    let leased = this.leased.get(reader);
    if (leased === undefined) this.leased.set(reader, (leased = new Set()));
    return leased;
  }

  #settle({ reader, message, sends }: Extract<Happening, { what: "settled" }>): void {
    const numbers = sends.map((each) => each.number);
    if (numbers.length > 0) this.commits.push(numbers);
    for (const each of sends) this.#know(each);
    let settled = this.settled.get(reader);
    if (settled === undefined) this.settled.set(reader, (settled = new Map()));
    const settlement = { durable: false, sends: numbers, wasLeased: this.#leasedBy(reader).delete(message) };
    settled.set(message, settlement);
    this.#unflushed.push({ reader, settlement });
  }

  #unsettle({ reader, message }: Extract<Happening, { what: "not-settled" }>): void {
    const settlement = this.settledBy(reader, message);
    if (settlement === undefined) return;
    this.settled.get(reader)?.delete(message);
    if (settlement.wasLeased === true) this.#leasedBy(reader).add(message);
    for (const number of settlement.sends) this.refused.add(number);
    this.#unflushed = this.#unflushed.filter((each) => each.settlement !== settlement);
  }

  #beginFlush({ flush, reader }: Extract<Happening, { what: "flushing" }>): void {
    const covered = this.#unflushed.filter((each) => reader === undefined || each.reader === reader);
    this.#flushes.set(flush, covered);
  }

  #endure({ reader, settlement }: Unflushed): void {
    if (!settlement.durable) this.bound.settled(reader);
    settlement.durable = true;
    for (const number of settlement.sends) this.acknowledged.add(number);
  }
}
