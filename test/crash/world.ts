/** Runs operations on the real engine, and writes down what it did and was told. */
import { hasCode } from "../../src/base/errors.js";
import type { ChannelSpec, DeclaredChannel, Driver, IncomingDelivery, Receipt, Source, StagedMessage } from "../../src/driver.js";
import { SimulatedCrash } from "../../src/disk/simulated/calls.js";
import type { Happening, SentMessage } from "./history.js";
import { type ChannelName, channelNames, channelOf, type How, type Operation, type ReaderName, type Which } from "./operations.js";
import { leaseMs, specs, type Subject } from "./subject.js";

const retryLaterMs = 5_000;

interface Reader {
  readonly source: Source;
  /** Leased, in the order they were handed out. */
  held: IncomingDelivery[];
  /** A take that waits for a message. */
  taking: Promise<void> | undefined;
}

export class World {
  readonly history: Happening[] = [];
  readonly #subject: Subject;
  #driver: Driver | undefined;
  #channels = new Map<string, DeclaredChannel>();
  #readers = new Map<ReaderName, Reader>();
  #number = 0;
  #declaredCount = 0;
  #ended = false;

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  /** The first error that no crash explains. */
  failure: unknown;

  async open(): Promise<void> {
    this.#driver = await this.#subject.open();
    for (const name of channelNames) await this.#declare(specs[name]);
  }

  async run(operations: readonly Operation[]): Promise<void> {
    for (const operation of operations) await this.#perform(operation);
    await this.#subject.rest();
  }

  /** Nothing is written down any more: what happens now happens after the crash. */
  end(): void {
    this.#ended = true;
  }

  async close(): Promise<void> {
    await this.#driver?.close();
  }

