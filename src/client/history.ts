/** What was read at once, and its messages: who reads meets many and looks at few, so one that nobody looks at is one small object. */
import type { IncomingChunk, IncomingMessage } from "../driver.js";
import { LazyMessage } from "./lazy-message.js";
import type { Message } from "./message.js";
import type { Reading } from "./reading.js";

export class HistoryChunk<T> {
  readonly incoming: IncomingChunk;
  readonly reading: Reading<T>;
  /** Made before they are asked for: a schema may have to be waited for, and a getter cannot wait. */
  #settled: readonly Message<T>[] | undefined;

  constructor(incoming: IncomingChunk, reading: Reading<T>) {
    this.incoming = incoming;
    this.reading = reading;
  }

  get length(): number {
    return this.incoming.length;
  }

  /** Waits for the schema of all its messages. */
  async settleValues(): Promise<void> {
    const messages = Array.from({ length: this.length }, (_, index) => new HistoryMessage(this, index));
    this.#settled = await Promise.all(messages.map((message) => message.settleValue()));
  }

  message(index: number): Message<T> {
    return this.#settled === undefined ? new HistoryMessage(this, index) : (this.#settled[index] as Message<T>);
  }

  messages(): readonly Message<T>[] {
    if (this.#settled !== undefined) return this.#settled;
    const messages: Message<T>[] = [];
    for (let index = 0; index < this.length; index++) messages.push(new HistoryMessage(this, index));
    return messages;
  }
}

class HistoryMessage<T> extends LazyMessage<T> {
  readonly #chunk: HistoryChunk<T>;
  readonly #index: number;
  #incoming: IncomingMessage | undefined;

  constructor(chunk: HistoryChunk<T>, index: number) {
    super(undefined);
    this.#chunk = chunk;
    this.#index = index;
  }

  protected get incoming(): IncomingMessage {
    return (this.#incoming ??= this.#chunk.incoming.at(this.#index) as IncomingMessage);
  }

  protected get reading(): Reading<T> {
    return this.#chunk.reading;
  }
}
