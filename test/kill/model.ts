/** What killed workers said they did, and what must therefore be found. */
import { type ChannelName, channelOf, keyOf, type ReaderName, readerNames } from "./plan.js";

interface Settlement {
  durable: boolean;
  /** By the process that said so: it may not be handed out again while that one lives. */
  readonly round: number;
  /** What was sent with it. */
  readonly moved: number | undefined;
}

export interface Found {
  readonly number: number;
  readonly attempt: number;
  readonly partition: number;
}

export interface Discovery {
  readonly handed: ReadonlyMap<ReaderName, readonly Found[]>;
  readonly stream: readonly Found[];
}

/**
 * The lines of a worker: `o` it is open; `s FIRST LAST CHANNEL` sends; `t JOB EVENT` a transaction; `a FIRST LAST` they are
 * acknowledged; `h READER NUMBER ATTEMPT` was handed; `d READER NUMBER [MOVED]` settles; `F ID READER` begins a flush, `f ID` ends it;
 * `! TEXT` something that must not be.
 */
export class Model {
  readonly #sent = new Map<number, ChannelName>();
  /** Acknowledged, or seen by anybody. */
  readonly #committed = new Set<number>();
  /** Once looked for and not there: they never come. */
  readonly #never = new Set<number>();
  readonly #settled = new Map<ReaderName, Map<number, Settlement>>(readerNames.map((reader) => [reader, new Map()]));
  readonly #attempts = new Map<ReaderName, Map<number, number>>(readerNames.map((reader) => [reader, new Map()]));
  #unflushed = new Map<ReaderName, Settlement[]>();
  #flushes = new Map<string, readonly Settlement[]>();
  /** Since the last judgement. */
  #transactions: (readonly [number, number])[] = [];
  /** By round, in the order of sending. */
  #published: number[][] = [];
  #undecided: { reader: ReaderName; number: number; settlement: Settlement }[] = [];
  readonly #partitions = new Map<string, number>();
  readonly wrong: string[] = [];
  round = 0;
  last = 0;
  acknowledged = 0;
  /** The last message of "jobs" that was acknowledged, if any. */
  lastJob: readonly number[] = [];

  /** What one worker said until it was killed; its last line may be cut. */
  take(text: string): void {
    this.round++;
    this.#published.push([]);
    this.#unflushed = new Map();
    this.#flushes = new Map();
    for (const line of text.slice(0, text.lastIndexOf("\n") + 1).split("\n")) {
      if (line !== "") this.#line(line.split(" "), line);
    }
  }

