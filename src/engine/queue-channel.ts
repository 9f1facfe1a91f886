/** A queue: one group, a bound, and senders who wait for room. */
import { assert } from "../base/assert.js";
import { MillraceError } from "../base/errors.js";
import { encodedBytes } from "../log/batch/builder.js";
import type { RecordView } from "../log/batch/record.js";
import { Room, type Wanted } from "./capacity.js";
import type { EngineContext } from "./context.js";
import type { ConsumeOptions, OutgoingMessage, PublishOptions, Receipt, Source } from "./message.js";
import type { KnownChannel } from "./meta.js";
import { WorkChannel } from "./work-channel.js";
import type { WorkSet } from "./work-set.js";

/**
 * Messages of a transaction or a settlement are not held up in their middle: who stages them waits for room (`room`)
 * before it begins, and they go in even if others were faster.
 */
export class QueueChannel extends WorkChannel {
  readonly work: WorkSet;
  readonly #room: Room;

  constructor(context: EngineContext, known: KnownChannel) {
    super(context, known);
    const group = known.groups.get("");
    assert(group !== undefined, "a queue's group is made with the queue");
    this.work = this.openGroup(group);
    const usage = { channel: this.name, messages: () => this.depth, bytes: () => this.work.progress.bytes };
    this.#room = new Room(context.clock, usage, this.spec.capacity);
    this.#startCountingBytes();
  }

  /** Messages that are not settled, those on their way to the disk included. */
  get depth(): number {
    const { settled } = this.work.progress;
    return this.partition.nextOffset - settled.floor - settled.above;
  }

  override respecify(): void {
    super.respecify();
    this.#room.capacity = this.spec.capacity;
    this.#startCountingBytes();
    this.#room.release();
  }

  override async consume(options: ConsumeOptions): Promise<Source> {
    return this.join(this.work, options);
  }

  protected override enter(message: OutgoingMessage, options: PublishOptions | undefined): Promise<Receipt> {
    const bytes = this.#room.countsBytes ? encodedBytes(message) : 0;
    if (this.#admits(1, bytes)) return this.store(message);
    return this.#later({ messages: 1, bytes }, options, () => this.store(message));
  }

  protected override enterAll(
    messages: readonly OutgoingMessage[],
    options: PublishOptions | undefined,
  ): Promise<Receipt[]> {
    const most = this.spec.capacity.messages;
    if (messages.length > most) return this.#inParts(messages, options);
    const bytes = this.#room.countsBytes ? bytesOf(messages) : 0;
    if (this.#admits(messages.length, bytes)) return this.storeAll(messages);
    return this.#later({ messages: messages.length, bytes }, options, () => this.storeAll(messages));
  }

  override room(options: PublishOptions): Promise<void> | undefined {
    if (this.#admits(1, 0)) return undefined;
    return new Promise((resolve, reject) => {
      this.#room.wait({ messages: 1, bytes: 0 }, options, { admit: resolve, refuse: reject });
    });
  }

  override fail(error: Error): void {
    super.fail(error);
    this.#room.fail(error);
  }

  override async close(): Promise<void> {
    this.#room.fail(
      new MillraceError("CLOSED", `${JSON.stringify(this.name)} was closed before there was room: nothing was sent`),
    );
    await super.close();
  }

  protected override appended(message: OutgoingMessage): void {
    if (this.#room.countsBytes) this.work.countBytes(this.work.progress.bytes + encodedBytes(message));
  }

  protected override settled(workSet: WorkSet, record: RecordView | undefined): void {
    super.settled(workSet, record);
    if (this.#room.countsBytes) {
      const left = record === undefined ? workSet.progress.bytes : workSet.progress.bytes - encodedBytes(record);
      // Of records that could not be read nobody knows the size: an empty queue sets it right.
      workSet.countBytes(this.depth === 0 ? 0 : Math.max(0, left));
    }
    if (this.#room.waiting > 0) this.#room.release();
  }

  #admits(messages: number, bytes: number): boolean {
    const { capacity, waiting } = this.#room;
    if (waiting > 0 || this.depth + messages > capacity.messages) return false;
    return bytes === 0 || this.work.progress.bytes + bytes <= capacity.bytes;
  }

  #later<T>(wanted: Wanted, options: PublishOptions | undefined, store: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#room.wait(wanted, options, { admit: () => resolve(store()), refuse: reject });
    });
  }

  /** More than the queue can hold at once goes in as consumers make room. */
  async #inParts(messages: readonly OutgoingMessage[], options: PublishOptions | undefined): Promise<Receipt[]> {
    const { messages: most, whenFull } = this.spec.capacity;
    if (whenFull === "reject") {
      const text = `${messages.length} messages do not fit into ${JSON.stringify(this.name)}, which holds ${most} at most: nothing was sent`;
      throw new MillraceError("QUEUE_FULL", text);
    }
    const receipts: Receipt[] = [];
    for (let at = 0; at < messages.length; at += most) {
      try {
        receipts.push(...(await this.enterAll(messages.slice(at, at + most), options)));
      } catch (error) {
        throw at === 0 ? error : partly(error, at, messages.length);
      }
    }
    return receipts;
  }

  /** A bound on bytes may be set when there are messages already: their size is what they take in the log, roughly. */
  #startCountingBytes(): void {
    const { progress } = this.work;
    if (!this.#room.countsBytes || progress.bytes > 0 || this.depth === 0) return;
    const { partition } = this;
    const stored = Math.max(1, partition.nextOffset - partition.startOffset);
    this.work.countBytes(Math.ceil((partition.bytes * this.depth) / stored));
  }
}

function bytesOf(messages: readonly OutgoingMessage[]): number {
  return messages.reduce((sum, message) => sum + encodedBytes(message), 0);
}

function partly(error: unknown, stored: number, all: number): unknown {
  if (!(error instanceof MillraceError)) return error;
  return new MillraceError(error.code, `${error.message}. Of ${all} messages the first ${stored} were sent`, {
    cause: error,
  });
}
