/**
 * Reads a stream outside any group. One chunk is one batch of one partition; partitions take turns, so that none is
 * read far ahead of the others. Nothing is read before it is asked for: a slow reader costs nothing.
 */
import type { Clock } from "../base/clock.js";
import { MillraceError } from "../base/errors.js";
import type { BatchView } from "../log/batch/view.js";
import type { Partition } from "../log/partition/partition.js";
import type { PartitionReader } from "../log/partition/reader.js";
import { LentMemory } from "../log/segments/lent-memory.js";
import { Alarm } from "./alarm.js";
import type { Lane } from "./lane.js";
import type { ReadOptions } from "./message.js";
import { ReadChunk } from "./read-chunk.js";
import { outOfRange, outOfRangePartition, readStart } from "./start.js";

export interface StreamReadOptions {
  readonly clock: Clock;
  /** Why there will be nothing more, if so. */
  readonly ended: () => Error | undefined;
  readonly partitions: readonly Partition[];
  readonly lanes: readonly Lane[];
  readonly options: ReadOptions;
}

export class StreamRead {
  readonly #options: StreamReadOptions;
  #wake: (() => void) | undefined;

  constructor(options: StreamReadOptions) {
    this.#options = options;
  }

  /** There is more to read, or there is an end to it. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  async *chunks(running: Set<StreamRead>): AsyncGenerator<ReadChunk> {
    const { signal } = this.#options.options;
    const wake = (): void => this.wake();
    const alarm = new Alarm(this.#options.clock, { ring: wake, failed: wake });
    running.add(this);
    signal?.addEventListener("abort", wake);
    try {
      const shares = this.#shares();
      while (shares.some((share) => !share.done)) {
        let found = false;
        for (const chunk of this.#round(shares)) {
          found = true;
          yield chunk;
        }
        if (!found && shares.some((share) => !share.done)) await this.#more(alarm);
      }
    } finally {
      alarm.cancel();
      running.delete(this);
      signal?.removeEventListener("abort", wake);
    }
  }

  /** What each partition has next. */
  *#round(shares: readonly Share[]): Generator<ReadChunk> {
    for (const share of shares) {
      this.#refuseEnded();
      const chunk = share.next();
      if (chunk !== undefined) yield chunk;
    }
  }

  #shares(): Share[] {
    const { partitions, lanes, options, clock } = this.#options;
    const wanted = partitions.filter((each) => options.partition === undefined || each.index === options.partition);
    if (wanted.length === 0) throw outOfRangePartition(options.partition ?? 0, partitions.length);
    const shared = { options, clock, lent: new LentMemory() };
    return wanted.map((partition) => new Share({ partition, lane: lanes[partition.index] as Lane, ...shared }));
  }

  #refuseEnded(): void {
    const { signal } = this.#options.options;
    if (signal?.aborted === true) {
      throw new MillraceError("ABORTED", "the signal of the read aborted", { cause: signal.reason });
    }
    const ended = this.#options.ended();
    if (ended !== undefined) throw ended;
  }

  /** Resolves when it is worth looking again. */
  #more(alarm: Alarm): Promise<void> {
    const { clock, options } = this.#options;
    this.#refuseEnded();
    if (options.until instanceof Date) {
      alarm.setBy(clock.monotonicMs() + Math.max(1, options.until.getTime() - clock.nowMs()));
    }
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

interface ShareOptions {
  readonly partition: Partition;
  readonly lane: Lane;
  readonly options: ReadOptions;
  readonly clock: Clock;
  /** Shared by all of them. */
  readonly lent: LentMemory;
}

/** What is read of one partition. */
class Share {
  readonly #partition: Partition;
  readonly #lane: Lane;
  readonly #clock: Clock;
  readonly #reader: PartitionReader;
  readonly #untilOffset: number;
  readonly #untilMs: number;
  /** Whether something of it was read, or it was asked to begin at a certain offset: then a gap must not be passed in silence. */
  #begun: boolean;
  #done = false;

  constructor({ partition, lane, options, clock, lent }: ShareOptions) {
    const { from, until } = options;
    const start = readStart(from, partition);
    this.#partition = partition;
    this.#lane = lane;
    this.#clock = clock;
    this.#reader = partition.reader(start, lent);
    this.#begun = typeof from === "bigint";
    this.#untilOffset = typeof until === "bigint" ? Number(until) : until === "end" ? partition.endOffset : Infinity;
    this.#untilMs = until instanceof Date ? until.getTime() : Infinity;
    this.#done = start >= this.#untilOffset;
  }

  get done(): boolean {
    return this.#done;
  }

  /** The next of it; undefined when there is nothing now, or never will be. */
  next(): ReadChunk | undefined {
    while (!this.#done) {
      const from = this.#reader.position;
      if (from < this.#partition.startOffset && this.#begun) throw outOfRange(`offset ${from}`, this.#partition);
      const batch = this.#reader.next();
      if (batch === undefined) {
        this.#done = this.#reader.position >= this.#untilOffset || this.#clock.nowMs() >= this.#untilMs;
        return undefined;
      }
      const chunk = this.#within(batch, from);
      this.#begun = true;
      this.#done ||= this.#reader.position >= this.#untilOffset;
      if (chunk !== undefined) return chunk;
    }
    return undefined;
  }

  /** What of the batch is asked for, `from` on: without a look into it, where each offset is there and each time early enough. */
  #within(batch: BatchView, from: number): ReadChunk | undefined {
    if (batch.hasGaps || batch.maxTimestampMs >= this.#untilMs) return this.#picked(batch, from);
    const first = Math.max(from, batch.baseOffset);
    const length = Math.min(batch.lastOffset + 1, this.#untilOffset) - first;
    const part = { length, skip: first - batch.baseOffset, places: undefined };
    return length > 0 ? new ReadChunk(batch, this.#lane, part) : undefined;
  }

  /** The same, record by record. */
  #picked(batch: BatchView, from: number): ReadChunk | undefined {
    const offsets: number[] = [];
    const positions: number[] = [];
    const cursor = batch.cursor();
    while (cursor.next()) {
      if (cursor.offset < from) continue;
      if (cursor.offset >= this.#untilOffset || cursor.timestampMs >= this.#untilMs) {
        this.#done = true;
        break;
      }
      offsets.push(cursor.offset);
      positions.push(cursor.position);
    }
    const part = { length: offsets.length, skip: 0, places: { offsets, positions } };
    return part.length > 0 ? new ReadChunk(batch, this.#lane, part) : undefined;
  }
}