  #line([what = "", first = "", second = "", third = ""]: readonly string[], line: string): void {
    const reader = first as ReaderName;
    const takers: Readonly<Record<string, () => void>> = {
      o: () => {},
      s: () => this.#send(Number(first), { to: Number(second), channel: third as ChannelName }),
      t: () => this.#transact(Number(first), Number(second)),
      a: () => this.#acknowledge(Number(first), Number(second)),
      h: () => this.#hand(reader, Number(second), Number(third)),
      d: () => this.#settle(reader, Number(second), third === "" ? undefined : Number(third)),
      F: () => this.#flushes.set(first, [...(this.#unflushed.get(second as ReaderName) ?? [])]),
      f: () => this.#flushes.get(first)?.forEach((settlement) => (settlement.durable = true)),
    };
    const taker = takers[what];
    if (taker === undefined) this.#say(`the worker says: ${line}`);
    else taker();
  }

  #know(number: number, channel: ChannelName): void {
    this.#sent.set(number, channel);
    this.last = Math.max(this.last, number);
  }

  #send(from: number, { to, channel }: { to: number; channel: ChannelName }): void {
    for (let number = from; number <= to; number++) {
      this.#know(number, channel);
      this.#published.at(-1)?.push(number);
    }
  }

  #transact(job: number, event: number): void {
    this.#send(job, { to: job, channel: "jobs" });
    this.#send(event, { to: event, channel: "events" });
    this.#transactions.push([job, event]);
  }

  #acknowledge(from: number, to: number): void {
    this.acknowledged += to - from + 1;
    for (let number = from; number <= to; number++) this.#committed.add(number);
    if (this.#sent.get(from) === "jobs") this.lastJob = [from];
  }

  #settledBy(reader: ReaderName, number: number): Settlement | undefined {
    return this.#settled.get(reader)?.get(number);
  }

  #settle(reader: ReaderName, number: number, moved: number | undefined): void {
    if (moved !== undefined) this.#know(moved, "moved");
    const settlement = { durable: false, round: this.round, moved };
    this.#settled.get(reader)?.set(number, settlement);
    this.#undecided.push({ reader, number, settlement });
    const unflushed = this.#unflushed.get(reader) ?? [];
    unflushed.push(settlement);
    this.#unflushed.set(reader, unflushed);
  }

  #hand(reader: ReaderName, number: number, attempt: number): void {
    this.#seen(reader, number, attempt);
    this.#attempts.get(reader)?.set(number, attempt);
  }

  /** Somebody has it in hand. */
  #seen(reader: ReaderName, number: number, attempt: number): void {
    if (this.#sent.get(number) !== channelOf(reader)) this.#say(`${reader} has ${number}, which was never sent to it`);
    if (this.#never.has(number)) this.#say(`${reader} has ${number}, which had not been there before`);
    this.#committed.add(number);
    const settlement = this.#settledBy(reader, number);
    if (settlement !== undefined) this.#undo(reader, number, settlement);
    // A stream counts for its group, not for each message of it.
    if (reader === "events:g") return;
    const before = this.#attempts.get(reader)?.get(number) ?? 0;
    if (attempt !== before && attempt !== before + 1)
      this.#say(`${reader} had ${number} as attempt ${before}, and now as attempt ${attempt}`);
  }

  /** The settlement had not reached the disk, so what was sent with it must not have either. */
  #undo(reader: ReaderName, number: number, { durable, round, moved }: Settlement): void {
    if (durable) this.#say(`${reader} has ${number} again, which it had settled durably`);
    else if (round === this.round) this.#say(`${reader} has ${number} again in the process that had settled it`);
    this.#settled.get(reader)?.delete(number);
    if (moved === undefined) return;
    if (this.#committed.has(moved))
      this.#say(`${number} is back at ${reader}, and ${moved}, sent with its settlement, is there too`);
    this.#never.add(moved);
  }

  #say(what: string): void {
    this.wrong.push(`round ${this.round}: ${what}`);
  }

  /** Compares with what a process finds that opens the directory now. */
  judge({ handed, stream }: Discovery): void {
    // Nobody who settled anything lives any more.
    this.round += 0.5;
    const there = new Map<ReaderName, ReadonlySet<number>>();
    for (const [reader, found] of handed) there.set(reader, this.#look(reader, found));
    for (const { number, partition } of stream) this.#partitions.set(keyOf(number), partition);
    this.#readStream(stream);
    this.#decideSettlements();
    this.#wholeTransactions();
    this.#nothingLost(there, stream);
    this.#laterImpliesEarlier();
    this.#transactions = [];
    this.#published = [];
    this.#undecided = [];
    this.round -= 0.5;
  }

  #look(reader: ReaderName, found: readonly Found[]): ReadonlySet<number> {
    const numbers = new Set<number>();
    for (const { number, attempt } of found) {
      if (numbers.has(number)) this.#say(`${reader} has ${number} twice`);
      numbers.add(number);
      this.#seen(reader, number, attempt);
    }
    return numbers;
  }

  #readStream(stream: readonly Found[]): void {
    const last = new Map<number, number>();
    for (const { number, partition } of stream) {
      if (this.#sent.get(number) !== "events") this.#say(`the stream has ${number}, which was never sent to it`);
      if (this.#never.has(number)) this.#say(`the stream has ${number}, which had not been there before`);
      const before = last.get(partition) ?? 0;
      if (!(number > before)) this.#say(`the stream has ${number} behind ${before} in partition ${partition}`);
      last.set(partition, number);
      this.#committed.add(number);
    }
  }

  /** Who does not have a message any more has settled it, and so what was sent with that is there. */
  #decideSettlements(): void {
    for (const { reader, number, settlement } of this.#undecided) {
      if (this.#settledBy(reader, number) !== settlement) continue;
      settlement.durable = true;
      if (settlement.moved !== undefined) this.#committed.add(settlement.moved);
    }
  }

  #wholeTransactions(): void {
    for (const numbers of this.#transactions) {
      if (numbers.some((number) => this.#committed.has(number)))
        for (const number of numbers) this.#committed.add(number);
    }
  }

  #nothingLost(there: ReadonlyMap<ReaderName, ReadonlySet<number>>, stream: readonly Found[]): void {
    const kept = new Set(stream.map(({ number }) => number));
    const begins = beginnings(stream);
    const isExpired = (number: number): boolean =>
      number < (begins.get(this.#partitions.get(keyOf(number)) ?? -1) ?? 0);
    for (const [number, channel] of this.#sent) {
      if (!this.#committed.has(number)) this.#never.add(number);
      else if (channel !== "events") this.#waitsForReaders(number, there);
      else if (!isExpired(number)) {
        if (!kept.has(number)) this.#say(`${number} of the stream was committed and is gone`);
        this.#waitsForReaders(number, there);
      }
    }
  }

  #waitsForReaders(number: number, there: ReadonlyMap<ReaderName, ReadonlySet<number>>): void {
    for (const reader of readerNames) {
      if (channelOf(reader) !== this.#sent.get(number) || this.#settledBy(reader, number) !== undefined) continue;
      if (there.get(reader)?.has(number) !== true)
        this.#say(`${number} was committed, not settled by ${reader}, and is gone`);
    }
  }

  /** The log is one sequence: what a process sent later is not there without what it sent before. */
  #laterImpliesEarlier(): void {
    for (const numbers of this.#published) {
      const missing = numbers.findIndex((number) => !this.#committed.has(number));
      const later = missing < 0 ? undefined : numbers.slice(missing).find((number) => this.#committed.has(number));
      if (later !== undefined) this.#say(`${later} is there, and ${numbers[missing]}, sent before it, is not`);
    }
  }
}

/** The first message that is left of each partition: those before it have expired. */
function beginnings(stream: readonly Found[]): ReadonlyMap<number, number> {
  const first = new Map<number, number>();
  for (const { number, partition } of stream) if (!first.has(partition)) first.set(partition, number);
  return first;
}
