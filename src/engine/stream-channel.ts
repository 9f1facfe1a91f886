/** A stream: partitions that keep what retention says, read by any number of groups and readers. */
import { MillraceError } from "../base/errors.js";
import { CursorGroup } from "./cursor-group.js";
import { DoneMarks } from "./dedup/done-marks.js";
import { GroupSource } from "./group-source.js";
import type { EngineContext } from "./context.js";
import type { ConsumeOptions, OutgoingMessage, ReadOptions, Source } from "./message.js";
import type { KnownChannel, KnownGroup } from "./meta.js";
import { partitionOfKey, Rotation } from "./partitioner.js";
import { Joining } from "./joining.js";
import type { ReadChunk } from "./read-chunk.js";
import { startsOf } from "./start.js";
import { StoredChannel } from "./stored-channel.js";
import { StreamRead } from "./stream-read.js";
import { StreamWork } from "./stream-work.js";

/** One reads the partitions in order, the other settles each message by itself. */
export type StreamGroup = CursorGroup | StreamWork;

export class StreamChannel extends StoredChannel {
  readonly #groups = new Map<string, StreamGroup>();
  readonly #joining = new Joining<StreamGroup>();
  readonly #reads = new Set<StreamRead>();
  readonly #rotation = new Rotation();
  #ended: Error | undefined;

  constructor(context: EngineContext, known: KnownChannel) {
    super(context, known);
    for (const group of known.groups.values()) this.#openGroup(group);
  }

  get groups(): Iterable<StreamGroup> {
    return this.#groups.values();
  }

  group(name: string): StreamGroup | undefined {
    return this.#groups.get(name);
  }

  override respecify(): void {
    super.respecify();
    for (const group of this.known.groups.values()) {
      this.#groups.get(group.name)?.extendTo(this.context.ledger.progressOf(this.known, group));
    }
  }

  override async consume(options: ConsumeOptions): Promise<Source> {
    const group = this.#groups.get(options.group) ?? (await this.#firstConsume(options));
    this.#refuseMismatch(options);
    if (group instanceof CursorGroup) group.refuseOther(options);
    const source = new GroupSource(group, options);
    group.join(source);
    return source;
  }

  override read(options: ReadOptions): AsyncIterable<ReadChunk> {
    const { clock } = this.context;
    const ended = (): Error | undefined => this.#ended;
    const read = new StreamRead({ clock, ended, partitions: this.partitions, lanes: this.lanes, options });
    return read.chunks(this.#reads);
  }

  /** Retention has taken records away. */
  passExpired(): void {
    for (const group of this.#groups.values()) group.passExpired();
  }

  override fail(error: Error): void {
    this.#ended ??= error;
    for (const group of this.#groups.values()) group.fail(error);
    for (const read of this.#reads) read.wake();
  }

  override async close(): Promise<void> {
    for (const group of this.#groups.values()) await group.close();
  }

  protected override partitionFor(message: OutgoingMessage): number {
    const count = this.partitions.length;
    return message.key === undefined ? this.#rotation.current(count) : partitionOfKey(message.key, count);
  }

  protected override committed(partition: number): void {
    if (partition === this.#rotation.current(this.partitions.length)) this.#rotation.next();
    for (const group of this.#groups.values()) group.committed();
    for (const read of this.#reads) read.wake();
    this.mayHaveOutgrown(partition);
  }

  #refuseMismatch({ group, settle }: ConsumeOptions): void {
    const known = this.known.groups.get(group)?.settle;
    if (known === settle) return;
    const stored = known === undefined ? "settles its partitions in order" : 'is stored with settle: "each"';
    throw new MillraceError(
      "CHANNEL_MISMATCH",
      `the group ${JSON.stringify(group)} of ${JSON.stringify(this.name)} ${stored}, which cannot change: ` +
        `${known === undefined ? "leave settle out" : 'say settle: "each"'}, or use another group`,
    );
  }

  #firstConsume(options: ConsumeOptions): Promise<StreamGroup> {
    const name = options.group;
    return this.#joining.join(name, async () => {
      const starts = startsOf(options.from, this.partitions);
      const newGroup = { name, starts, ...(options.settle === undefined ? {} : { settle: options.settle }) };
      return this.#openGroup(await this.context.addGroup(this.known, newGroup));
    });
  }

  #openGroup(group: KnownGroup): StreamGroup {
    const { context, partitions } = this;
    const { log, clock, limits, logger } = context;
    const stage = context.stage.bind(context);
    const failed = context.failed.bind(context);
    const marks = new DoneMarks(log, context.ledger.ids, group.id);
    const isCompacted = this.spec.compact;
    const home = { log, clock, limits, logger, partitions, channel: this.name, isCompacted, stage, failed, marks };
    const Group = group.settle === "each" ? StreamWork : CursorGroup;
    const opened = new Group(home, group.name, context.ledger.progressOf(this.known, group));
    this.#groups.set(group.name, opened);
    if (this.#ended !== undefined) opened.fail(this.#ended);
    return opened;
  }
}
