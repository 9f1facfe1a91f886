/** A queue: one group, a bound, and senders who wait for room. */
import { assert } from "../base/assert.js";
import { MillraceError } from "../base/errors.js";
import { encodedBytes } from "../log/batch/builder.js";
import type { RecordView } from "../log/batch/record.js";
import type { Partition } from "../log/partition/partition.js";
import { QueueExpiry } from "./expiry/queue-expiry.js";
import type { SourceOptions } from "./group-source.js";
import { neverFits, Room, type Wanted } from "./capacity.js";
import { queuePartitions } from "./channel-spec.js";
import type { EngineContext } from "./context.js";
import { DelayLane } from "./delay-lane.js";
import { Dropping } from "./dropping.js";
import { dueKinds, inMemoryMax } from "./due-index.js";
import { couldFit, cut, sendInParts, tooManyAtOnce } from "./parts.js";
import type { ConsumeOptions, OutgoingMessage, PublishOptions, Receipt, Source } from "./message.js";
import type { KnownChannel, KnownGroup } from "./meta.js";
import { takesTimed, timedAt } from "./timed.js";
import { WorkChannel } from "./work-channel.js";
import type { WorkGroup } from "./work-group.js";
import type { WorkLane } from "./work-lane.js";

/**
 * Messages of a transaction or a settlement are not held up in their middle: who stages them waits for room (`room`)
 * before it begins, and they go in even if others were faster. Where the queue drops messages, they are dropped like others.
 */
export class QueueChannel extends WorkChannel {
  readonly work: WorkGroup;
  readonly expiry: QueueExpiry;
  readonly #room: Room;
  /** By priority, those of which there ever was a message: where in `partitions` it is, and its lane. */
  readonly #delayed = new Map<number, { readonly at: number; readonly lane: DelayLane }>();
  readonly #dropping: Dropping;

