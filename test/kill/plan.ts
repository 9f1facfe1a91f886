/** What the worker and its judge agree on: the channels, their readers, and what a message looks like. */
import { systemClock } from "../../src/base/clock.js";
import { defaultLimits, type Limits } from "../../src/base/limits.js";
import type { Logger } from "../../src/base/logger.js";
import { systemRandom } from "../../src/base/random.js";
import type { ChannelSpec, DeclaredChannel, Driver, OutgoingMessage, Source } from "../../src/driver.js";
import { openEmbedded } from "../../src/drivers/embedded/index.js";

const kibibyte = 1024;

/** So small that checkpoints, recycled files, sealed segments and direct batches all happen within a few milliseconds. */
const limits: Limits = {
  ...defaultLimits,
  messageBytesMax: 16 * kibibyte,
  walFileBytes: 64 * kibibyte,
  checkpointBytes: 96 * kibibyte,
  segmentBytes: 16 * kibibyte,
  partitionTailBytes: 2 * kibibyte,
  tailBytes: 16 * kibibyte,
  directBytesMin: 4 * kibibyte,
  reserveBytes: 0,
  dueInMemory: 16,
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

export const channelNames = ["jobs", "moved", "events", "news"] as const;
export type ChannelName = (typeof channelNames)[number];

const specs: Readonly<Record<ChannelName, ChannelSpec>> = {
  jobs: { ...queue, priorities: 3, dedupMs: 60_000 },
  moved: { ...queue, name: "moved" },
  events: {
    ...queue,
    kind: "stream",
    name: "events",
    partitions: 3,
    retention: { timeMs: Number.POSITIVE_INFINITY, bytes: 3 * kibibyte * kibibyte },
  },
  news: { ...queue, kind: "topic", name: "news" },
};

export const readerNames = ["jobs:", "moved:", "events:g", "news:a", "news:b"] as const;
export type ReaderName = (typeof readerNames)[number];

export function channelOf(reader: ReaderName): ChannelName {
  return reader.split(":")[0] as ChannelName;
}

export function groupOf(reader: ReaderName): string {
  return reader.split(":")[1] as string;
}

export interface Plant {
  readonly driver: Driver;
  readonly channels: Readonly<Record<ChannelName, DeclaredChannel>>;
  readonly sources: Readonly<Record<ReaderName, Source>>;
}

/** Opens the directory, and joins every group before anything is sent. */
export async function openPlant(directory: string, logger: Logger): Promise<Plant> {
  const driver = await openEmbedded(directory, {
    durability: "fsync",
    clock: systemClock,
    random: systemRandom,
    limits,
    logger,
  });
  const channels = {} as Record<ChannelName, DeclaredChannel>;
  for (const name of channelNames) channels[name] = await driver.declare(specs[name]);
  const sources = {} as Record<ReaderName, Source>;
  for (const reader of readerNames) {
    sources[reader] = await channels[channelOf(reader)].consume({
      group: groupOf(reader),
      leaseMs: 60_000,
      from: "earliest",
      member: undefined,
      onLost: () => {},
    });
  }
  return { driver, channels, sources };
}

type Complain = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** A logger for what must not be said after a kill. That a slot of the checkpoint was torn may be: the other one is there for that. */
export function loggerFor(complain: Complain): Logger {
  const warn: Complain = (fields, message) => {
    if (fields.kind !== "checkpoint-slot-damaged") complain(fields, message);
  };
  return { debug() {}, info() {}, warn, error: complain };
}

/** Nothing that waits for its time, or for its retry, waits for longer. */
export const delayMostMs = 20;

export function keyOf(number: number): string {
  return `k${number % 12}`;
}

/** Some are long, so that a batch of them is written directly to its segment. */
export function messageOf(number: number): OutgoingMessage {
  const length = number % 7 === 0 ? 2 * kibibyte : 40;
  return { value: `${number}`.padEnd(length, "."), key: keyOf(number), id: undefined, headers: undefined };
}

/** What is sent to "jobs" has an id, one of three priorities, and now and then waits for its time. */
export function jobOf(number: number): OutgoingMessage {
  const delayMs = number % 5 === 0 ? delayMostMs * ((number % 4) / 4) : undefined;
  return { ...messageOf(number), id: `job ${number}`, priority: 1 + (number % 3), delayMs };
}

export function numberOf({ value }: { readonly value: Uint8Array }): number {
  const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1");
  const number = Number.parseInt(text, 10);
  return text === messageOf(number).value ? number : Number.NaN;
}
