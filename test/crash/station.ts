/** Where a process works on the engine and writes down what it does and is told. */
import { hasCode } from "../../src/base/errors.js";
import type { DeclaredChannel, Driver, OutgoingMessage, StagedMessage } from "../../src/driver.js";
import { SimulatedCrash } from "../../src/disk/simulated.js";
import type { Happening, SentMessage } from "./history.js";
import type { ChannelName, SendWith } from "./operations.js";
import type { Scene } from "./scenes.js";
import { raisedPartitions, specs } from "./subject.js";

export interface StationOptions {
  readonly scene: Scene;
  note(happening: Happening): void;
  nowMs(): number;
  /** Of the last message that was ever sent. */
  readonly lastNumber: number;
}

interface MessageWith extends SendWith {
  readonly moved?: boolean;
}

export class Station {
  readonly note: (happening: Happening) => void;
  readonly #options: StationOptions;
  #driver: Driver | undefined;
  readonly #channels = new Map<string, DeclaredChannel>();
  #number: number;
  #lastId: string | undefined;

  constructor(options: StationOptions) {
    this.#options = options;
    this.note = (happening) => options.note(happening);
    this.#number = options.lastNumber;
  }

  /** In words: the first thing that went wrong and that nothing explains which was done to the process. */
  failure: string | undefined;

  get driver(): Driver {
    if (this.#driver === undefined) throw new Error("the station has no engine");
    return this.#driver;
  }

  async begin(driver: Driver): Promise<void> {
    this.#driver = driver;
    this.#channels.clear();
    const stored = new Map((await driver.admin.channels()).map((info) => [info.name, info.partitions]));
    for (const name of this.scene.channels) await this.declare(name, stored.get(name));
  }

  get scene(): Scene {
    return this.#options.scene;
  }

  nowMs(): number {
    return this.#options.nowMs();
  }

  raise(): Promise<void> {
    return this.declare("events", raisedPartitions);
  }

  async declare(name: string, partitions?: number): Promise<void> {
    const spec = name in specs ? specs[name as ChannelName] : { ...specs.jobs, name };
    this.#channels.set(name, await this.driver.declare(partitions === undefined ? spec : { ...spec, partitions }));
    this.note({ what: "declared", name });
    if (partitions !== undefined) this.note({ what: "declared", name: `${name} of ${partitions}` });
  }

  channel(name: ChannelName): DeclaredChannel {
    return this.#channels.get(name) as DeclaredChannel;
  }

  message(channel: ChannelName, { priority, delayMs, again, moved = false }: MessageWith = {}): SentMessage {
    const number = ++this.#number;
    const message = { number, channel, key: `k${number % 3}`, atMs: this.#options.nowMs(), moved, priority, delayMs };
    if (specs[channel].dedupMs === undefined) return { ...message, id: undefined };
    if (again !== true || this.#lastId === undefined) this.#lastId = `i${number}`;
    return { ...message, id: this.#lastId };
  }

  staged(message: SentMessage): StagedMessage {
    return { channel: this.channel(message.channel), message: outgoing(message) };
  }

  /** Of an error that must not be: an engine may refuse only for the reasons it has a code for. */
  refused(error: unknown): void {
    if (!isRefusal(error)) this.failure ??= inWords(error);
  }
}

const refusals = ["LOG_FENCED", "DISK_FULL", "DISK_FAILED", "CLOSED"] as const;

export function isRefusal(error: unknown): boolean {
  return error instanceof SimulatedCrash || refusals.some((code) => hasCode(error, code));
}

export function inWords(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

export function outgoing(message: SentMessage): OutgoingMessage {
  // Long enough that a batch of a few spans sectors.
  const { number, key, id, priority, delayMs } = message;
  return { value: `${number}`.padEnd(60, "."), key, id, headers: undefined, priority, delayMs };
}

export function numberOf(delivery: { readonly value: Uint8Array }): number {
  return Number.parseInt(
    Buffer.from(delivery.value.buffer, delivery.value.byteOffset, delivery.value.length).toString("latin1"),
    10,
  );
}
