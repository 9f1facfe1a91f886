/** plainjob, a queue library over SQLite. It asks SQLite for `synchronous=NORMAL`; here it is FULL, for equal durability. */
import { join } from "node:path";
import type { Contender } from "../contest.js";
import { DrainRounds, rateOf } from "../work.js";
import {
  type BetterSqlite,
  type Database,
  type Plainjob,
  type PlainjobLogger,
  type PlainjobQueue,
  loadPeer,
} from "./installed.js";

const type = "message";
const silent = (): void => undefined;
const logger: PlainjobLogger = { debug: silent, info: silent, warn: silent, error: silent };

interface Opened {
  readonly library: Plainjob;
  readonly queue: PlainjobQueue;
}

async function openQueue(directory: string, serializer?: (data: unknown) => string): Promise<Opened> {
  const { default: open } = await loadPeer<BetterSqlite>("better-sqlite3");
  const library = await loadPeer<Plainjob>("plainjob");
  const database: Database = new open(join(directory, "queue.db"));
  const queue = library.defineQueue({
    connection: library.better(database),
    logger,
    ...(serializer === undefined ? {} : { serializer }),
  });
  database.pragma("synchronous = FULL");
  return { library, queue };
}

/** Messages a second. */
export class PlainjobSends implements Contender {
  readonly name: string;
  readonly #options: { readonly values: readonly unknown[]; readonly together: number };
  #queue: PlainjobQueue | undefined;

  constructor(options: { readonly values: readonly unknown[]; readonly together: number }) {
    this.#options = options;
    this.name = options.together === 1 ? "plainjob" : `plainjob-${options.together}`;
  }

  async open(directory: string): Promise<void> {
    this.#queue = (await openQueue(directory, textOf)).queue;
  }

  async round(seconds: number): Promise<readonly number[]> {
    const { values, together } = this.#options;
    const queue = this.#queue as PlainjobQueue;
    let next = 0;
    return rateOf(seconds, () => {
      if (together === 1) queue.add(type, values[next++ % values.length]);
      else queue.addMany(type, values);
      return together;
    });
  }

  async close(): Promise<void> {
    this.#queue?.close();
  }
}

/** It stores texts only: bytes become base64, everything else JSON. */
function textOf(value: unknown): string {
  return value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64")
    : JSON.stringify(value);
}

/** Its worker, which takes one after the other. Messages a second. */
export class PlainjobHandles implements Contender {
  readonly name: string = "plainjob";
  readonly #values: readonly Uint8Array[];
  readonly #rounds: DrainRounds;
  #opened: Opened | undefined;

  constructor(values: readonly Uint8Array[]) {
    this.#values = values;
    this.#rounds = new DrainRounds({
      fill: async (messages) => {
        for (let filled = 0; filled < messages; filled += values.length)
          this.#opened?.queue.addMany(type, this.#values);
      },
      drain: (messages) => this.#drain(messages),
    });
  }

  async open(directory: string): Promise<void> {
    this.#opened = await openQueue(directory, textOf);
  }

  async #drain(messages: number): Promise<void> {
    const { library, queue } = this.#opened as Opened;
    let left = messages;
    const worker = library.defineWorker(type, () => void (--left === 0 && worker.stop()), { queue, logger });
    await worker.start();
  }

  prepare(seconds: number): Promise<void> {
    return this.#rounds.prepare(seconds);
  }

  round(): Promise<readonly number[]> {
    return this.#rounds.round();
  }

  async close(): Promise<void> {
    this.#opened?.queue.close();
  }
}
