/** A log on a disk that can lose its power, under a clock that stands still, with a state machine small enough to check by eye. */
import type { ByteReader } from "../../src/base/bytes.js";
import { ByteWriter } from "../../src/base/bytes.js";
import type { Durability } from "../../src/base/durability.js";
import { defaultLimits, type Limits } from "../../src/base/limits.js";
import type { Logger } from "../../src/base/logger.js";
import { type CrashStyleName, SimulatedDisk, type SimulatedDiskOptions } from "../../src/disk/simulated.js";
import { Log } from "../../src/log/log.js";
import type { Partition } from "../../src/log/partition/partition.js";
import type { PageChange, StateMachine, StateSnapshot, StateSource, StateWriter } from "../../src/log/state.js";
import { ManualClock } from "../../src/testing/manual-clock.js";

/** So small that every mechanism has its turn within a few records. */
export const tinyLimits: Limits = {
  ...defaultLimits,
  walFileBytes: 4096,
  checkpointBytes: 1_000_000,
  walBytesMax: 1_000_000,
  segmentBytes: 700,
  partitionTailBytes: 100_000,
  tailBytes: 1_000_000,
  directBytesMin: 100_000,
  reserveBytes: 0,
};

const setEntry = 1;
const pageEntry = 2;

/** Named values, and pages of bytes. */
export class Notebook implements StateMachine, StateSource {
  readonly meta: (entry: unknown) => void = (entry) => void this.declared.push(entry);
  readonly declared: unknown[] = [];
  readonly values = new Map<string, string>();
  readonly pages = new Map<string, Buffer>();
  readonly #changedValues = new Set<string>();
  readonly #changedPages = new Set<string>();
  #unstoredPages = new Set<string>();

  set(name: string, value: string): this {
    this.values.set(name, value);
    this.#changedValues.add(name);
    return this;
  }

  /** `undefined`: the page is no longer needed. */
  setPage(file: string, page: number, content: string | undefined): this {
    const key = `${file}#${page}`;
    if (content === undefined) this.pages.delete(key);
    else this.pages.set(key, Buffer.from(content));
    this.#changedPages.add(key);
    this.#unstoredPages.add(key);
    return this;
  }

  get pageTexts(): Record<string, string> {
    return Object.fromEntries([...this.pages].map(([key, bytes]) => [key, bytes.toString()]).sort());
  }

  drain(writer: StateWriter): void {
    for (const name of this.#changedValues) {
      writer.entry(setEntry, (body) => {
        body.text(name);
        body.text(this.values.get(name) ?? "");
      });
    }
    this.#changedValues.clear();
    for (const key of this.#changedPages) {
      writer.entry(pageEntry, (body) => {
        body.text(key);
        body.text(this.pages.get(key)?.toString() ?? "");
      });
    }
    this.#changedPages.clear();
  }

  replay(type: number, body: ByteReader): void {
    const name = body.text();
    const value = body.text();
    if (type === setEntry) this.values.set(name, value);
    else if (value === "") this.pages.delete(name);
    else this.pages.set(name, Buffer.from(value));
    if (type === pageEntry) this.#unstoredPages.add(name);
  }

  restore(body: ByteReader): void {
    const count = body.varint();
    for (let index = 0; index < count; index++) this.values.set(body.text(), body.text());
  }

  restorePage(file: string, page: number, bytes: Uint8Array): void {
    this.pages.set(`${file}#${page}`, Buffer.from(bytes));
  }

  snapshot(): StateSnapshot {
    const body = new ByteWriter();
    body.varint(this.values.size);
    for (const [name, value] of this.values) {
      body.text(name);
      body.text(value);
    }
    const pages = [...this.#unstoredPages].map((key): PageChange => {
      const [file = "", page = ""] = key.split("#");
      return { file, page: Number(page), bytes: this.pages.get(key) };
    });
    this.#unstoredPages = new Set();
    return { body: body.copy(), pages };
  }
}

