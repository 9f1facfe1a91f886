/** What a process finds that opens the directory: takes and reads everything, settles nothing. */
import { setTimeout } from "node:timers/promises";
import type { IncomingMessage } from "../../src/driver.js";
import type { Discovery, Found } from "./model.js";
import {
  channelOf,
  groupOf,
  loggerFor,
  numberOf,
  openPlant,
  type Plant,
  type ReaderName,
  readerNames,
} from "./plan.js";

/** Longer than a worker's retries wait. */
const retriesMs = 25;
const patienceMs = 10_000;

export async function look(directory: string, wrong: (what: string) => void): Promise<Discovery> {
  const complain = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    wrong(`opening says: ${message} ${JSON.stringify(fields)}`);
  };
  const plant = await openPlant(directory, loggerFor(complain));
  try {
    await setTimeout(retriesMs);
    const handed = new Map<ReaderName, readonly Found[]>();
    for (const reader of readerNames) handed.set(reader, await takeAll(plant, reader));
    return { handed, stream: await readStream(plant) };
  } finally {
    await plant.driver.close();
  }
}

async function takeAll({ driver, sources }: Plant, reader: ReaderName): Promise<readonly Found[]> {
  const [channel, group] = [channelOf(reader), groupOf(reader)];
  const waiting =
    channel === "events"
      ? (await driver.admin.lag(channel, group)).reduce((sum, { messages }) => sum + messages, 0)
      : (await driver.admin.peek(channel, { group, limit: 1_000_000, after: undefined })).length;
  const found: Found[] = [];
  while (found.length < waiting) {
    const deliveries = await Promise.race([sources[reader].take(1_000), setTimeout(patienceMs, [], { ref: false })]);
    if (deliveries.length === 0) throw new Error(`${reader} has ${waiting} messages and hands out ${found.length}`);
    for (const delivery of deliveries) found.push(foundOf(delivery, delivery.attempt));
  }
  return found;
}

async function readStream({ channels }: Plant): Promise<readonly Found[]> {
  const found: Found[] = [];
  const options = { from: "earliest", until: "end", partition: undefined, signal: undefined } as const;
  for await (const messages of channels.events.read(options))
    for (const message of messages) found.push(foundOf(message, 0));
  return found;
}

function foundOf(message: IncomingMessage, attempt: number): Found {
  return { number: numberOf(message), attempt, partition: message.partition ?? 0 };
}
