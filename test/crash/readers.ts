import type { ConsumeOptions, IncomingDelivery, Source } from "../../src/driver.js";
import type { SentMessage } from "./history.js";
import { channelOf, groupOf, type How, type ReaderName, type Which } from "./operations.js";
import { numberOf, type Station } from "./station.js";
import { leaseMs } from "./subject.js";

const retryLaterMs = 5_000;

interface Reader {
  readonly source: Source;
  /** Leased, in the order they were handed out. */
  held: IncomingDelivery[];
  isTaking: boolean;
}

let flushes = 0;

/** Takes and settles, and writes down what came of it. */
export class Readers {
  readonly #station: Station;
  readonly #readers = new Map<ReaderName, Reader>();

  constructor(station: Station) {
    this.#station = station;
  }

  get any(): boolean {
    return this.#readers.size > 0;
  }

  held(name: ReaderName): number {
    return this.#readers.get(name)?.held.length ?? 0;
  }

  /** Resolves once it was handed something, or cannot be. */
  async take(from: ReaderName, max: number): Promise<void> {
    const reader = await this.#reader(from);
    if (reader === undefined || reader.isTaking) return;
    reader.isTaking = true;
    try {
      for (const delivery of await reader.source.take(max)) {
        reader.held.push(delivery);
        const { attempt } = delivery;
        const atMs = this.#station.nowMs();
        this.#station.note({ what: "handed", reader: from, message: numberOf(delivery), attempt, atMs });
      }
    } catch (error) {
      this.#station.refused(error);
    }
    reader.isTaking = false;
  }

  settle(from: ReaderName, which: Which, how: How): void {
    const reader = this.#readers.get(from);
    if (reader === undefined) return;
    const chosen = which === "all" ? reader.held : which === "first" ? reader.held.slice(0, 1) : reader.held.slice(-1);
    for (const delivery of chosen) {
      // Of a stream, giving one back takes back those behind it.
      if (!reader.held.includes(delivery)) continue;
      reader.held = reader.held.filter((held) => held !== delivery);
      this.#settleOne(reader.source, { from, delivery, how });
    }
  }

  /** Everything that any of them has settled so far. */
  async flush(): Promise<void> {
    const flush = ++flushes;
    this.#station.note({ what: "flushing", flush, reader: undefined });
    try {
      for (const reader of this.#readers.values()) await reader.source.flush();
      if (this.any) this.#station.note({ what: "flushed", flush });
    } catch (error) {
      this.#station.refused(error);
    }
  }

  /** Once it resolves, everything that its group settled before is durable, too: the log is one sequence. */
  async cancel(from: ReaderName): Promise<void> {
    const { admin } = this.#station.driver;
    const delayed = await admin.peek(from, { group: "", limit: 1, after: undefined, state: "delayed" });
    const chosen = delayed[0];
    if (chosen === undefined) return;
    const message = numberOf(chosen);
    const flush = ++flushes;
    this.#station.note({ what: "settled", reader: from, message, sends: [] });
    this.#station.note({ what: "flushing", flush, reader: from });
    const removed = await admin.remove(from, [{ id: chosen.id, sends: [] }]);
    if (removed.length > 0) this.#station.note({ what: "flushed", flush });
    else this.#station.note({ what: "not-settled", reader: from, message });
  }

  async seek(reader: ReaderName, to: "earliest" | "latest"): Promise<void> {
    // Who was never there cannot be moved.
    if ((await this.#reader(reader)) === undefined) return;
    const seek = ++flushes;
    this.#station.note({ what: "seeking", seek, reader, to });
    await this.#station.driver.admin.seek(channelOf(reader), { group: groupOf(reader), to, partition: undefined });
    this.#station.note({ what: "sought", seek });
  }

  async flushOne(name: ReaderName): Promise<void> {
    const flush = ++flushes;
    this.#station.note({ what: "flushing", flush, reader: name });
    try {
      await this.#readers.get(name)?.source.flush();
      this.#station.note({ what: "flushed", flush });
    } catch (error) {
      this.#station.refused(error);
    }
  }

  #settleOne(
    source: Source,
    { from, delivery, how }: { from: ReaderName; delivery: IncomingDelivery; how: How },
  ): void {
    if (how === "release" || how.startsWith("retry"))
      this.#station.note({ what: "returned", reader: from, message: numberOf(delivery) });
    try {
      if (how === "release") source.settle(delivery, { kind: "release" });
      else if (how === "retry-now") source.settle(delivery, { kind: "retry", delayMs: 0, counts: true });
      else if (how === "retry-later") source.settle(delivery, { kind: "retry", delayMs: retryLaterMs, counts: true });
      else
        this.#done(source, {
          from,
          delivery,
          sends: how === "move" ? [this.#station.message("other", { moved: true })] : [],
        });
    } catch (error) {
      this.#station.refused(error);
    }
  }

  #done(
    source: Source,
    { from, delivery, sends }: { from: ReaderName; delivery: IncomingDelivery; sends: readonly SentMessage[] },
  ): void {
    const message = numberOf(delivery);
    this.#station.note({ what: "settled", reader: from, message, sends });
    let settled = false;
    try {
      settled = source.settle(delivery, { kind: "done", sends: sends.map((each) => this.#station.staged(each)) });
    } finally {
      if (!settled) this.#station.note({ what: "not-settled", reader: from, message });
    }
  }

  async #reader(name: ReaderName): Promise<Reader | undefined> {
    const known = this.#readers.get(name);
    if (known !== undefined) return known;
    const lost = (deliveries: readonly IncomingDelivery[]): void => {
      for (const each of deliveries) this.#station.note({ what: "returned", reader: name, message: numberOf(each) });
      reader.held = reader.held.filter((held) => !deliveries.includes(held));
    };
    let source: Source;
    try {
      source = await this.#station.channel(channelOf(name)).consume(consuming(name, lost));
    } catch (error) {
      this.#station.refused(error);
      return undefined;
    }
    this.#station.note({ what: "joined", reader: name });
    const reader: Reader = { source, held: [], isTaking: false };
    this.#readers.set(name, reader);
    return reader;
  }
}

export function consuming(name: ReaderName, onLost: ConsumeOptions["onLost"]): ConsumeOptions {
  const group = groupOf(name);
  return {
    group,
    leaseMs,
    from: "earliest",
    member: undefined,
    settle: group === "each" ? "each" : undefined,
    onLost,
  };
}
