/** What the next process finds: opens the disk and takes everything there is. */
import type { DeclaredChannel, IncomingDelivery, IncomingMessage } from "../../src/driver.js";
import type { SimulatedDisk } from "../../src/disk/simulated.js";
import type { Discovery, Found } from "./judge.js";
import { channelNames, channelOf, type ReaderName, readerNames } from "./operations.js";
import { leaseMs, specs, Subject } from "./subject.js";
import { numberOf } from "./world.js";

let discoveries = 0;

/** `recovered` is called once the disk is open. */
export async function discover(disk: SimulatedDisk, recovered: () => void): Promise<Discovery> {
  const subject = new Subject(disk);
  const driver = await subject.open();
  await subject.rest();
  recovered();
  const infos = await driver.admin.channels();
  const declared = new Map<string, DeclaredChannel>();
  for (const name of channelNames) declared.set(name, await driver.declare(specs[name]));
  // Whatever waits for its retry is due now.
  await subject.advance(10_000);
  const handed = new Map<ReaderName, readonly Found[]>();
  for (const reader of readerNames) {
    const group = reader.split(":")[1] ?? "";
    const channel = declared.get(channelOf(reader)) as DeclaredChannel;
    const source = await channel.consume({ group, leaseMs, from: "earliest", member: undefined, onLost: () => {} });
    const messages: Found[] = [];
    let arrived = true;
    while (arrived) {
      arrived = false;
      void source.take(1_000).then((deliveries) => {
        messages.push(...deliveries.map(foundDelivery));
        arrived = deliveries.length > 0;
      });
      await subject.rest();
    }
    handed.set(reader, messages);
  }
  const stream: Found[] = [];
  const read = (declared.get("events") as DeclaredChannel).read({ from: "earliest", until: "end", partition: undefined, signal: undefined });
  for await (const messages of read) stream.push(...messages.map((message) => ({ ...foundMessage(message), attempt: 0 })));
  // Closing costs as much as all the rest; whether it works is seen often enough.
  if (++discoveries % 16 === 0) await driver.close();
  return { handed, stream, channels: new Set(infos.map((info) => info.name)) };
}

function foundDelivery(delivery: IncomingDelivery): Found {
  return { ...foundMessage(delivery), attempt: delivery.attempt };
}

function foundMessage(message: IncomingMessage): Omit<Found, "attempt"> {
  return { number: numberOf(message), partition: message.partition ?? 0, offset: Number(message.offset) };
}
