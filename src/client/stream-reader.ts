import { stayAlive } from "../base/clock.js";
import { MillraceError } from "../base/errors.js";
import type { DriverReadOptions, IncomingMessage } from "../driver.js";
import type { BoundChannel } from "./bound-channel.js";
import type { Message } from "./message.js";
import type { Reader } from "./reader.js";
import { Reading } from "./reading.js";
import { ReceivedMessage } from "./received-message.js";

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
    const alive = stayAlive(); // the next message may be days away
    try {
      const declared = await this.#bound.declare();
      for await (const batch of declared.read(this.#options)) {
        const messages = batch.map((incoming: IncomingMessage) => new ReceivedMessage(incoming, this.#reading));
        // A schema may have to be waited for, and a getter cannot wait.
        if (this.#reading.checks) await Promise.all(messages.map((message) => message.settleValue()));
        if (messages.length > 0) yield messages;
      }
    } finally {
      alive.cancel();
    }
    if (this.#options.signal?.aborted) {
      throw new MillraceError("ABORTED", "the reading was ended by its signal", { cause: this.#options.signal.reason });
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<Message<T>, void, undefined> {
    return new OneByOne(this.batches());
  }
}

/** What an async generator would do, without its price for each message. */
class OneByOne<M> implements AsyncIterator<M, void, undefined> {
  readonly #batches: AsyncGenerator<readonly M[], void, undefined>;
  #batch: readonly M[] = [];
  #next = 0;
  /** The batch that is on its way, for those who ask again without waiting. */
  #fetching: Promise<IteratorResult<M, void>> | undefined;

  constructor(batches: AsyncGenerator<readonly M[], void, undefined>) {
    this.#batches = batches;
  }

  next(): Promise<IteratorResult<M, void>> {
    if (this.#fetching !== undefined) return this.#fetching.then(() => this.next());
    if (this.#next === this.#batch.length) {
      this.#fetching = this.#nextBatch().finally(() => {
        this.#fetching = undefined;
      });
      return this.#fetching;
    }
    return Promise.resolve({ done: false, value: this.#batch[this.#next++] as M });
  }

  async return(): Promise<IteratorResult<M, void>> {
    this.#next = 0;
    this.#batch = [];
    await this.#batches.return();
    return { done: true, value: undefined };
  }

  async #nextBatch(): Promise<IteratorResult<M, void>> {
    const { done, value } = await this.#batches.next();
    if (done === true) return { done: true, value: undefined };
    this.#batch = value;
    this.#next = 1;
    return { done: false, value: value[0] as M };
  }
}
