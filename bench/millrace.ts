/** Millrace doing one kind of work, as a contender. Through the published surface only, with durability "fsync". */
import { type Channel, type Millrace, type Queue, bytes, open, queue } from "millrace";
import type { Contender } from "./contest.js";
import { DrainRounds, rateOf, timesOf } from "./work.js";

/** More than any run sends: what is measured is the log, not the wait for room. */
export const capacity = { messages: 1_000_000_000, whenFull: "reject" } as const;

export const byteQueue = (name: string): Queue<Uint8Array> => queue(name, { codec: bytes, capacity });

/** What all of them share: a directory, opened and closed. */
export abstract class Opened implements Contender {
  readonly name: string = "millrace";
  #mill: Millrace | undefined;

  get mill(): Millrace {
    if (this.#mill === undefined) throw new Error("not opened yet");
    return this.#mill;
  }

  async open(directory: string): Promise<void> {
    this.#mill = await open(directory, { durability: "fsync" });
  }

  async close(): Promise<void> {
    await this.#mill?.close();
  }

  abstract round(seconds: number): Promise<readonly number[]>;

  /** Handles and settles that many messages; the settlements are durable then. */
  protected async drain<T>(channel: Channel<T>, messages: number, size: number): Promise<void> {
    const allHandled = countdown(messages);
    const consumer = this.mill.handleBatch(channel, (values) => allHandled.count(values.length), { size });
    await allHandled.reached;
    await consumer.close();
  }
}

/** How many messages a queue is emptied by at a time between rounds. */
const emptyingSize = 1_000;

export interface SendsOptions<T> {
  /** Sent to in turn. */
  readonly channels: readonly Channel<T>[];
  readonly values: readonly T[];
  readonly inFlight: number;
}

/**
 * `sendAll` of all values at once, some such calls in flight. Messages a second. The queue is emptied before each round: what
 * is measured is sending, not how the machine copes with gigabytes of files that only grow.
 */
export class BatchSends<T> extends Opened {
  readonly #options: SendsOptions<T>;
  #toEmpty = 0;

  constructor(options: SendsOptions<T>) {
    super();
    this.#options = options;
  }

  async prepare(): Promise<void> {
    if (this.#toEmpty > 0) await this.drain(this.#options.channels[0] as Channel<T>, this.#toEmpty, emptyingSize);
    this.#toEmpty = 0;
  }

  async round(seconds: number): Promise<readonly number[]> {
    const { channels, values, inFlight } = this.#options;
    const channel = channels[0] as Channel<T>;
    let sent = 0;
    const step = async (): Promise<number> => {
      const { length } = await this.mill.sendAll(channel, values);
      sent += length;
      return length;
    };
    const lanes = await Promise.all(Array.from({ length: inFlight }, () => rateOf(seconds, step)));
    this.#toEmpty = sent;
    return [lanes.flat().reduce((sum, each) => sum + each, 0)];
  }
}

/** `send` of one after the other, so many of them in flight: as each resolves, the next is sent. Messages a second. */
export class SingleSends<T> extends Opened {
  override readonly name: string;
  readonly #options: SendsOptions<T>;
  #next = 0;
  #toEmpty = 0;
  #over = false;

  constructor(options: SendsOptions<T>, name = "millrace") {
    super();
    this.#options = options;
    this.name = name;
  }

  override async open(directory: string): Promise<void> {
    await super.open(directory);
    // The first send to a channel creates it: not what is measured.
    const { channels, values } = this.#options;
    for (const channel of channels) await this.mill.send(channel, values[0] as T);
  }

  /** As with batches; of many queues each holds little. */
  async prepare(): Promise<void> {
    const [channel, ...others] = this.#options.channels;
    if (channel !== undefined && others.length === 0 && this.#toEmpty > 0) {
      await this.drain(channel, this.#toEmpty, emptyingSize);
    }
    this.#toEmpty = 0;
  }

  async round(seconds: number): Promise<readonly number[]> {
    const start = performance.now();
    const before = this.#next;
    // Looking at the clock after each message would cost a tenth of what a message costs.
    const over = setTimeout(() => (this.#over = true), seconds * 1000);
    this.#over = false;
    await Promise.all(Array.from({ length: this.#options.inFlight }, () => this.#lane()));
    clearTimeout(over);
    const sent = this.#next - before;
    this.#toEmpty = sent;
    return [(sent / (performance.now() - start)) * 1000];
  }

  async #lane(): Promise<void> {
    const { mill } = this;
    const { channels, values } = this.#options;
    while (!this.#over) {
      const next = this.#next++;
      await mill.send(channels[next % channels.length] as Channel<T>, values[next % values.length] as T);
    }
  }
}

/** One `send` at a time. Milliseconds of each. */
export class LoneSends<T> extends Opened {
  readonly #channel: Channel<T>;
  readonly #value: T;

  constructor(channel: Channel<T>, value: T) {
    super();
    this.#channel = channel;
    this.#value = value;
  }

  round(seconds: number): Promise<readonly number[]> {
    return timesOf(seconds, () => this.mill.send(this.#channel, this.#value));
  }
}

/** Empties a queue that is filled before: each message handled and settled, the settlements durable. Messages a second. */
export class Handles extends Opened {
  readonly #values: readonly Uint8Array[];
  readonly #channel: Queue<Uint8Array> = byteQueue("messages");
  readonly #rounds: DrainRounds;

  constructor(values: readonly Uint8Array[], how: { readonly concurrency: number } | { readonly batch: number }) {
    super();
    this.#values = values;
    this.#rounds = new DrainRounds({
      fill: (messages) => this.#fill(messages),
      drain: (messages) =>
        "batch" in how ? this.drain(this.#channel, messages, how.batch) : this.#handleAll(messages, how.concurrency),
    });
  }

  prepare(seconds: number): Promise<void> {
    return this.#rounds.prepare(seconds);
  }

  round(): Promise<readonly number[]> {
    return this.#rounds.round();
  }

  async #fill(messages: number): Promise<void> {
    for (let filled = 0; filled < messages; filled += this.#values.length) {
      await this.mill.sendAll(this.#channel, this.#values);
    }
  }

  async #handleAll(messages: number, concurrency: number): Promise<void> {
    const allHandled = countdown(messages);
    const consumer = this.mill.handle(this.#channel, () => allHandled.count(1), { concurrency });
    await allHandled.reached;
    await consumer.close();
  }
}

interface Countdown {
  count(messages: number): void;
  readonly reached: Promise<void>;
}

export function countdown(messages: number): Countdown {
  let left = messages;
  let reach: () => void;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  return {
    reached,
    count: (handled) => {
      left -= handled;
      if (left <= 0) reach();
    },
  };
}
