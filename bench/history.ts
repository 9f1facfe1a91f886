/** A stream that lies in segments on the disk, and two ways to read it: through Millrace, and as bare files. */
import { type Message, type Millrace, type Stream, bytes, open, stream } from "millrace";
import type { Contender } from "./contest.js";
import { byteValues } from "./payloads.js";
import { rateOf } from "./work.js";
import { CachedReads, filesUnder } from "./yardsticks.js";

const messages = 200_000;
const messageBytes = 1_000;
const history: Stream<Uint8Array> = stream("history", { codec: bytes });

/** Closing writes what was still in memory to the segments: who opens the directory then has nothing in memory. */
async function write(directory: string): Promise<void> {
  const values = byteValues(messageBytes);
  const mill = await open(directory);
  for (let sent = 0; sent < messages; sent += values.length) await mill.sendAll(history, values);
  await mill.close();
}

/** Reads all of it, again and again. Gigabytes of values a second. */
export class StreamReads implements Contender {
  readonly name: string = "millrace";
  readonly #count: (mill: Millrace) => Promise<number>;
  #mill: Millrace | undefined;

  constructor(how: "messages" | "batches") {
    this.#count = how === "messages" ? countMessages : countBatches;
  }

  async open(directory: string): Promise<void> {
    await write(directory);
    this.#mill = await open(directory);
  }

  round(seconds: number): Promise<readonly number[]> {
    return rateOf(seconds, async () => {
      const read = await this.#count(this.#mill as Millrace);
      if (read !== messages) throw new Error(`read ${read} messages of ${messages}`);
      return (read * messageBytes) / 1e9;
    });
  }

  async close(): Promise<void> {
    await this.#mill?.close();
  }
}

async function countMessages(mill: Millrace): Promise<number> {
  let count = 0;
  let last: Message<Uint8Array> | undefined;
  for await (const message of mill.read(history, { until: "end" })) {
    count += 1;
    last = message;
  }
  return last === undefined ? 0 : count;
}

async function countBatches(mill: Millrace): Promise<number> {
  let count = 0;
  for await (const batch of mill.read(history, { until: "end" }).batches()) count += batch.length;
  return count;
}

/** The segments of a history like that, without us. Gigabytes a second. */
export class FileReads implements Contender {
  readonly name: string = "bare-segment-reads";
  #reads: CachedReads | undefined;

  async open(directory: string): Promise<void> {
    await write(directory);
    this.#reads = new CachedReads(filesUnder(directory, ".log"));
  }

  async round(seconds: number): Promise<readonly number[]> {
    return [this.#reads?.round(seconds) ?? 0];
  }

  async close(): Promise<void> {
    this.#reads?.close();
  }
}
