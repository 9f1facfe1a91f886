/** An engine on a disk that can lose its power, under a clock that stands still: everything a test of the engine stands on. */
import { defaultLimits, type Limits } from "../../src/base/limits.js";
import { type Logger, silentLogger } from "../../src/base/logger.js";
import { type Random, seededRandom } from "../../src/base/random.js";
import { type CrashStyleName, SimulatedDisk, type SimulatedDiskOptions } from "../../src/disk/simulated.js";
import { EngineAdmin } from "../../src/engine/admin.js";
import type { ChannelSpec } from "../../src/engine/channel-spec.js";
import { type Channel, Engine } from "../../src/engine/engine.js";
import type { EphemeralChannel } from "../../src/engine/ephemeral-channel.js";
import type { ConsumeOptions, Delivery, OutgoingMessage, Settlement, Source } from "../../src/engine/message.js";
import type { QueueChannel } from "../../src/engine/queue-channel.js";
import type { StreamChannel } from "../../src/engine/stream-channel.js";
import type { TopicChannel } from "../../src/engine/topic-channel.js";
import { ManualClock, turn } from "../../src/testing/manual-clock.js";

export { turn } from "../../src/testing/manual-clock.js";

const kibibyte = 1024;

/** Small, so that files roll and limits are met within a test. */
const smallLimits: Limits = {
  ...defaultLimits,
  messageBytesMax: 64 * kibibyte,
  walFileBytes: 256 * kibibyte,
  checkpointBytes: 512 * kibibyte,
  walBytesMax: 2048 * kibibyte,
  segmentBytes: 16 * kibibyte,
  partitionTailBytes: 4 * kibibyte,
  tailBytes: 64 * kibibyte,
  reserveBytes: 0,
};

export const done: Settlement = { kind: "done", sends: [] };
export const release: Settlement = { kind: "release" };
export const retry = (delayMs = 0, counts = true): Settlement => ({ kind: "retry", delayMs, counts });

const plain: Omit<ChannelSpec, "kind" | "name"> = {
  partitions: 1,
  durable: true,
  retention: { timeMs: Infinity, bytes: Infinity },
  capacity: { messages: 1_000_000, bytes: Infinity, whenFull: "block" },
  order: "none",
  priorities: 1,
  dedupMs: undefined,
  expiresMs: undefined,
  compact: false,
  native: undefined,
};

export function message(value: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { value, key: undefined, id: undefined, headers: undefined, ...more };
}

export function texts(deliveries: Iterable<{ readonly value: Uint8Array }>): string[] {
  return Array.from(deliveries, (delivery) => Buffer.from(delivery.value).toString());
}

export interface WorldOptions {
  readonly limits?: Partial<Limits>;
  readonly disk?: SimulatedDiskOptions;
  readonly logger?: Logger;
  readonly random?: Random;
}

export class World {
  clock = new ManualClock();
  disk: SimulatedDisk;
  engine: Engine;
  readonly #options: WorldOptions;

  private constructor(options: WorldOptions, disk: SimulatedDisk, engine: Engine) {
    this.#options = options;
    this.disk = disk;
    this.engine = engine;
  }

  static async open(options: WorldOptions = {}): Promise<World> {
    const disk = new SimulatedDisk(options.disk);
    disk.makeDirectory("");
    const clock = new ManualClock();
    const world = new World(options, disk, await openEngine(disk, clock, options));
    world.clock = clock;
    return world;
  }

  get admin(): EngineAdmin {
    return new EngineAdmin(this.engine);
  }

  /** The process dies now, and another one opens what it has left. Time stands still meanwhile. */
  async kill(): Promise<void> {
    await this.#reopenOn(this.disk.afterKill());
  }

  /** The power fails now. */
  async cutPower(style: CrashStyleName = "nothing-unsynced"): Promise<void> {
    await this.#reopenOn(this.disk.afterCrash(style, () => 0.5));
  }

  /** Closed in order, and opened again. */
  async restart(): Promise<void> {
    await this.engine.close();
    await this.#reopenOn(this.disk.afterKill());
  }

  async queue(name = "work", spec: Partial<ChannelSpec> = {}): Promise<QueueChannel> {
    return (await this.declare({ ...plain, ...spec, kind: "queue", name })) as QueueChannel;
  }

  async stream(name = "events", spec: Partial<ChannelSpec> = {}): Promise<StreamChannel> {
    return (await this.declare({ ...plain, ...spec, kind: "stream", name })) as StreamChannel;
  }

  async topic(name = "news", spec: Partial<ChannelSpec> = {}): Promise<TopicChannel> {
    return (await this.declare({ ...plain, ...spec, kind: "topic", name })) as TopicChannel;
  }

  async ephemeral(name = "ticker", spec: Partial<ChannelSpec> = {}): Promise<EphemeralChannel> {
    return (await this.declare({ ...plain, ...spec, durable: false, kind: "topic", name })) as EphemeralChannel;
  }

  declare(spec: ChannelSpec): Promise<Channel> {
    return this.engine.declare(spec);
  }

  async #reopenOn(disk: SimulatedDisk): Promise<void> {
    const clock = new ManualClock(this.clock.nowMs());
    this.disk = disk;
    this.clock = clock;
    this.engine = await openEngine(disk, clock, this.#options);
  }
}

async function openEngine(disk: SimulatedDisk, clock: ManualClock, options: WorldOptions): Promise<Engine> {
  const limits = { ...smallLimits, ...options.limits };
  const logger = options.logger ?? silentLogger;
  return Engine.open({ disk, clock, random: options.random ?? seededRandom(1), limits, durability: "fsync", logger });
}

export const leaseMs = 30_000;

/** A consumer that remembers what it lost. */
export class Consumer {
  readonly source: Source;
  readonly lost: Delivery[];
  #taking: Promise<readonly Delivery[]> | undefined;

  constructor(source: Source, lost: Delivery[]) {
    this.source = source;
    this.lost = lost;
  }

  /** What there is to take now. Nothing: the take goes on waiting, and the next call gets what it will have got. */
  async take(max = 1000): Promise<readonly Delivery[]> {
    this.#taking ??= this.source.take(max);
    const nothing: readonly Delivery[] = [];
    const result = await Promise.race([this.#taking, soonAfter(nothing)]);
    if (result !== nothing) this.#taking = undefined;
    return result;
  }

  settle(deliveries: readonly Delivery[], settlement: Settlement = done): boolean[] {
    return deliveries.map((delivery) => this.source.settle(delivery, settlement));
  }
}

/** Long enough for a take to be answered, if it can be. */
async function soonAfter<T>(value: T): Promise<T> {
  await turn();
  await turn();
  return value;
}

export async function consume(channel: Channel, options: Partial<ConsumeOptions> = {}): Promise<Consumer> {
  const lost: Delivery[] = [];
  const onLost = (deliveries: readonly Delivery[]): void => void lost.push(...deliveries);
  const source = await channel.consume({ group: "", leaseMs, from: "earliest", member: undefined, onLost, ...options });
  return new Consumer(source, lost);
}

export async function sendAll(channel: Channel, values: readonly string[]): Promise<void> {
  await channel.publishAll(values.map((value) => message(value)));
}

export function numbered(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, index) => String(from + index));
}

/** What the promise is rejected with; undefined when it is not. Begins to listen at once, so nothing goes unhandled meanwhile. */
export function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
