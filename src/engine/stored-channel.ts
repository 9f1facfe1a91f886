/**
 * A channel over the log: what queues, streams and durable topics have in common. Sending is measured against the disk:
 * one promise and two small objects a message, and nothing looked up by name.
 */
import { hasCode, MillraceError } from "../base/errors.js";
import type { Partition } from "../log/partition/partition.js";
import { weightOf } from "./admission.js";
import { type ChannelSpec, partitionsOf } from "./channel-spec.js";
import type { EngineContext } from "./context.js";
import { SentIds } from "./dedup/sent-ids.js";
import { Lane } from "./lane.js";
import type {
  ConsumeOptions,
  IncomingChunk,
  OutgoingMessage,
  PublishOptions,
  ReadOptions,
  Receipt,
  Source,
} from "./message.js";
import type { KnownChannel } from "./meta.js";
import { isTimed, refuseTimed } from "./timed.js";
import { DuplicateReceipt, PendingSend, StoredReceipt } from "./pending-send.js";

export abstract class StoredChannel {
  readonly known: KnownChannel;
  readonly partitions: Partition[] = [];
  readonly lanes: Lane[] = [];
  readonly sentIds: SentIds;
  protected readonly context: EngineContext;
  #sent = 0;
  /** How large each partition may grow before somebody looks whether it is too large. */
  readonly #lookAtBytes: number[] = [];

  constructor(context: EngineContext, known: KnownChannel) {
    this.context = context;
    this.known = known;
    this.sentIds = new SentIds(context.log, context.ledger.ids, known);
    this.#openPartitions();
  }

  get spec(): ChannelSpec {
    return this.known.spec;
  }

  get name(): string {
    return this.known.spec.name;
  }

  /** Messages sent since the channel was opened. */
  get sent(): number {
    return this.#sent;
  }

  publish(message: OutgoingMessage, options?: PublishOptions): Promise<Receipt> {
    const { admission } = this.context;
    const bytes = weightOf(message);
    try {
      if (admission.open(bytes)) return this.enter(message, options);
    } catch (error) {
      return this.isDuplicate(message) ? this.store(message) : this.#refused(error);
    }
    if (this.isDuplicate(message)) return this.store(message);
    return admission.wait(bytes, () => this.enter(message, options));
  }

  publishAll(messages: readonly OutgoingMessage[], options?: PublishOptions): Promise<Receipt[]> {
    if (messages.length === 0) return Promise.resolve([]);
    const { admission } = this.context;
    let bytes = 0;
    for (const message of messages) bytes += weightOf(message);
    try {
      if (admission.open(bytes)) return this.enterAll(messages, options);
    } catch (error) {
      const fresh = this.sentIds.freshOf(messages);
      return fresh?.size === 0 ? this.publishFresh(messages, fresh, options) : this.#refused(error);
    }
    return admission.wait(bytes, () => this.enterAll(messages, options));
  }

  /** undefined: there is room now. */
  room(_options: PublishOptions): Promise<void> | undefined {
    return undefined;
  }

  read(_options: ReadOptions): AsyncIterable<IncomingChunk> {
    const { kind, name } = this.spec;
    const text = `the ${kind} ${JSON.stringify(name)} cannot be read: only streams keep what was consumed. Use a stream, or look with peek`;
    throw new MillraceError("NOT_SUPPORTED", text);
  }

  /** Puts a message into the commit that gathers; whoever stages it waits for the commit. */
  append(message: OutgoingMessage): Receipt {
    return this.#append(message, this.context.clock.nowMs());
  }

  abstract consume(options: ConsumeOptions): Promise<Source>;

  /** Its settings have changed. */
  respecify(): void {
    this.#openPartitions();
    this.sentIds.respecify();
  }

  /** Nothing goes in or out any more. */
  abstract fail(error: Error): void;

  abstract close(): Promise<void>;

  /** Records were committed to this partition. */
  protected abstract committed(partition: number): void;

  /** Which of `partitions` the message goes to. */
  protected partitionFor(_message: OutgoingMessage): number {
    return 0;
  }

  /** A message that says when it is to be delivered, as it is stored. */
  protected timed(_message: OutgoingMessage, _nowMs: number): OutgoingMessage {
    return refuseTimed(this.spec);
  }

  /** The log has room for it; the channel may have none. */
  protected enter(message: OutgoingMessage, _options: PublishOptions | undefined): Promise<Receipt> {
    return this.store(message);
  }

