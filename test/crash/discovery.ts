/** What the next process finds: opens a disk and takes everything there is. */
import type { DeclaredChannel, Driver, IncomingDelivery, IncomingMessage, Source } from "../../src/driver.js";
import type { Disk } from "../../src/disk/disk.js";
import type { Happening, SentMessage } from "./history.js";
import type { Discovery, Found } from "./judge.js";
import { channelOf, type ChannelName, type ReaderName } from "./operations.js";
import { consuming } from "./readers.js";
import type { Scene } from "./scenes.js";
import { told } from "./senders.js";
import { numberOf, outgoing, Station } from "./station.js";
import { specs, Subject } from "./subject.js";

/** Longer than a retry waits, and a delayed message. */
const patienceMs = 10_000;

const deliveriesAtOnce = 1_000;

export interface DiscoveryOptions {
  readonly scene: Scene;
  /** When it is looked: time never goes back. */
  readonly nowMs: number;
  /** Called once the disk is open. */
  readonly recovered?: () => void;
  /** Whether to close it in the end. */
  readonly close?: boolean;
  /** Sent once everything was taken. */
  readonly send?: readonly SentMessage[];
}

export interface Discovered extends Discovery {
  /** What was sent once everything was taken, and what was said of it. */
  readonly further: readonly Happening[];
}

interface Taker {
  readonly reader: ReaderName;
  readonly source: Source;
  readonly messages: Found[];
  arrived: boolean;
}

export async function discover(disk: Disk, options: DiscoveryOptions): Promise<Discovered> {
  const { scene } = options;
  const subject = new Subject({ disk, limits: scene.limits, nowMs: options.nowMs });
  const driver = await subject.open();
  await subject.rest();
  options.recovered?.();
  const channels = await channelsOf(driver);
  const station = new Station({ scene, note: () => {}, nowMs: () => subject.clock.nowMs(), lastNumber: 0 });
  await station.begin(driver);
  const takers: Taker[] = [];
  const join = async (): Promise<void> => {
    for (const reader of scene.readers) {
      const source = await station.channel(channelOf(reader)).consume(consuming(reader, () => {}));
      takers.push({ reader, source, messages: [], arrived: true });
    }
  };
  // Where something waits for its time, what is handed out before that counts, too.
  if (scene.hasDelays) {
    await join();
    await takeAll(takers, subject);
  }
  // Whatever waits for its retry is due now.
  await subject.advance(patienceMs);
  if (!scene.hasDelays) await join();
  await takeAll(takers, subject);
  if (scene.readers.includes("keyed")) await seeParked(takers, { driver, nowMs: subject.clock.nowMs() });
  for (const { source } of takers) source.stop();
  const read = new Map<ChannelName, readonly Found[]>();
  for (const name of scene.channels)
    if (specs[name].kind === "stream") read.set(name, await readStream(station.channel(name)));
  const further: Happening[] = [];
  for (const message of options.send ?? []) further.push(...(await send(station, message)));
  if (options.close === true) await driver.close();
  const handed = new Map(takers.map(({ reader, messages }) => [reader, messages]));
  return { nowMs: subject.clock.nowMs(), handed, read, channels, further };
}

async function channelsOf(driver: Driver): Promise<ReadonlySet<string>> {
  const infos = await driver.admin.channels();
  const upTo = (partitions: number): number[] => Array.from({ length: partitions }, (_, index) => index + 1);
  return new Set(
    infos.flatMap(({ name, partitions }) => [name, ...upTo(partitions).map((count) => `${name} of ${count}`)]),
  );
}

async function takeAll(takers: readonly Taker[], subject: Subject): Promise<void> {
  do {
    for (const each of takers) {
      if (!each.arrived) continue;
      each.arrived = false;
      void each.source.take(deliveriesAtOnce).then((deliveries) => {
        each.messages.push(...deliveries.map((delivery) => foundDelivery(delivery, subject.clock.nowMs())));
        each.arrived = deliveries.length > 0;
      });
    }
    await subject.rest();
  } while (takers.some((each) => each.arrived));
}

/** What waits behind another message of its key is not handed out before that is settled. */
async function seeParked(
  takers: readonly Taker[],
  { driver, nowMs }: { readonly driver: Driver; readonly nowMs: number },
): Promise<void> {
  const messages = takers.find(({ reader }) => reader === "keyed")?.messages ?? [];
  const handed = new Set(messages.map(({ number }) => number));
  for (const each of await driver.admin.peek("keyed", { group: "", limit: 1_000, after: undefined })) {
    if (handed.has(numberOf(each))) continue;
    messages.push({ ...foundMessage(each), attempt: each.attempts + 1, waits: true, atMs: nowMs });
  }
}

/** Acknowledged, so whoever comes next has to find it. */
async function send(station: Station, message: SentMessage): Promise<readonly Happening[]> {
  const receipt = await station.channel(message.channel).publish(outgoing(message));
  return [{ what: "sent", messages: [message] }, ...told([message], [receipt], station.nowMs())];
}

async function readStream(channel: DeclaredChannel): Promise<Found[]> {
  const found: Found[] = [];
  const read = channel.read({ from: "earliest", until: "end", partition: undefined, signal: undefined });
  for await (const messages of read)
    found.push(...Array.from(messages, (each) => ({ ...foundMessage(each), attempt: 0, waits: false, atMs: 0 })));
  return found;
}

function foundDelivery(delivery: IncomingDelivery, atMs: number): Found {
  return { ...foundMessage(delivery), attempt: delivery.attempt, waits: false, atMs };
}

function foundMessage(message: IncomingMessage): Pick<Found, "number" | "partition" | "offset"> {
  return { number: numberOf(message), partition: message.partition ?? 0, offset: Number(message.offset) };
}