  async #perform(operation: Operation): Promise<void> {
    switch (operation.do) {
      case "send":
        return this.#send(operation.to, operation.count, operation.await);
      case "transaction":
        return this.#transaction(operation.to);
      case "take":
        return this.#take(operation.from, operation.max);
      case "settle":
        return this.#settle(operation.from, operation.which, operation.how);
      case "flush":
        return this.#flush();
      case "advance":
        return this.#subject.advance(operation.ms);
      case "declare":
        return this.#declare({ ...specs.jobs, name: `extra-${++this.#declaredCount}` });
      case "checkpoint":
        return this.#subject.checkpoint(this.#driver as Driver);
      case "reopen":
        return this.#reopen();
    }
  }

  #note(happening: Happening): void {
    if (!this.#ended) this.history.push(happening);
  }

  async #declare(spec: ChannelSpec): Promise<void> {
    this.#channels.set(spec.name, await (this.#driver as Driver).declare(spec));
    this.#note({ what: "declared", name: spec.name });
  }

  #message(channel: ChannelName): SentMessage {
    const number = ++this.#number;
    return { number, channel, key: `k${number % 3}` };
  }

  async #send(channel: ChannelName, count: number, wait: boolean): Promise<void> {
    const declared = this.#channels.get(channel) as DeclaredChannel;
    const messages = Array.from({ length: count }, () => this.#message(channel));
    // Each partition's share of a batch is stored together: one commit of its own for each is all that is promised.
    for (const message of messages) this.#note({ what: "sent", messages: [message] });
    const done = this.#acknowledged(declared.publishAll(messages.map(outgoing)), messages);
    if (wait) await done;
  }

  async #transaction(channels: readonly ChannelName[]): Promise<void> {
    const messages = channels.map((channel) => this.#message(channel));
    this.#note({ what: "sent", messages });
    await this.#acknowledged((this.#driver as Driver).commit(messages.map((message) => this.#staged(message))), messages);
  }

  async #acknowledged(outcome: Promise<readonly Receipt[]>, messages: readonly SentMessage[]): Promise<void> {
    try {
      await outcome;
      this.#note({ what: "acknowledged", messages });
    } catch (error) {
      this.#refused(error);
    }
  }

  async #take(from: ReaderName, max: number): Promise<void> {
    const reader = await this.#reader(from);
    if (reader.taking !== undefined) return;
    reader.taking = this.#takeInto(reader, from, max);
    await this.#subject.rest();
  }

  async #takeInto(reader: Reader, from: ReaderName, max: number): Promise<void> {
    try {
      const deliveries = await reader.source.take(max);
      reader.taking = undefined;
      for (const delivery of deliveries) {
        reader.held.push(delivery);
        this.#note({ what: "handed", reader: from, message: numberOf(delivery), attempt: delivery.attempt });
      }
    } catch (error) {
      this.#refused(error);
    }
  }

  async #settle(from: ReaderName, which: Which, how: How): Promise<void> {
    const reader = await this.#reader(from);
    const chosen = which === "all" ? reader.held : which === "first" ? reader.held.slice(0, 1) : reader.held.slice(-1);
    reader.held = reader.held.filter((delivery) => !chosen.includes(delivery));
    for (const delivery of chosen) this.#settleOne(reader, { from, delivery, how });
  }

  #settleOne(reader: Reader, { from, delivery, how }: { from: ReaderName; delivery: IncomingDelivery; how: How }): void {
    const { source } = reader;
    if (how === "release") source.settle(delivery, { kind: "release" });
    else if (how === "retry-now" || how === "retry-later") {
      source.settle(delivery, { kind: "retry", delayMs: how === "retry-now" ? 0 : retryLaterMs, counts: true });
    } else this.#done(source, { from, delivery, sends: how === "move" ? [this.#message("other")] : [] });
  }

  #done(source: Source, { from, delivery, sends }: { from: ReaderName; delivery: IncomingDelivery; sends: readonly SentMessage[] }): void {
    // Written down before the call: a crash inside it may leave either.
    this.#note({ what: "settled", reader: from, message: numberOf(delivery), sends });
    const index = this.history.length - 1;
    try {
      const settled = source.settle(delivery, { kind: "done", sends: sends.map((message) => this.#staged(message)) });
      if (!settled && !this.#ended) this.history.splice(index, 1);
    } catch (error) {
      if (!this.#ended) this.history.splice(index, 1);
      this.#refused(error);
    }
  }

  async #flush(): Promise<void> {
    const before = this.history.length;
    try {
      for (const reader of this.#readers.values()) await reader.source.flush();
      if (this.#readers.size > 0) this.#note({ what: "flushed", before });
    } catch (error) {
      this.#refused(error);
    }
  }

  async #reopen(): Promise<void> {
    const before = this.history.length;
    await this.close();
    this.#note({ what: "flushed", before });
    this.#readers = new Map();
    this.#channels = new Map();
    await this.open();
  }

  async #reader(name: ReaderName): Promise<Reader> {
    const known = this.#readers.get(name);
    if (known !== undefined) return known;
    const channel = this.#channels.get(channelOf(name)) as DeclaredChannel;
    const group = name.split(":")[1] ?? "";
    const lost = (deliveries: readonly IncomingDelivery[]): void => {
      reader.held = reader.held.filter((held) => !deliveries.includes(held));
    };
    const source = await channel.consume({ group, leaseMs, from: "earliest", member: undefined, onLost: lost });
    const reader: Reader = { source, held: [], taking: undefined };
    this.#readers.set(name, reader);
    return reader;
  }

  #staged(message: SentMessage): StagedMessage {
    return { channel: this.#channels.get(message.channel) as DeclaredChannel, message: outgoing(message) };
  }

  #refused(error: unknown): void {
    if (error instanceof SimulatedCrash || hasCode(error, "LOG_FENCED") || hasCode(error, "DISK_FULL") || hasCode(error, "CLOSED")) return;
    this.failure ??= error;
  }
}



export function numberOf(delivery: { readonly value: Uint8Array }): number {
  return Number.parseInt(Buffer.from(delivery.value).toString("latin1"), 10);
}

function outgoing(message: SentMessage): { value: string; key: string; id: undefined; headers: undefined } {
  // Long enough that a batch of a few spans sectors.
  return { value: `${message.number}`.padEnd(60, "."), key: message.key, id: undefined, headers: undefined };
}
