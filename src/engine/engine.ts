/**
 * The engine: what queues, streams, topics, groups and leases mean, over the log.
 *
 *   Engine ── Keeper                                  gives up what is expired or settled
 *     ├─ Ledger ── Catalog, Progress …                 what survives: channels, groups, how far each has come
 *     └─ channels
 *          ├─ QueueChannel ── WorkGroup ── WorkLane, GroupSource … leases, retries, room
 *          ├─ TopicChannel ── WorkGroup (one a group) …
 *          ├─ StreamChannel ── CursorGroup ── PartitionCursor …
 *          └─ EphemeralChannel ── Subscription …
 */
import type { Clock } from "../base/clock.js";
import type { Durability } from "../base/durability.js";
import { MillraceError } from "../base/errors.js";
import type { Limits } from "../base/limits.js";
import type { Logger } from "../base/logger.js";
import type { Random } from "../base/random.js";
import type { Disk } from "../disk/disk.js";
import { encodedBytes } from "../log/batch/builder.js";
import { Log } from "../log/log.js";
import { Admission } from "./admission.js";
import { type ChannelSpec, differs, partitionsOf, refuseMismatch } from "./channel-spec.js";
import type { EngineContext } from "./context.js";
import { idLimitOf } from "./dedup/id-limit.js";
import { EphemeralChannel } from "./ephemeral-channel.js";
import { Ledger } from "./ledger.js";
import type { OutgoingMessage, Receipt, Staged } from "./message.js";
import type { Catalog, KnownChannel, KnownGroup, NewGroup } from "./meta.js";
import { PendingSend } from "./pending-send.js";
import { QueueChannel } from "./queue-channel.js";
import { Registrar } from "./registrar.js";
import { Keeper } from "./retention.js";
import { TrustedWall } from "./trusted-wall.js";
import { StoredChannel } from "./stored-channel.js";
import { isTimed, refuseTimed, takesTimed } from "./timed.js";
import { StreamChannel } from "./stream-channel.js";
import { TopicChannel } from "./topic-channel.js";

export type Channel = QueueChannel | StreamChannel | TopicChannel | EphemeralChannel;

export interface EngineOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly durability: Durability;
  readonly logger: Logger;
}

/** What a message adds to a commit besides itself, at most: the header of a batch of its own. */
const batchBytes = 96;

/** What a settlement adds to a commit, at most. */
const settlementBytes = 512;

