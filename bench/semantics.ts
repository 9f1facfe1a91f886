/** Contenders for what a promise about delivery costs: Millrace with it, beside Millrace without. */
import { type Channel, type Consumer, type Millrace, type Queue, bytes, queue } from "millrace";
import { byteQueue, capacity, countdown, Opened } from "./millrace.js";
import { byteValues } from "./payloads.js";
import { DrainRounds, rateOf } from "./work.js";

export interface DrainOptions {
  readonly name: string;
  /** Puts that many messages in, a multiple of 1,000; not measured. */
  readonly fill: (mill: Millrace, messages: number) => Promise<void>;
  /** Begins to handle; tells of each message. */
  readonly handle: (mill: Millrace, handled: (messages: number) => void) => readonly Consumer[];
}

/** Fills something before each round and empties it in the round; every settlement is durable at its end. Messages a second. */
export class Drains extends Opened {
  override readonly name: string;
  readonly #rounds: DrainRounds;

  constructor({ name, fill, handle }: DrainOptions) {
    super();
    this.name = name;
    this.#rounds = new DrainRounds({
      fill: (messages) => fill(this.mill, messages),
      drain: async (messages) => {
        const all = countdown(messages);
        const consumers = handle(this.mill, (handled) => all.count(handled));
        await all.reached;
        for (const consumer of consumers) await consumer.close();
      },
    });
  }

  prepare(seconds: number): Promise<void> {
    return this.#rounds.prepare(seconds);
  }

  round(): Promise<readonly number[]> {
    return this.#rounds.round();
  }
}

const values = byteValues(100);

/** By `sendAll` of 1,000. */
export async function fillWith(mill: Millrace, channel: Channel<Uint8Array>, messages: number): Promise<void> {
  for (let filled = 0; filled < messages; filled += values.length) await mill.sendAll(channel, values);
}

/** What the figures hold against: a queue about which nothing is said. */
export function plainDrain(concurrency: number): Drains {
  const channel = byteQueue("plain");
  return new Drains({
    name: "millrace-plain",
    fill: (mill, messages) => fillWith(mill, channel, messages),
    handle: (mill, handled) => [mill.handle(channel, () => handled(1), { concurrency })],
  });
}

export interface SendingOptions {
  readonly name: string;
  /** One send; `count` is how many there were before. */
  readonly send: (mill: Millrace, count: number) => Promise<unknown>;
  readonly inFlight: number;
  /** Empties what was sent, before each round; not measured. */
  readonly empty: (mill: Millrace, sent: number) => Promise<void>;
}

/** Sends one by one, so many in flight. Messages a second. */
export class Sendings extends Opened {
  override readonly name: string;
  readonly #options: SendingOptions;
  #count = 0;
  #toEmpty = 0;

  constructor(options: SendingOptions) {
    super();
    this.#options = options;
    this.name = options.name;
  }

  async prepare(): Promise<void> {
    if (this.#toEmpty > 0) await this.#options.empty(this.mill, this.#toEmpty);
    this.#toEmpty = 0;
  }

  async round(seconds: number): Promise<readonly number[]> {
    const before = this.#count;
    const step = async (): Promise<number> => {
      await this.#options.send(this.mill, this.#count++);
      return 1;
    };
    const rates = await Promise.all(Array.from({ length: this.#options.inFlight }, () => rateOf(seconds, step)));
    this.#toEmpty = this.#count - before;
    return [rates.flat().reduce((sum, each) => sum + each, 0)];
  }
}

/** Handles everything in batches. */
export async function emptied(mill: Millrace, channel: Channel<Uint8Array>, messages: number): Promise<void> {
  const all = countdown(messages);
  const consumer = mill.handleBatch(channel, (batch) => all.count(batch.length), { size: 1_000 });
  await all.reached;
  await consumer.close();
}

export function value(count: number): Uint8Array {
  return values[count % values.length] as Uint8Array;
}

/** A queue whose values have an id of their own, as often as they are sent. */
export function queueWithIds(name: string, dedup: "5m" | 0): Queue<Uint8Array> {
  let next = 0;
  return queue(name, { codec: bytes, capacity, dedup, id: () => `message-${next++}` });
}

export const plainSendings = (inFlight: number): Sendings => {
  const channel = byteQueue("plain");
  return new Sendings({
    name: "millrace-plain",
    inFlight,
    send: (mill, count) => mill.send(channel, value(count)),
    empty: (mill, sent) => emptied(mill, channel, sent),
  });
};

/** None of them may cost more than half. */
export const atLeastHalf = { of: "ratio", direction: "at least", bound: 0.5, aim: 0.8 } as const;