  protected enterAll(messages: readonly OutgoingMessage[], _options: PublishOptions | undefined): Promise<Receipt[]> {
    return this.storeAll(messages);
  }

  /** A message was put into the commit that gathers. */
  protected appended(_message: OutgoingMessage, _offset: number, _nowMs: number): void {}

  /** Resolves with what `append` returns once all it has appended is durable. */
  protected durably<T>(append: () => T): Promise<T> {
    try {
      const pending = new PendingSend(append(), this.context);
      this.context.log.onDurable(pending);
      return pending.promise;
    } catch (error) {
      return this.#refused(error);
    }
  }

  protected store(message: OutgoingMessage): Promise<Receipt> {
    const { log, clock } = this.context;
    try {
      const receipt = this.#append(message, clock.nowMs());
      const pending = new PendingSend<Receipt>(receipt, this.context);
      log.onDurable(pending);
      return pending.promise;
    } catch (error) {
      return this.#refused(error);
    }
  }

  protected storeAll(messages: readonly OutgoingMessage[]): Promise<Receipt[]> {
    const { log, clock } = this.context;
    const nowMs = clock.nowMs();
    const receipts: Receipt[] = [];
    try {
      for (const message of messages) receipts.push(this.#append(message, nowMs));
      const pending = new PendingSend(receipts, this.context);
      log.onDurable(pending);
      return pending.promise;
    } catch (error) {
      return this.#refused(error);
    }
  }

  /** A partition has grown: its retention may let the oldest of it go. */
  protected mayHaveOutgrown(index: number): void {
    if (this.spec.retention.bytes === Infinity) return;
    const { bytes } = this.partitions[index] as Partition;
    if (bytes < (this.#lookAtBytes[index] ?? 0)) return;
    this.context.outgrown(this);
    this.#lookAtBytes[index] = (this.partitions[index] as Partition).bytes + this.context.limits.segmentBytes;
  }

  #openPartitions(): void {
    for (let index = this.partitions.length; index < partitionsOf(this.spec); index++) this.openPartition(index);
  }

  /** Returns where in `partitions` it is from now on. */
  protected openPartition(index: number): number {
    const at = this.partitions.length;
    const partition = this.context.log.partition(this.known.id, index);
    this.partitions.push(partition);
    this.lanes.push(new Lane(this.name, index));
    partition.onCommit = () => this.committed(at);
    return at;
  }

  /** Whether it needs no room: nothing of it would be stored. */
  protected isDuplicate({ id }: OutgoingMessage): boolean {
    return id !== undefined && this.sentIds.has(id);
  }

  /** The duplicates need no room, and are told once those they are duplicates of are durable. */
  protected async publishFresh(
    messages: readonly OutgoingMessage[],
    fresh: ReadonlySet<OutgoingMessage>,
    options: PublishOptions | undefined,
  ): Promise<Receipt[]> {
    const before = new PendingSend(undefined, this.context);
    this.context.log.onDurable(before);
    const [receipts] = await Promise.all([this.publishAll([...fresh], options), before.promise]);
    const stored = receipts.values();
    return messages.map((message) =>
      fresh.has(message) ? (stored.next().value as Receipt) : this.#duplicateOf(message.id as string),
    );
  }

  #append(message: OutgoingMessage, nowMs: number): Receipt {
    const { id } = message;
    if (id === undefined || this.spec.dedupMs === undefined) return this.#appendRecord(message, nowMs);
    if (this.sentIds.has(id)) return this.#duplicateOf(id);
    // The id in the commit of its message: one without the other would be a message stored twice, or one swallowed.
    return this.context.log.atomically(0, () => {
      const receipt = this.#appendRecord(message, nowMs);
      this.sentIds.add(id);
      return receipt;
    });
  }

  #duplicateOf(id: string): Receipt {
    this.sentIds.countDuplicate();
    return new DuplicateReceipt(id);
  }

  #appendRecord(sent: OutgoingMessage, nowMs: number): StoredReceipt {
    const message = isTimed(sent) ? this.timed(sent, nowMs) : sent;
    const index = this.partitionFor(message);
    const partition = this.partitions[index] as Partition;
    const position = this.context.log.append(partition, message, nowMs);
    this.#sent++;
    this.appended(message, position, nowMs);
    return new StoredReceipt(this.lanes[index] as Lane, position, message.id);
  }

  #refused(error: unknown): Promise<never> {
    // Those who wait for messages must know as well: none will come.
    if (hasCode(error, "LOG_FENCED")) this.context.failed(error);
    return Promise.reject(error);
  }
}
