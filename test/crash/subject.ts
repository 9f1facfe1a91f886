/** The real engine over a disk, with limits so small that every mechanism has its turn within a few messages. */
import type { Clock } from "../../src/base/clock.js";
import { defaultLimits, type Limits } from "../../src/base/limits.js";
import { silentLogger } from "../../src/base/logger.js";
import { seededRandom } from "../../src/base/random.js";
import type { ChannelSpec, Driver } from "../../src/driver.js";
import type { Disk } from "../../src/disk/disk.js";
import { EmbeddedDriver } from "../../src/drivers/embedded/driver.js";
import { Engine } from "../../src/engine/engine.js";
import { rest, StepClock } from "./clock.js";
import type { ChannelName } from "./operations.js";

export const leaseMs = 30_000;

export const smallLimits: Limits = {
  ...defaultLimits,
  walFileBytes: 4096,
  checkpointBytes: 3000,
  walBytesMax: 64 * 1024,
  segmentBytes: 700,
  partitionTailBytes: 250,
  tailBytes: 800,
  directBytesMin: 400,
  reserveBytes: 0,
  dueInMemory: 2,
  compactionBytes: 100,
};

/** So that a group can be moved in all partitions in one commit. */
export const movableLimits: Limits = { ...smallLimits, walFileBytes: 8192 };

/** How long the stream keeps its messages. */
export const retentionMs = 120_000;

/** How long an id counts, and up to a tenth more. */
export const dedupMs = 60_000;

/** Partitions of the stream once they were raised. */
export const raisedPartitions = 3;

/** Messages in the queue that drops. */
export const boundedMessages = 4;

const queue: ChannelSpec = {
  kind: "queue",
  name: "jobs",
  partitions: 1,
  durable: true,
  retention: { timeMs: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
  capacity: { messages: 1_000_000, bytes: Number.POSITIVE_INFINITY, whenFull: "block" },
  order: "none",
  priorities: 1,
  dedupMs: undefined,
  expiresMs: undefined,
  compact: false,
  native: undefined,
};

export const specs: Readonly<Record<ChannelName, ChannelSpec>> = {
  jobs: queue,
  other: { ...queue, name: "other" },
  events: {
    ...queue,
    kind: "stream",
    name: "events",
    partitions: 2,
    retention: { timeMs: retentionMs, bytes: Number.POSITIVE_INFINITY },
  },
  news: { ...queue, kind: "topic", name: "news" },
  ranked: { ...queue, name: "ranked", priorities: 3, dedupMs },
  keyed: { ...queue, name: "keyed", order: "per-key" },
  bounded: {
    ...queue,
    name: "bounded",
    capacity: { messages: boundedMessages, bytes: Number.POSITIVE_INFINITY, whenFull: "drop-oldest" },
  },
  latest: { ...queue, kind: "stream", name: "latest", compact: true },
};

export interface SubjectOptions {
  readonly disk: Disk;
  readonly limits?: Limits;
  /** When it begins. */
  readonly nowMs?: number;
}

/** Engines one after the other on one disk, in a time of their own. */
export class Subject {
  readonly clock: StepClock;
  readonly #disk: Disk;
  readonly #limits: Limits;
  #engine: Engine | undefined;

  constructor({ disk, limits = smallLimits, nowMs }: SubjectOptions) {
    this.#disk = disk;
    this.#limits = limits;
    this.clock = new StepClock(nowMs);
  }

  async open(): Promise<Driver> {
    this.#engine = undefined;
    this.#engine = await openEngine({ disk: this.#disk, clock: this.clock, limits: this.#limits });
    return new EmbeddedDriver(this.#engine, "embedded", () => {});
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** @throws what the log throws that can take none */
  async checkpoint(): Promise<void> {
    await this.#engine?.log.checkpoint();
  }

  async keep(): Promise<void> {
    await this.#engine?.keeper.pass();
  }

  rest(): Promise<void> {
    return rest();
  }
}

export function openEngine({
  disk,
  clock,
  limits,
}: {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly limits: Limits;
}): Promise<Engine> {
  return Engine.open({ disk, clock, random: seededRandom(1), durability: "fsync", limits, logger: silentLogger });
}
