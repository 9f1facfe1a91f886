/**
 * Compaction of a stream: of each key the last record is kept, and those before it go, with their offsets as gaps. Works on sealed segments only, from the oldest on:
 *
 *   ─────[ compacted ][ compacted ][ not yet ][ not yet ][ active ]──▶
 *                                ▲ done        ▲ keys are gathered up to here, as far as memory allows; then the next pass
 *
 * A pass gathers the last offset of each key of a stretch, and writes anew the segments up to its end that hold a record with a later one. An empty value is a
 * tombstone: its key is gone. It is kept for `tombstoneMs`, so that who reads on hears of it, and goes then, as the last of its key.
 *
 * Segments are written anew in order, and a pass ends with one that cannot be (a full disk, damage): so what a record has replaced is always gone before the
 * record itself, also after a crash, and nothing that was deleted comes back. Records without a key are kept until retention takes them.
 */
import type { Clock } from "../base/clock.js";
import type { Limits } from "../base/limits.js";
import type { RecordView } from "../log/batch/record.js";
import type { Log } from "../log/log.js";
import type { Partition, SegmentInfo } from "../log/partition/partition.js";
import type { TrustedWall } from "./trusted-wall.js";

/** Written anew once what has come since is this share of what was compacted before: each byte is so written few times. */
const dirtyShare = 0.5;

/** What a key in memory takes besides its text, roughly. */
const keyOverheadBytes = 80;

/** Others have their turn after so many records. */
const turnRecords = 5_000;

export interface CompactorOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** By which a tombstone has been there for long enough. */
  readonly wall: TrustedWall;
  readonly limits: Limits;
}

/** What could not be written anew is tried again after this. */
const againMs = 3_600_000;

/** What is known of a partition since it was opened. */
interface Compacted {
  /** Below it each key is there once. */
  done: number;
  /** When there is something to do below `done`, as a tombstone to let go; wall time. */
  dueMs: number;
}

/** Offsets of a segment whose records go: a bit each. */
class Gone {
  readonly #base: number;
  readonly #bits: Uint8Array;
  count = 0;

  constructor(base: number, end: number) {
    this.#base = base;
    this.#bits = new Uint8Array(Math.ceil((end - base) / 8));
  }

  has(offset: number): boolean {
    const at = offset - this.#base;
    return ((this.#bits[at >>> 3] ?? 0) & (1 << (at & 7))) !== 0;
  }

  add(offset: number): void {
    const at = offset - this.#base;
    this.#bits[at >>> 3] = (this.#bits[at >>> 3] ?? 0) | (1 << (at & 7));
    this.count++;
  }
}

/** The last offset of each key of a stretch. */
interface Stretch {
  readonly last: ReadonlyMap<string, number>;
  readonly end: number;
}

export class Compactor {
  readonly #options: CompactorOptions;
  readonly #known = new WeakMap<Partition, Compacted>();
  #closed = false;

  constructor(options: CompactorOptions) {
    this.#options = options;
  }

  close(): void {
    this.#closed = true;
  }

  /** Compacts what is worth it. */
  async compact(partition: Partition): Promise<void> {
    const known = this.#known.get(partition) ?? { done: partition.startOffset, dueMs: Infinity };
    this.#known.set(partition, known);
    const end = sealedOf(partition).at(-1)?.endOffset ?? 0;
    if (!isWorthIt(sealedOf(partition), known, this.#options.wall.nowMs())) return;
    known.dueMs = Infinity;
    do {
      const stretch = await this.#gather(partition, known.done, end);
      if (!(await this.#rewrite(partition, stretch, known))) {
        // Some of it may have been seen, and some not: next time it is looked at again.
        known.dueMs = this.#options.wall.nowMs() + againMs;
        return;
      }
      known.done = stretch.end;
    } while (known.done < end && !this.#closed);
  }

  /** The last offset of each key from `from` on, up to `end`, or as far as memory allows: at least one record. */
  async #gather(partition: Partition, from: number, end: number): Promise<Stretch> {
    const last = new Map<string, number>();
    let bytes = 0;
    for await (const record of this.#records(partition, from, end)) {
      const { key, offset } = record;
      if (key === undefined) continue;
      if (!last.has(key)) bytes += 2 * key.length + keyOverheadBytes;
      last.set(key, offset);
      if (bytes > this.#options.limits.compactionBytes) return { last, end: offset + 1 };
    }
    return { last, end };
  }

  /** Whether all segments up to the end of the stretch are as they should be. */
  async #rewrite(partition: Partition, stretch: Stretch, known: Compacted): Promise<boolean> {
    for (const { baseOffset, endOffset } of sealedOf(partition)) {
      if (baseOffset >= stretch.end) break;
      if (this.#closed) return false;
      const gone = await this.#goneOf(partition, { baseOffset, endOffset }, { stretch, known });
      if (gone.count === 0) continue;
      const before = partition.sealedSegment(baseOffset);
      await this.#options.log.rewrite(partition, baseOffset, (offset) => !gone.has(offset));
      // Retention may have taken it meanwhile, which is as good.
      if (before !== undefined && partition.sealedSegment(baseOffset) === before) return false;
    }
    return true;
  }

  /** Offsets of a segment whose records go: replaced by a later one, or a tombstone that has been there for long enough. */
  async #goneOf(
    partition: Partition,
    segment: { readonly baseOffset: number; readonly endOffset: number },
    { stretch, known }: { readonly stretch: Stretch; readonly known: Compacted },
  ): Promise<Gone> {
    const gone = new Gone(segment.baseOffset, segment.endOffset);
    const { wall, limits } = this.#options;
    const nowMs = wall.nowMs();
    for await (const record of this.#records(partition, segment.baseOffset, Math.min(segment.endOffset, stretch.end))) {
      const { key, offset } = record;
      if (key === undefined) continue;
      const isReplaced = (stretch.last.get(key) ?? -1) > offset;
      const dueMs = isReplaced || record.value.length > 0 ? Infinity : record.timestampMs + limits.tombstoneMs;
      if (isReplaced || dueMs <= nowMs) gone.add(offset);
      else known.dueMs = Math.min(known.dueMs, dueMs);
    }
    return gone;
  }

  async *#records(partition: Partition, from: number, end: number): AsyncGenerator<RecordView> {
    const reader = partition.reader(from);
    let read = 0;
    for (let batch = reader.next(); batch !== undefined && batch.baseOffset < end; batch = reader.next()) {
      for (const record of batch.records(from)) if (record.offset < end) yield record;
      read += batch.count;
      if (read < turnRecords) continue;
      read = 0;
      await new Promise<void>((resolve) => this.#options.clock.soon(resolve));
      if (this.#closed) return;
    }
  }
}

function sealedOf(partition: Partition): readonly SegmentInfo[] {
  return partition.segments().filter((segment) => segment.sealed);
}

function isWorthIt(sealed: readonly SegmentInfo[], known: Compacted, nowMs: number): boolean {
  if (known.dueMs <= nowMs) return true;
  let clean = 0;
  let dirty = 0;
  for (const { endOffset, bytes } of sealed) {
    if (endOffset <= known.done) clean += bytes;
    else dirty += bytes;
  }
  return dirty > 0 && dirty >= clean * dirtyShare;
}
