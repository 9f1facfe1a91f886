/** The real engine over a simulated disk, with limits so small that every mechanism has its turn within a few messages. */
import { defaultLimits, type Limits } from "../../src/base/limits.js";
import { silentLogger } from "../../src/base/logger.js";
import type { ChannelSpec, Driver } from "../../src/driver.js";
import type { SimulatedDisk } from "../../src/disk/simulated.js";
import { EmbeddedDriver } from "../../src/drivers/embedded/driver.js";
import { Engine } from "../../src/engine/engine.js";
import { rest, StepClock } from "./clock.js";
import type { ChannelName } from "./operations.js";

export const leaseMs = 30_000;

const limits: Limits = {
  ...defaultLimits,
  walFileBytes: 4096,
  checkpointBytes: 3000,
  walBytesMax: 64 * 1024,
  segmentBytes: 700,
  partitionTailBytes: 250,
  tailBytes: 800,
  directBytesMin: 400,
  reserveBytes: 0,
};

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
  events: { ...queue, kind: "stream", name: "events", partitions: 2, retention: { timeMs: 604_800_000, bytes: Number.POSITIVE_INFINITY } },
  news: { ...queue, kind: "topic", name: "news" },
};

export class Subject {
  readonly #disk: SimulatedDisk;
  readonly #clock = new StepClock();
  #engine: Engine | undefined;

  constructor(disk: SimulatedDisk) {
    this.#disk = disk;
  }

  async open(): Promise<Driver> {
    this.#engine = await Engine.open({ disk: this.#disk, clock: this.#clock, durability: "fsync", limits, logger: silentLogger });
    return new EmbeddedDriver(this.#engine, "embedded", () => {});
  }

  advance(ms: number): Promise<void> {
    return this.#clock.advance(ms);
  }

  async checkpoint(_driver: Driver): Promise<void> {
    await this.#engine?.log.checkpoint();
  }

  rest(): Promise<void> {
    return rest();
  }
}
