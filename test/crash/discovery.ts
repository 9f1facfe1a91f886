/** What the next process finds: opens a disk and takes everything there is. */
import type { DeclaredChannel, IncomingDelivery, IncomingMessage } from "../../src/driver.js";
import type { Disk } from "../../src/disk/disk.js";
import type { SentMessage } from "./history.js";
import type { Discovery, Found } from "./judge.js";
import { channelNames, channelOf, groupOf, type ReaderName, readerNames } from "./operations.js";
import { numberOf, outgoing } from "./station.js";
import { leaseMs, specs, Subject } from "./subject.js";

/** Longer than a retry waits. */
const patienceMs = 10_000;

const deliveriesAtOnce = 1_000;

export interface DiscoveryOptions {
  /** When it is looked: time never goes back. */
  readonly nowMs: number;
  /** Called once the disk is open. */
  readonly recovered?: () => void;
  /** Whether to close it in the end. */
  readonly close?: boolean;
  /** Sent once everything was taken. */
  readonly send?: readonly SentMessage[];
}

export async function discover(disk: Disk, options: DiscoveryOptions): Promise<Discovery> {
  const subject = new Subject({ disk, nowMs: options.nowMs });
  const driver = await subject.open();
  await subject.rest();
  options.recovered?.();
  const infos = await driver.admin.channels();
  const channels = new Set(infos.map((info) => info.name));
  const declared = new Map<string, DeclaredChannel>();
  for (const name of channelNames) declared.set(name, await driver.declare(specs[name]));
  // Whatever waits for its retry is due now.
  await subject.advance(patienceMs);
  const sources = await Promise.all(
    readerNames.map(async (reader) => {
      const channel = declared.get(channelOf(reader)) as DeclaredChannel;
      const source = await channel.consume({
        group: groupOf(reader),
        leaseMs,
        from: "earliest",
        member: undefined,
        onLost: () => {},
      });
      return { reader, source, messages: [] as Found[], arrived: true };
    }),
  );
  while (sources.some((each) => each.arrived)) {
    for (const each of sources) {
      if (!each.arrived) continue;
      each.arrived = false;
      void each.source.take(deliveriesAtOnce).then((deliveries) => {
        each.messages.push(...deliveries.map(foundDelivery));
        each.arrived = deliveries.length > 0;
      });
    }
    await subject.rest();
  }
  const handed = new Map<ReaderName, readonly Found[]>(sources.map(({ reader, messages }) => [reader, messages]));
  for (const { source } of sources) source.stop();
  const stream = await readStream(declared.get("events") as DeclaredChannel);
  // Acknowledged, so whoever comes next has to find them.
  for (const message of options.send ?? [])
    await (declared.get(message.channel) as DeclaredChannel).publish(outgoing(message));
  if (options.close === true) await driver.close();
  return { nowMs: subject.clock.nowMs(), handed, stream, channels };
}

async function readStream(channel: DeclaredChannel): Promise<Found[]> {
  const found: Found[] = [];
  const read = channel.read({ from: "earliest", until: "end", partition: undefined, signal: undefined });
  for await (const messages of read)
    found.push(...messages.map((message) => ({ ...foundMessage(message), attempt: 0 })));
  return found;
}

function foundDelivery(delivery: IncomingDelivery): Found {
  return { ...foundMessage(delivery), attempt: delivery.attempt };
}

function foundMessage(message: IncomingMessage): Omit<Found, "attempt"> {
  return { number: numberOf(message), partition: message.partition ?? 0, offset: Number(message.offset) };
}
