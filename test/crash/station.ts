/** Where a process works on the engine and writes down what it does and is told. */
import { hasCode } from "../../src/base/errors.js";
import type { DeclaredChannel, Driver, OutgoingMessage, StagedMessage } from "../../src/driver.js";
import { SimulatedCrash } from "../../src/disk/simulated.js";
import type { Happening, SentMessage } from "./history.js";
import { type ChannelName, channelNames } from "./operations.js";
import { specs } from "./subject.js";

export interface StationOptions {
  note(happening: Happening): void;
  nowMs(): number;
  /** Of the last message that was ever sent. */
  readonly lastNumber: number;
}

export class Station {
  readonly note: (happening: Happening) => void;
  readonly #options: StationOptions;
  #driver: Driver | undefined;
  readonly #channels = new Map<string, DeclaredChannel>();
  #number: number;

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
    for (const name of channelNames) await this.declare(name);
  }

  async declare(name: string): Promise<void> {
    const spec = channelNames.includes(name as ChannelName) ? specs[name as ChannelName] : { ...specs.jobs, name };
    this.#channels.set(name, await this.driver.declare(spec));
    this.note({ what: "declared", name });
  }

  channel(name: ChannelName): DeclaredChannel {
    return this.#channels.get(name) as DeclaredChannel;
  }

  message(channel: ChannelName, moved = false): SentMessage {
    const number = ++this.#number;
    return { number, channel, key: `k${number % 3}`, atMs: this.#options.nowMs(), moved };
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
  return { value: `${message.number}`.padEnd(60, "."), key: message.key, id: undefined, headers: undefined };
}

export function numberOf(delivery: { readonly value: Uint8Array }): number {
  return Number.parseInt(
    Buffer.from(delivery.value.buffer, delivery.value.byteOffset, delivery.value.length).toString("latin1"),
    10,
  );
}