  constructor(context: EngineContext, known: KnownChannel) {
    super(context, known);
    const group = known.groups.get("");
    assert(group !== undefined, "a queue's group is made with the queue");
    this.work = this.openGroup(group);
    this.expiry = new QueueExpiry({
      context,
      known,
      work: this.work,
      partition: (index) => this.partitions[this.openPartition(index)] as Partition,
    });
    this.#openDelayed();
    const usage = { channel: this.name, messages: () => this.depth, bytes: () => this.work.bytes };
    this.#room = new Room(context.clock, usage, this.spec.capacity);
    this.#dropping = new Dropping({
      group: this.work,
      random: context.random,
      capacity: () => this.spec.capacity,
      isDuplicate: (message) => this.isDuplicate(message),
      append: (message) => super.append(message),
      atomically: (work) => context.log.atomically(0, work),
    });
    this.#startCountingBytes();
    this.expiry.respecify();
  }

  /** Messages that had no room, or have expired and were not kept, since the channel was opened. */
  get dropped(): number {
    return this.#dropping.dropped + this.expiry.messages.dropped;
  }

  /** Messages that are not settled, those on their way to the disk included. */
  get depth(): number {
    return this.work.depth;
  }

  override respecify(): void {
    super.respecify();
    this.work.share = this.spec.priorityShare ?? 0;
    this.expiry.respecify();
    this.#room.capacity = this.spec.capacity;
    this.#startCountingBytes();
    if (this.#room.drops) this.#room.admitAll();
    else this.#room.release();
  }

  override append(message: OutgoingMessage): Receipt {
    if (!this.#room.drops || this.#admits(1, this.#bytesOf([message]))) return super.append(message);
    return this.#dropping.put([message])[0] as Receipt;
  }

  override async consume(options: ConsumeOptions): Promise<Source> {
    return this.join(this.work, options);
  }

  protected override partitionFor({ priority, dueAtMs }: OutgoingMessage): number {
    if (dueAtMs !== undefined) return this.#delayedAt(priority ?? 1).at;
    return priority === undefined ? 0 : priority - 1;
  }

  protected override timed(message: OutgoingMessage, nowMs: number): OutgoingMessage {
    if (!takesTimed(this.spec)) return super.timed(message, nowMs);
    const timed = this.expiry.timed(timedAt(message, nowMs), nowMs);
    this.expiry.prepare(this.#laneOf(timed), timed);
    return timed;
  }

  protected override committed(partition: number): void {
    const { index, endOffset } = this.partitions[partition] as Partition;
    this.#dropping.committed(index, endOffset);
    if (this.#delayed.size === 0) super.committed(partition);
    else {
      for (const { lane } of this.#delayed.values()) lane.committed();
      // Who waits may have to be woken earlier than before.
      this.work.ready();
    }
    if (this.work.expires) this.expiry.committed();
  }

  protected override enter(message: OutgoingMessage, options: PublishOptions | undefined): Promise<Receipt> {
    const bytes = this.#room.countsBytes ? encodedBytes(message) : 0;
    if (this.#admits(1, bytes) || this.isDuplicate(message)) return this.store(message);
    if (this.#room.drops) return this.#dropFor([message]).then(([receipt]) => receipt as Receipt);
    return this.#later(this.#wantedBy(message, bytes), options, () =>
      this.#room.drops ? this.enter(message, options) : this.store(message),
    );
  }

  protected override enterAll(
    messages: readonly OutgoingMessage[],
    options: PublishOptions | undefined,
  ): Promise<Receipt[]> {
    const { capacity } = this.#room;
    const wanted = { messages: messages.length, bytes: this.#bytesOf(messages) };
    if (this.#admits(wanted.messages, wanted.bytes)) return this.storeAll(messages);
    const fresh = this.sentIds.freshOf(messages);
    if (fresh !== undefined) return this.publishFresh(messages, fresh, options);
    if (this.#room.drops) return this.#dropFor(messages);
    const single = messages.length === 1;
    if (single || couldFit(wanted, capacity)) {
      return this.#later(wanted, options, () =>
        this.#room.drops ? this.enterAll(messages, options) : this.storeAll(messages),
      );
    }
    if (capacity.whenFull === "reject") return Promise.reject(tooManyAtOnce(this.name, wanted, capacity));
    const size = this.#room.countsBytes ? encodedBytes : (): number => 0;
    return sendInParts(cut(messages, capacity, size), (part) => this.enterAll(part, options));
  }

  override room(options: PublishOptions): Promise<void> | undefined {
    if (this.#room.drops || this.#admits(1, 0)) return undefined;
    return new Promise((resolve, reject) => {
      this.#room.wait({ messages: 1, bytes: 0 }, options, { admit: resolve, refuse: reject });
    });
  }

  override fail(error: Error): void {
    super.fail(error);
    this.expiry.messages.fail(error);
    this.#room.fail(error);
  }

  override async close(): Promise<void> {
    this.#room.fail(
      new MillraceError("CLOSED", `${JSON.stringify(this.name)} was closed before there was room: nothing was sent`),
    );
    await this.expiry.messages.close();
    await super.close();
  }

  /** What has expired, to be buried by whoever takes it. Nothing where it is dropped. */
  expired(options: SourceOptions): Source {
    return this.expiry.messages.join(options);
  }

  protected override appended(message: OutgoingMessage, offset: number, nowMs: number): void {
    const { dueAtMs, priority = 1 } = message;
    if (dueAtMs !== undefined) this.#delayedAt(priority).lane.stored(offset, dueAtMs - nowMs);
    if (this.work.expires) this.expiry.stored(this.#laneOf(message), message, { offset, nowMs });
    if (!this.#room.countsBytes) return;
    const bytes = encodedBytes(message);
    this.work.countBytes(this.work.bytes + bytes);
    if (!this.#room.drops) return;
    const { index } = this.partitions[this.partitionFor(message)] as Partition;
    this.#dropping.appended(index, offset, bytes);
  }

  protected override settled(group: WorkGroup, lane: WorkLane, record: RecordView | undefined): void {
    super.settled(group, lane, record);
    if (this.#room.countsBytes) {
      const left = record === undefined ? group.bytes : group.bytes - encodedBytes(record);
      // Of records that could not be read nobody knows the size: an empty queue sets it right.
      group.countBytes(this.depth === 0 ? 0 : Math.max(0, left));
    }
    if (this.#room.waiting > 0) this.#room.release();
  }

  /** The queue is full. */
  #dropFor(messages: readonly OutgoingMessage[]): Promise<Receipt[]> {
    const { bytes } = this.#room.capacity;
    const most = messages.reduce((largest, message) => Math.max(largest, this.#bytesOf([message])), 0);
    if (most > bytes) return Promise.reject(neverFits(this.name, most, bytes));
    return this.durably(() => this.#dropping.put(messages));
  }

  #bytesOf(messages: readonly OutgoingMessage[]): number {
    return this.#room.countsBytes ? messages.reduce((sum, message) => sum + encodedBytes(message), 0) : 0;
  }

  #admits(messages: number, bytes: number): boolean {
    const { capacity, waiting } = this.#room;
    if (waiting > 0 || this.depth + messages > capacity.messages) return false;
    return bytes === 0 || this.work.bytes + bytes <= capacity.bytes;
  }

  /** Nothing, once another message with its id was let in while it waited. */
  #wantedBy({ id }: OutgoingMessage, bytes: number): Wanted {
    if (id === undefined) return { messages: 1, bytes };
    const { sentIds } = this;
    return {
      get messages(): number {
        return sentIds.has(id) ? 0 : 1;
      },
      get bytes(): number {
        return sentIds.has(id) ? 0 : bytes;
      },
    };
  }

  #later<T>(wanted: Wanted, options: PublishOptions | undefined, store: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#room.wait(wanted, options, { admit: () => resolve(store()), refuse: reject });
    });
  }

  #openDelayed(): void {
    const { log } = this.context;
    const { priorities } = this.spec;
    for (let priority = 1; priority <= priorities; priority++) {
      const partition = queuePartitions.delayed(priorities, priority);
      const stored = log.topics.get(this.known.id)?.[partition]?.nextOffset ?? 0;
      if (stored > 0) this.#delayedAt(priority);
    }
  }

  #laneOf({ dueAtMs, priority = 1 }: OutgoingMessage): WorkLane {
    if (dueAtMs !== undefined) return this.#delayedAt(priority).lane;
    return this.work.lanes.find((lane) => lane.partition === priority - 1) as WorkLane;
  }

  #delayedAt(priority: number): { readonly at: number; readonly lane: DelayLane } {
    return this.#delayed.get(priority) ?? this.#addDelayed(priority);
  }

  #addDelayed(priority: number): { readonly at: number; readonly lane: DelayLane } {
    const { ledger, limits } = this.context;
    const { id, spec, groups } = this.known;
    const group = groups.get("") as KnownGroup;
    const index = queuePartitions.delayed(spec.priorities, priority);
    const at = this.openPartition(index);
    const timelineAt = this.openPartition(queuePartitions.timeline(spec.priorities, index));
    const lane = new DelayLane(this.laneHome(this.work), ledger.progressAt(this.known, group, index), {
      source: this.partitions[at] as Partition,
      timeline: this.partitions[timelineAt] as Partition,
      index: ledger.dueIndex(id, index, dueKinds.delivery),
      inMemoryMax: inMemoryMax(limits),
    });
    this.addLane(this.work, lane, priority);
    this.expiry.watch(lane);
    const delayed = { at, lane };
    this.#delayed.set(priority, delayed);
    return delayed;
  }

  /** A bound on bytes may be set when there are messages already: their size is what they take in the log, roughly. */
  #startCountingBytes(): void {
    if (!this.#room.countsBytes || this.work.bytes > 0 || this.depth === 0) return;
    let bytes = 0;
    for (const { depth, source } of this.work.lanes) {
      bytes += (source.bytes * depth) / Math.max(1, source.nextOffset - source.startOffset);
    }
    this.work.countBytes(Math.ceil(bytes));
  }
}