export class Engine implements EngineContext {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly logger: Logger;
  readonly ledger: Ledger;
  readonly admission: Admission;
  /** How old things are. */
  readonly wall: TrustedWall;
  readonly keeper: Keeper;
  readonly #channels = new Map<string, Channel>();
  readonly #registrar: Registrar;
  readonly #declaring = new Map<string, Promise<Channel>>();
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: EngineOptions, log: Log, ledger: Ledger) {
    this.log = log;
    this.ledger = ledger;
    this.clock = options.clock;
    this.random = options.random;
    this.limits = options.limits;
    this.logger = options.logger;
    this.admission = new Admission(log);
    this.#registrar = new Registrar(log, ledger.catalog, options.limits);
    const { clock, limits } = options;
    const channels = (): Iterable<StoredChannel> => this.#keptChannels();
    this.wall = new TrustedWall(clock, this.logger);
    this.keeper = new Keeper({ log, clock, wall: this.wall, limits, channels, failed: (error) => this.failed(error) });
  }

  /** @throws MillraceError whatever `Log.open` throws */
  static async open(options: EngineOptions): Promise<Engine> {
    const ledger = new Ledger();
    const log = await Log.open({ ...options, state: ledger });
    // A channel whose declaration was lost to damage: what it stored must not turn up in the next one declared.
    for (const topicId of log.topics.keys()) ledger.catalog.reserveId(topicId);
    ledger.ids.begin({
      clock: options.clock,
      random: options.random,
      limit: idLimitOf({ ...options, catalog: ledger.catalog }),
    });
    const engine = new Engine(options, log, ledger);
    engine.keeper.start();
    return engine;
  }

  get catalog(): Catalog {
    return this.ledger.catalog;
  }

  /** Creates the channel, or checks it against what is stored and changes what may change. */
  async declare(spec: ChannelSpec): Promise<Channel> {
    for (let before = this.#declaring.get(spec.name); before !== undefined; before = this.#declaring.get(spec.name)) {
      await before.catch(() => undefined);
    }
    const declaring = this.#declare(spec).finally(() => this.#declaring.delete(spec.name));
    this.#declaring.set(spec.name, declaring);
    return declaring;
  }

  /** The channel of this name; undefined when it was never declared. */
  channel(name: string): Channel | undefined {
    const known = this.catalog.channel(name);
    return known === undefined ? undefined : this.#open(known);
  }

  /** All messages, on any channels, in one commit. */
  async commit(sends: readonly Staged[]): Promise<Receipt[]> {
    this.#refuseClosed();
    const bytes = bytesOf(sends);
    const store = (): Promise<Receipt[]> => {
      const receipts = this.#stage(sends, () => {});
      const pending = new PendingSend(receipts, this);
      this.log.onDurable(pending);
      return pending.promise;
    };
    return this.admission.open(bytes) ? store() : this.admission.wait(bytes, store);
  }

  stage(sends: readonly Staged[], alongside: () => void): void {
    this.#stage(sends, alongside);
  }

  addGroup(channel: KnownChannel, group: NewGroup): Promise<KnownGroup> {
    return this.#registrar.addGroup(channel, group);
  }

  outgrown(channel: StoredChannel): void {
    this.keeper.keep(channel);
  }

  failed(error: Error): void {
    if (this.#failure !== undefined || this.#closing !== undefined) return;
    this.#failure = error;
    this.logger.error({ error }, "nothing is sent or handed out any more: close and open again");
    for (const channel of this.#channels.values()) channel.fail(error);
  }

  /** Takes in what is under way, gives back what is leased, and lets go of the files. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.keeper.close();
    for (const declaring of this.#declaring.values()) await declaring.catch(() => undefined);
    const closed = new MillraceError("CLOSED", "this engine has been closed");
    try {
      // Before the log ends, so that what they give back is in it.
      for (const channel of this.#channels.values()) await channel.close();
    } finally {
      for (const channel of this.#channels.values()) channel.fail(closed);
      await this.log.close();
    }
  }

  async #declare(spec: ChannelSpec): Promise<Channel> {
    this.#refuseClosed();
    const known = this.catalog.channel(spec.name);
    if (known === undefined) return this.#open(await this.#registrar.addChannel(spec));
    refuseMismatch(known.spec, spec);
    const channel = this.#open(known);
    if (!differs(known.spec, spec)) return channel;
    this.logger.info({ channel: spec.name, from: known.spec, to: spec }, "the settings of a channel change");
    await this.#registrar.changeChannel(known, spec);
    channel.respecify();
    return channel;
  }

  #open(known: KnownChannel): Channel {
    const { name } = known.spec;
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = this.#make(known);
      this.#channels.set(name, channel);
      if (this.#failure !== undefined) channel.fail(this.#failure);
    }
    return channel;
  }

  #make(known: KnownChannel): Channel {
    const { kind, durable } = known.spec;
    if (kind === "queue") return new QueueChannel(this, known);
    if (kind === "stream") return new StreamChannel(this, known);
    if (durable) return new TopicChannel(this, known);
    const { clock, random, limits } = this;
    const home = {
      clock,
      random,
      limits,
      stage: this.stage.bind(this),
      flush: () => this.log.flush(),
      failed: (error: Error) => this.failed(error),
    };
    return new EphemeralChannel(home, known);
  }

  /** Puts the messages into one commit with what `alongside` changes; ephemeral ones go out once that is durable. */
  #stage(sends: readonly Staged[], alongside: () => void): Receipt[] {
    const targets = sends.map((send) => this.#target(send));
    const receipts: Receipt[] = [];
    this.log.atomically(bytesOf(sends) + settlementBytes, () => {
      for (const [index, { channel, message }] of targets.entries()) {
        if (channel instanceof StoredChannel) receipts[index] = channel.append(message);
      }
      alongside();
    });
    const durable = (): void => {
      for (const [index, { channel, message }] of targets.entries()) {
        if (channel instanceof EphemeralChannel) receipts[index] = channel.deliver(message);
      }
    };
    if (targets.some(({ channel }) => channel instanceof EphemeralChannel)) {
      this.log.onDurable({ durable, failed: (error) => this.failed(error) });
    }
    return receipts;
  }

  #target({ channel, message }: Staged): { channel: Channel; message: OutgoingMessage } {
    if (channel instanceof StoredChannel || channel instanceof EphemeralChannel) {
      const ours = this.#channels.get(channel.name);
      if (isTimed(message) && !takesTimed(channel.spec)) refuseTimed(channel.spec);
      if (ours === channel) return { channel: ours, message };
    }
    throw new TypeError("a message can only be sent to a channel that was declared here");
  }

  /** Those of which something may have to go, whether or not anybody has declared them in this process. */
  *#keptChannels(): Generator<StoredChannel> {
    for (const known of this.catalog.channels) {
      if (!known.spec.durable) continue;
      const isOpen = this.#channels.has(known.spec.name);
      // What nobody has opened settles nothing: only time and size can take something from it.
      if (!isOpen && (isStill(known.spec) || !this.#holdsRecords(known))) continue;
      const channel = this.#open(known);
      if (channel instanceof StoredChannel) yield channel;
    }
  }

  #holdsRecords({ id, spec }: KnownChannel): boolean {
    for (let index = 0; index < partitionsOf(spec); index++) if (this.log.partition(id, index).bytes > 0) return true;
    return false;
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw new MillraceError("CLOSED", "this engine has been closed");
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** A queue of which nothing goes by itself. */
function isStill({ kind, expiresMs, whenExpired }: ChannelSpec): boolean {
  return kind === "queue" && !(expiresMs !== undefined && whenExpired === "drop");
}

function bytesOf(sends: readonly Staged[]): number {
  return sends.reduce((sum, { message }) => sum + encodedBytes(message) + batchBytes, 0);
}
