/**
 * A process that works on a directory as hard as it can, until it is killed: `worker.js DIRECTORY FIRST-NUMBER SEED [LAST-JOB]`.
 * It says on standard output, which is a file, what it is about to do and what it was told; `model.ts` says how.
 */
import { writeSync } from "node:fs";
import { setImmediate, setTimeout } from "node:timers/promises";
import { seededRandom } from "../../src/base/random.js";
import type { DeclaredChannel, IncomingDelivery } from "../../src/driver.js";
import {
  channelOf,
  type ChannelName,
  delayMostMs,
  groupOf,
  jobOf,
  loggerFor,
  messageOf,
  numberOf,
  openPlant,
  type Plant,
  type ReaderName,
  readerNames,
} from "./plan.js";

const [directory = "", first = "1", seed = "1", lastJob = ""] = process.argv.slice(2);
const random = seededRandom(Number(seed));
const sendable = ["jobs", "events", "news"] as const;
/**
 * Unsettled messages from which on the senders wait for the readers. Half of what the stream keeps of one partition, if all of them
 * were there: nothing may expire before the group has read it.
 */
const backlogMost = 1_500;

let next = Number(first);
let backlog = 0;
let flushes = 0;
/** Of "jobs", by this process or those before it. */
let stored: readonly number[] = lastJob === "" ? [] : [Number(lastJob)];

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

function upTo(most: number): number {
  return 1 + Math.floor(random() * most);
}

function numbers(count: number): readonly number[] {
  const from = next;
  next += count;
  return Array.from({ length: count }, (_, index) => from + index);
}

async function sendOn({ channels }: Plant, name: ChannelName): Promise<void> {
  const count = random() < 0.5 ? 1 : upTo(200);
  const batch = numbers(count);
  say(`s ${batch[0]} ${batch.at(-1)} ${name}`);
  backlog += count;
  await channels[name].publishAll(batch.map(name === "jobs" ? jobOf : messageOf));
  say(`a ${batch[0]} ${batch.at(-1)}`);
  if (name === "jobs") await sendAgain(channels.jobs, batch[0] as number);
}

/** And the last of those before it: of what it was told that it is stored, nothing may be stored once more. */
async function sendAgain(jobs: DeclaredChannel, number: number): Promise<void> {
  const receipts = await jobs.publishAll([...stored, number].map(jobOf));
  const again = receipts.find(({ duplicate }) => !duplicate);
  if (again !== undefined) throw new Error(`${again.id} was stored, and had been already`);
  stored = [number];
}

async function transact({ driver, channels }: Plant): Promise<void> {
  const [job, event] = numbers(2) as [number, number];
  say(`t ${job} ${event}`);
  backlog += 2;
  await driver.commit([
    { channel: channels.jobs, message: jobOf(job) },
    { channel: channels.events, message: messageOf(event) },
  ]);
  say(`a ${job} ${event}`);
}

async function sendForever(plant: Plant): Promise<never> {
  for (;;) {
    while (backlog > backlogMost) await setTimeout(1);
    const chance = random();
    if (chance < 0.25) await transact(plant);
    else await sendOn(plant, sendable[Math.floor(random() * sendable.length)] as ChannelName);
  }
}

/** Of a stream only the last of what was taken comes back: those behind it would come back with it. */
function settle(
  plant: Plant,
  reader: ReaderName,
  { delivery, mayRetry }: { delivery: IncomingDelivery; mayRetry: boolean },
): void {
  const source = plant.sources[reader];
  const number = numberOf(delivery);
  const chance = random();
  if (mayRetry && chance < 0.15) {
    const delayMs = reader === "events:g" ? 0 : upTo(delayMostMs);
    source.settle(delivery, { kind: "retry", delayMs, counts: true });
    return;
  }
  const isMoved = reader === "jobs:" && chance < 0.4;
  const sent = isMoved ? numbers(1) : [];
  say(["d", reader, number, ...sent].join(" "));
  const sends = sent.map((each) => ({ channel: plant.channels.moved, message: messageOf(each) }));
  backlog += sends.length - 1;
  if (!source.settle(delivery, { kind: "done", sends })) throw new Error(`${reader} has lost the lease of ${number}`);
}

async function readForever(plant: Plant, reader: ReaderName): Promise<never> {
  const source = plant.sources[reader];
  for (;;) {
    const deliveries = await source.take(upTo(100));
    if (deliveries.length === 0) throw new Error(`${reader} was closed`);
    say(deliveries.map((delivery) => `h ${reader} ${numberOf(delivery)} ${delivery.attempt}`).join("\n"));
    for (const [index, delivery] of deliveries.entries()) {
      const mayRetry = reader !== "events:g" || index === deliveries.length - 1;
      settle(plant, reader, { delivery, mayRetry });
    }
    if (random() < 0.5) await flush(plant, reader);
    else await setImmediate();
  }
}

async function flush(plant: Plant, reader: ReaderName): Promise<void> {
  const id = ++flushes;
  say(`F ${id} ${reader}`);
  await plant.sources[reader].flush();
  say(`f ${id}`);
}

/** What those before it have left: they were killed, and their readers had not come far. */
async function leftBehind({ driver }: Plant): Promise<number> {
  let left = 0;
  for (const reader of readerNames) {
    for (const { messages } of await driver.admin.lag(channelOf(reader), groupOf(reader))) left += messages;
  }
  return left;
}

const complain = (fields: Readonly<Record<string, unknown>>, message: string): void => {
  const lost = fields.lost === undefined ? "" : ` (lost: ${JSON.stringify(fields.lost)})`;
  say(`! ${message}${lost}`.replaceAll("\n", " "));
};

try {
  const plant = await openPlant(directory, loggerFor(complain));
  backlog = await leftBehind(plant);
  say("o");
  await Promise.all([
    ...Array.from({ length: 8 }, () => sendForever(plant)),
    ...readerNames.map((reader) => readForever(plant, reader)),
  ]);
} catch (error) {
  say(`! ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`.replaceAll("\n", " "));
  process.exitCode = 1;
}