export interface LogWorldOptions {
  readonly limits?: Partial<Limits>;
  readonly disk?: SimulatedDiskOptions;
  readonly durability?: Durability;
}

export class LogWorld {
  readonly disk: SimulatedDisk;
  readonly clock: ManualClock;
  readonly log: Log;
  readonly state: Notebook;
  /** What the log said, each line as "level: message". */
  readonly said: string[];
  readonly #options: LogWorldOptions;

  private constructor(parts: Pick<LogWorld, "disk" | "clock" | "log" | "state" | "said">, options: LogWorldOptions) {
    this.disk = parts.disk;
    this.clock = parts.clock;
    this.log = parts.log;
    this.state = parts.state;
    this.said = parts.said;
    this.#options = options;
  }

  static open(options: LogWorldOptions = {}): Promise<LogWorld> {
    const disk = new SimulatedDisk(options.disk);
    disk.makeDirectory("");
    return LogWorld.openOn(disk, options);
  }

  static async openOn(disk: SimulatedDisk, options: LogWorldOptions = {}): Promise<LogWorld> {
    const state = new Notebook();
    const clock = new ManualClock();
    const said: string[] = [];
    const log = await Log.open({
      disk,
      clock,
      state,
      limits: { ...tinyLimits, ...options.limits },
      durability: options.durability ?? "fsync",
      logger: loggerInto(said),
    });
    return new LogWorld({ disk, clock, log, state, said }, options);
  }

  /** Appends one record for each value, in one commit if nothing else gathers. Resolves once they are durable. */
  async send(partition: Partition, ...values: string[]): Promise<void> {
    const durable = this.durable(() => {
      for (const value of values) this.log.append(partition, plain(value), this.clock.nowMs());
    });
    await durable;
  }

  /** Changes the state. Resolves once that is durable. */
  async note(name: string, value: string): Promise<void> {
    await this.durable(() => this.log.touch(this.state.set(name, value)));
  }

  /** Resolves once what `work` did is durable; rejects with why it never will be. */
  durable(work: () => void): Promise<void> {
    work();
    return new Promise((durable, failed) => this.log.onDurable({ durable, failed }));
  }

  /** The process dies now, and another one opens what it has left. */
  kill(options: LogWorldOptions = {}): Promise<LogWorld> {
    return LogWorld.openOn(this.disk.afterKill(options.disk), { ...this.#options, ...options });
  }

  /** The power fails now. */
  cutPower(style: CrashStyleName = "nothing-unsynced", options: LogWorldOptions = {}): Promise<LogWorld> {
    return LogWorld.openOn(
      this.disk.afterCrash(style, () => 0.5, options.disk),
      { ...this.#options, ...options },
    );
  }

  /** Closed in order, and opened again. */
  async restart(options: LogWorldOptions = {}): Promise<LogWorld> {
    await this.log.close();
    return this.kill(options);
  }
}

export function plain(value: string): { value: string; key: undefined; id: undefined; headers: undefined } {
  return { value, key: undefined, id: undefined, headers: undefined };
}

/** The values of all committed records from `fromOffset` on. */
export function valuesOf(partition: Partition, fromOffset = 0): string[] {
  const reader = partition.reader(fromOffset);
  const values: string[] = [];
  for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
    for (const record of batch.records(fromOffset)) values.push(Buffer.from(record.value).toString());
  }
  return values;
}

export function loggerInto(said: string[]): Logger {
  const say =
    (level: string) =>
    (_fields: Readonly<Record<string, unknown>>, message: string): void =>
      void said.push(`${level}: ${message}`);
  return { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
}

/** The names of the files in a directory of the disk, sorted. */
export function filesIn(disk: SimulatedDisk, directory: string): string[] {
  return disk
    .files()
    .filter((path) => path.startsWith(`${directory}/`))
    .map((path) => path.slice(directory.length + 1));
}
