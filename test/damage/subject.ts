/**
 * A small data directory, made by the real driver: a queue, a stream and a topic, each partly settled, with so little
 * room everywhere that segments, settle pages, large batches and several files of the write-ahead log come to be.
 */
import { defaultLimits, type Limits } from "../../src/base/limits.js";
import { seededRandom } from "../../src/base/random.js";
import type { ChannelSpec, DeclaredChannel, Driver, IncomingMessage, Source } from "../../src/driver.js";
import { openOn } from "../../src/drivers/embedded/index.js";
import { SimulatedDisk } from "../../src/disk/simulated.js";
import { ManualClock, turn } from "../../src/testing/manual-clock.js";
import { loggerInto } from "../log/log-world.js";

const limits: Limits = {
  ...defaultLimits,
  walFileBytes: 1_024,
  checkpointBytes: 1_000_000,
  walBytesMax: 10_000_000,
  segmentBytes: 400,
  partitionTailBytes: 150,
  directBytesMin: 300,
  reserveBytes: 0,
};

const plain: Omit<ChannelSpec, "kind" | "name"> = {
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

const jobs: ChannelSpec = { ...plain, kind: "queue", name: "jobs" };
const events: ChannelSpec = { ...plain, kind: "stream", name: "events", partitions: 2 };
const news: ChannelSpec = { ...plain, kind: "topic", name: "news" };

export interface Opened {
  readonly driver: Driver;
  /** What the log has told: each line as "level: message". */
  readonly said: string[];
}

export async function open(disk: SimulatedDisk): Promise<Opened> {
  const said: string[] = [];
  const clock = new ManualClock();
  const driver = await openOn(disk, {
    name: "embedded",
    release: () => {},
    clock,
    random: seededRandom(1),
    durability: "fsync",
    limits,
    logger: loggerInto(said),
  });
  return { driver, said };
}

/** What can be seen of a directory: messages as "channel/partition/offset" with their values. */
export interface Seen {
  readonly channels: readonly string[];
  /** Of the stream, everything; of each group of the others, what it has not settled. By reader. */
  readonly messages: Readonly<Record<string, ReadonlyMap<string, string>>>;
  /** How far the stream's group is, by partition. */
  readonly committed: readonly string[];
}

export const readers = ["jobs", "news:a", "news:b", "events"] as const;

/** Changes nothing but what opening changes. */
export async function look({ driver }: Opened): Promise<Seen> {
  const { admin } = driver;
  const channels = (await admin.channels()).map((channel) => channel.name).sort();
  const messages: Record<string, ReadonlyMap<string, string>> = {};
  for (const reader of readers) {
    const [channel = "", group = ""] = reader.split(":");
    if (!channels.includes(channel)) continue;
    messages[reader] =
      reader === "events"
        ? await readStream(driver)
        : placed(channel, await admin.peek(channel, { group, limit: 1_000, after: undefined }));
  }
  const lag = channels.includes("events") ? await admin.lag("events", "audit") : [];
  return {
    channels,
    messages,
    committed: lag.map(({ partition, committed, end }) => `${partition}: ${committed} of ${end}`),
  };
}

async function readStream(driver: Driver): Promise<ReadonlyMap<string, string>> {
  const channel = await driver.declare(events);
  const all: IncomingMessage[] = [];
  for await (const messages of channel.read({
    from: "earliest",
    until: "end",
    partition: undefined,
    signal: undefined,
  }))
    all.push(...messages);
  return placed("events", all);
}

function placed(channel: string, messages: readonly IncomingMessage[]): ReadonlyMap<string, string> {
  return new Map(
    messages.map(({ partition, offset, value }) => [
      `${channel}/${partition}/${offset}`,
      Buffer.from(value).toString(),
    ]),
  );
}

/** As it is on the disk when everything is done, and when its process has just been killed. */
export async function makeDirectory(end: "closed" | "killed"): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  disk.makeDirectory("");
  const { driver } = await open(disk);
  const channels = {
    jobs: await driver.declare(jobs),
    events: await driver.declare(events),
    news: await driver.declare(news),
  };
  const work = new Work(channels);
  await work.send(0, 5);
  await work.settle();
  if (end === "killed") {
    // A checkpoint, and work behind it.
    await driver.close();
    const again = await open(disk);
    const redeclared = {
      jobs: await again.driver.declare(jobs),
      events: await again.driver.declare(events),
      news: await again.driver.declare(news),
    };
    const more = new Work(redeclared);
    await turn();
    await more.send(5, 7);
    await more.settle();
    await turn();
    return disk.afterKill();
  }
  await driver.close();
  return disk.afterKill();
}

class Work {
  readonly #channels: Record<"jobs" | "events" | "news", DeclaredChannel>;

  constructor(channels: Record<"jobs" | "events" | "news", DeclaredChannel>) {
    this.#channels = channels;
  }

  async send(from: number, to: number): Promise<void> {
    // Both groups of the topic begin with its first message.
    for (const group of ["a", "b"]) await (await this.#source("news", group)).close();
    for (let number = from; number < to; number++) {
      for (const [name, channel] of Object.entries(this.#channels)) {
        const bytes = number === 3 ? 320 : 60;
        await channel.publish({
          value: `${name} ${number} `.padEnd(bytes, "."),
          key: `key ${number}`,
          id: undefined,
          headers: undefined,
        });
      }
    }
  }

  /** Some of what there is, by each group, with holes between. */
  async settle(): Promise<void> {
    for (const [name, group, which] of [
      ["jobs", "", [1, 2]],
      ["events", "audit", [0, 1]],
      ["news", "a", [0, 2]],
    ] as const) {
      const source = await this.#source(name, group);
      const deliveries = await source.take(100);
      for (const index of which) {
        const delivery = deliveries[index];
        if (delivery !== undefined) source.settle(delivery, { kind: "done", sends: [] });
      }
      await source.flush();
      await source.close();
    }
  }

  #source(name: "jobs" | "events" | "news", group: string): Promise<Source> {
    return this.#channels[name].consume({
      group,
      leaseMs: 30_000,
      from: "earliest",
      member: undefined,
      onLost: () => {},
    });
  }
}
