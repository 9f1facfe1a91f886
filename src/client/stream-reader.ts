import { stayAlive } from "../base/clock.js";
import { MillraceError } from "../base/errors.js";
import type { DriverReadOptions } from "../driver.js";
import type { BoundChannel } from "./bound-channel.js";
import { HistoryChunk } from "./history.js";
import type { Message } from "./message.js";
import type { Reader } from "./reader.js";
import { Reading } from "./reading.js";

/** History as the driver gives it, batch by batch; each iteration begins anew. */
export class StreamReader<T> implements Reader<T> {
  readonly #bound: BoundChannel<T>;
  readonly #options: DriverReadOptions;
  readonly #reading: Reading<T>;

  constructor(bound: BoundChannel<T>, options: DriverReadOptions) {
    this.#bound = bound;
    this.#options = options;
    this.#reading = new Reading(bound.channel);
  }

  async *batches(): AsyncGenerator<readonly Message<T>[], void, undefined> {
    for await (const chunk of this.#chunks()) yield chunk.messages();
  }

  [Symbol.asyncIterator](): AsyncIterator<Message<T>, void, undefined> {
    return new OneByOne(this.#chunks());
  }

  async *#chunks(): AsyncGenerator<HistoryChunk<T>, void, undefined> {
    const alive = stayAlive(); // the next message may be days away
    try {
      const declared = await this.#bound.declare();
      for await (const incoming of declared.read(this.#options)) {
        const chunk = new HistoryChunk(incoming, this.#reading);
        if (this.#reading.checks) await chunk.settleValues();
        if (chunk.length > 0) yield chunk;
      }
    } finally {
      alive.cancel();
    }
    if (this.#options.signal?.aborted) {
      throw new MillraceError("ABORTED", "the reading was ended by its signal", { cause: this.#options.signal.reason });
    }
  }
}

/** What an async generator would do, without its price for each message. */
class OneByOne<T> implements AsyncIterator<Message<T>, void, undefined> {
  readonly #chunks: AsyncGenerator<HistoryChunk<T>, void, undefined>;
  #chunk: HistoryChunk<T> | undefined;
  /** How many messages of the chunk there are, and how many of them were handed out. */
  #length = 0;
  #next = 0;
  /** The chunk that is on its way, for those who ask again without waiting. */
  #fetching: Promise<IteratorResult<Message<T>, void>> | undefined;

  constructor(chunks: AsyncGenerator<HistoryChunk<T>, void, undefined>) {
    this.#chunks = chunks;
  }

  next(): Promise<IteratorResult<Message<T>, void>> {
    if (this.#fetching !== undefined) return this.#fetching.then(() => this.next());
    const chunk = this.#chunk;
    if (chunk !== undefined && this.#next < this.#length) {
      return Promise.resolve({ done: false, value: chunk.message(this.#next++) });
    }
    this.#fetching = this.#nextChunk().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async return(): Promise<IteratorResult<Message<T>, void>> {
    this.#chunk = undefined;
    await this.#chunks.return();
    return { done: true, value: undefined };
  }

  async #nextChunk(): Promise<IteratorResult<Message<T>, void>> {
    const { done, value } = await this.#chunks.next();
    if (done === true) {
      this.#chunk = undefined;
      return { done: true, value: undefined };
    }
    this.#chunk = value;
    this.#length = value.length;
    this.#next = 1;
    return { done: false, value: value.message(0) };
  }
}
