/**
 * Messages of one partition by the time at which something is due: a delay ends, or a message expires. Memory is bounded, whatever
 * their number: the earliest are in a heap; when that grows too large, its later half becomes a *run* on disk.
 *
 *   add ──▶ heap, earliest first ──▶ next, when due
 *            │   ▲
 *            │   └── a chunk of 256, when its first may be the next one
 *            ▼ the later half, sorted
 *        timeline: runs of chunks, records of a partition of the log
 *
 * What survives is the whole index as it was at a spill or a checkpoint, which is at most the heap, and where each run was read to.
 * Messages that came later are read again from their own partition: a bounded number, because so many lead to a spill. An index that
 * was damaged is made anew from the messages.
 *
 * In memory, times are those of the monotonic clock: a wall clock that is set makes nothing due. On disk they are wall times, as the
 * wall clock saw them when they were written; the process that reads them takes its own clock's word for how long that still is.
 */
import { assert } from "../base/assert.js";
import { ByteReader, type ByteWriter } from "../base/bytes.js";
import type { Clock } from "../base/clock.js";
import type { Limits } from "../base/limits.js";
import type { RecordView } from "../log/batch/record.js";
import type { Log } from "../log/log.js";
import type { Partition } from "../log/partition/partition.js";
import type { StateSource, StateWriter } from "../log/state.js";
import { chunkOf, readChunk, readIndex, type StoredIndex, writeIndex } from "./due-codec.js";
import { RecordLookup, RecordStream } from "./record-lookup.js";
import { RetryQueue } from "./retry-queue.js";
import { entryTypes } from "./state-codec.js";

export interface DuePlace {
  readonly groupId: number;
  readonly partition: number;
  readonly kind: DueKind;
}

/** What is due: the delivery of a delayed message, or the end of one. */
export const dueKinds = { delivery: 0, expiry: 1 } as const;
export type DueKind = (typeof dueKinds)[keyof typeof dueKinds];

export interface DueHome {
  readonly log: Log;
  readonly clock: Clock;
  /** Where the messages are. */
  readonly source: Partition;
  /** Where the runs go. */
  readonly timeline: Partition;
  /** Entries in memory, about. */
  readonly inMemoryMax: number;
  /** When it is due by the wall; undefined: never. */
  dueAtMs(record: RecordView): number | undefined;
  /** It was seen to: it is not handed out again. */
  isPast(offset: number): boolean;
}

/** A spill goes into one commit, together with all that stays in memory. */
export function inMemoryMax({ dueInMemory, walFileBytes }: Limits): number {
  return Math.max(2, Math.min(dueInMemory, Math.floor(walFileBytes / 64)));
}

interface Run {
  readonly first: number;
  readonly end: number;
  next: number;
  /** Nothing from `next` on is due before. Monotonic. */
  headMs: number;
  /** What its times are ahead of the monotonic clock. */
  readonly skewMs: number;
}

/** Entries of one chunk: what is held in memory of each run at once. */
const chunkEntriesMax = 256;

/** In the log: what an entry takes at most, and what a record and its batch take besides. */
const entryBytesMax = 16;
const recordBytesMax = 128;

/** From so many on, what was handed out is looked through for what can be forgotten. */
const lookThroughLeast = 1_024;

export class DueIndex implements StateSource {
  readonly #place: DuePlace;
  #stored: StoredIndex = { indexedEnd: 0, runs: [], offsets: [], dueAtMs: [] };
  #home: DueHome | undefined;
  #isKept = false;
  readonly #heap = new RetryQueue();
  /** Not past when they were looked at last, and when they were due. As many as are leased, and what was settled since. */
  readonly #handedOut = new Map<number, number>();
  #lookThroughAt = lookThroughLeast;
  #runs: Run[] = [];
  #lookup: RecordLookup | undefined;
  /** The earliest `headMs` of any run. */
  #headMs = Infinity;
  #indexedEnd = 0;
  /** `indexedEnd` as it was written last. */
  #writtenEnd = 0;

  constructor(place: DuePlace) {
    this.#place = place;
  }

  /** Before it is attached for the first time: nothing below `offset` is for it. */
  beginAt(offset: number): void {
    this.#stored = { ...this.#stored, indexedEnd: offset };
  }

  /** Its being there goes into the commit that gathers. */
  keep(): void {
    this.#touch();
  }

  /** Takes up work in a process: with the index as it was written, and with what came after. */
  attach(home: DueHome): void {
    assert(this.#home === undefined, "an index is attached once");
    this.#home = home;
    this.#lookup = new RecordLookup(home.timeline);
    const { runs, offsets, dueAtMs, indexedEnd } = this.#stored;
    const skewMs = home.clock.nowMs() - home.clock.monotonicMs();
    const end = home.source.nextOffset;
    for (const [at, offset] of offsets.entries()) {
      if (offset < end && !home.isPast(offset)) this.#heap.push(offset, (dueAtMs[at] as number) - skewMs);
    }
    this.#runs = runs.map(({ first, end: runEnd, next, headAtMs, movedMs }) => {
      return { first, end: runEnd, next, headMs: headAtMs - skewMs, skewMs: skewMs - movedMs };
    });
    this.#stored = { indexedEnd: 0, runs: [], offsets: [], dueAtMs: [] };
    this.#indexedEnd = Math.min(indexedEnd, end);
    this.#writtenEnd = this.#indexedEnd;
    this.#findHead();
    this.#indexRest(home);
  }

  /** Nothing is due before; Infinity: nothing ever. */
  get firstDueMs(): number {
    return Math.min(this.#heap.firstDueMs, this.#headMs);
  }

  /** The next message has been stored. */
  add(offset: number, dueMs: number): void {
    assert(offset >= this.#indexedEnd, "messages are indexed in the order in which they are stored");
    this.#heap.push(offset, dueMs);
    this.#indexedEnd = offset + 1;
  }

  /** The message that is due first, if it is due by now and can be read; it stays so until `pop`. */
  next(nowMs: number): number | undefined {
    const { source } = this.#mustHome();
    for (;;) {
      while (this.#headMs <= nowMs && this.#headMs <= this.#heap.firstDueMs) if (!this.#readOn()) return undefined;
      if (this.#heap.firstDueMs > nowMs) return undefined;
      const offset = this.#heap.firstOffset;
      if (offset >= source.endOffset) return undefined;
      if (!this.#mustHome().isPast(offset)) return offset;
      this.#heap.pop();
    }
  }

  pop(): void {
    this.#heap.pop();
  }

  /** As `pop`, of a message that may not be seen to before the process dies: it stays in what survives until it is past. */
  handOut(): void {
    this.#handedOut.set(this.#heap.firstOffset, this.#heap.firstDueMs);
    this.#heap.pop();
    if (this.#handedOut.size >= this.#lookThroughAt) this.#forgetPast();
  }

  #forgetPast(): void {
    const home = this.#mustHome();
    for (const offset of this.#handedOut.keys()) if (home.isPast(offset)) this.#handedOut.delete(offset);
    this.#lookThroughAt = Math.max(lookThroughLeast, 2 * this.#handedOut.size);
  }

  /** Entries in memory. */
  get inMemory(): number {
    return this.#heap.size;
  }

  /** How many are due by now. On disk, those that were seen to since they were written may be among them. */
  countDue(nowMs: number): number {
    const home = this.#mustHome();
    let count = 0;
    for (const [offset, dueMs] of this.#heap.entries()) if (dueMs <= nowMs && !home.isPast(offset)) count++;
    for (const run of this.#runs) if (run.headMs <= nowMs) count += this.#countInRun(run, nowMs);
    return count;
  }

  /** Bounds what is in memory, and what another process would have to read again. To be called now and then. */
  settleDown(): void {
    const { inMemoryMax } = this.#mustHome();
    if (this.#heap.size > inMemoryMax + this.#runs.length * this.#chunkEntries) this.#spill();
    else if (this.#indexedEnd - this.#writtenEnd > 2 * inMemoryMax) this.#touch();
  }

  drain(writer: StateWriter): void {
    const { groupId, partition, kind } = this.#place;
    this.#writtenEnd = this.#indexedEnd;
    writer.entry(entryTypes.due, (body) => {
      body.varint(groupId);
      body.varint(partition);
      body.varint(kind);
      this.write(body);
    });
  }

  /** Whether there is anything about it to be kept. */
  get isKept(): boolean {
    return this.#isKept || this.#indexedEnd > 0;
  }

  write(body: ByteWriter): void {
    const home = this.#home;
    writeIndex(body, home === undefined ? this.#stored : this.#toStore(home.clock));
  }

  read(body: ByteReader): void {
    assert(this.#home === undefined, "an index is read before it is attached");
    this.#stored = readIndex(body);
    this.#isKept = true;
  }

  #toStore(clock: Clock): StoredIndex {
    const skewMs = clock.nowMs() - clock.monotonicMs();
    const offsets: number[] = [];
    const dueAtMs: number[] = [];
    this.#forgetPast();
    for (const entries of [this.#handedOut, this.#heap.entries()]) {
      for (const [offset, dueMs] of entries) {
        offsets.push(offset);
        dueAtMs.push(wallOf(dueMs, skewMs));
      }
    }
    const runs = this.#runs.map(({ first, end, next, headMs, skewMs: runSkewMs }) => {
      const movedMs = Math.ceil(skewMs - runSkewMs);
      return { first, end, next, headAtMs: Math.max(0, Math.floor(headMs + skewMs)), movedMs };
    });
    return { indexedEnd: this.#indexedEnd, runs, offsets, dueAtMs };
  }

  #spill(): void {
    const home = this.#mustHome();
    const { log, clock, timeline } = home;
    const skewMs = clock.nowMs() - clock.monotonicMs();
    this.#heap.keepOnly((offset) => !home.isPast(offset));
    if (this.#heap.size <= home.inMemoryMax / 2) return;
    const { offsets, dueMs } = this.#heap.drain();
    const half = offsets.length >>> 1;
    const entries = { offsets, dueAtMs: dueMs.map((each) => wallOf(each, skewMs)) };
    for (let at = 0; at < half; at++) this.#heap.push(offsets[at] as number, dueMs[at] as number);
    const first = timeline.nextOffset;
    const size = this.#chunkEntries;
    const bytesMax =
      (offsets.length - half) * entryBytesMax + Math.ceil((offsets.length - half) / size) * recordBytesMax;
    try {
      log.atomically(bytesMax, () => {
        for (let at = half; at < offsets.length; at += size) {
          const value = chunkOf(entries, at, Math.min(at + size, offsets.length));
          log.append(timeline, { value, key: undefined, id: undefined, headers: undefined }, clock.nowMs());
        }
        this.#runs.push({ first, end: timeline.nextOffset, next: first, headMs: dueMs[half] as number, skewMs });
        this.#touch();
      });
    } catch {
      // No room on the disk, or no log any more. In memory they are as well kept, and sends are refused as well.
      for (let at = half; at < offsets.length; at++) this.#heap.push(offsets[at] as number, dueMs[at] as number);
    }
    this.#findHead();
  }

  /** Reads the chunk that may hold the next message. false: not yet, it is on its way to the disk. */
  #readOn(): boolean {
    const run = this.#runs.find((each) => each.headMs === this.#headMs);
    assert(run !== undefined, "the earliest head is a run's");
    const home = this.#mustHome();
    if (run.next >= home.timeline.endOffset) return false;
    const chunk = this.#chunk(run.next);
    if (chunk === undefined) {
      this.#makeAnew();
      return true;
    }
    for (const [at, offset] of chunk.offsets.entries()) {
      if (!home.isPast(offset)) this.#heap.push(offset, (chunk.dueAtMs[at] as number) - run.skewMs);
    }
    run.next++;
    run.headMs = Math.max(run.headMs, (chunk.dueAtMs.at(-1) ?? 0) - run.skewMs);
    if (run.next === run.end) {
      this.#runs = this.#runs.filter((each) => each !== run);
      this.#touch();
    }
    this.#findHead();
    return true;
  }

  #chunk(offset: number): ReturnType<typeof readChunk> | undefined {
    const record = this.#lookup?.find(offset);
    return record === undefined ? undefined : readChunk(new ByteReader(record.value));
  }

  #countInRun(run: Run, nowMs: number): number {
    const dueOf = (chunk: number): number => (this.#chunk(chunk)?.dueAtMs[0] ?? 0) - run.skewMs;
    let low = run.next;
    let high = Math.min(run.end, this.#mustHome().timeline.endOffset);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (dueOf(middle) <= nowMs) low = middle + 1;
      else high = middle;
    }
    if (low === run.next) return 0;
    const last = this.#chunk(low - 1)?.dueAtMs.filter((due) => due - run.skewMs <= nowMs).length ?? 0;
    // All chunks of a run but the last are of the same size.
    const before = low - 1 - run.next;
    return before === 0 ? last : before * (this.#chunk(run.next)?.offsets.length ?? 0) + last;
  }

  /** From the messages themselves, all of them. */
  #makeAnew(): void {
    const home = this.#mustHome();
    const indexedEnd = this.#indexedEnd;
    const { offsets, dueMs } = this.#heap.drain();
    this.#runs = [];
    this.#headMs = Infinity;
    this.#indexedEnd = 0;
    for (const [at, offset] of offsets.entries()) {
      if (offset >= home.source.endOffset) this.#heap.push(offset, dueMs[at] as number);
    }
    this.#indexRest(home);
    this.#indexedEnd = Math.max(this.#indexedEnd, indexedEnd);
    this.#touch();
  }

  #indexRest(home: DueHome): void {
    const { source, clock } = home;
    const skewMs = clock.nowMs() - clock.monotonicMs();
    const stream = new RecordStream(source, Math.max(this.#indexedEnd, source.startOffset));
    for (let record = stream.next(); record !== undefined; record = stream.next()) {
      const dueMs = home.dueAtMs(record);
      if (dueMs !== undefined && !home.isPast(record.offset)) this.#heap.push(record.offset, dueMs - skewMs);
      this.#indexedEnd = record.offset + 1;
      this.settleDown();
    }
  }

  /** The whole index goes into the commit that gathers, and with it what of the timeline it does not need any more. */
  #touch(): void {
    const { log, timeline } = this.#mustHome();
    log.touch(this);
    this.#isKept = true;
    timeline.trim(this.#runs.reduce((least, { next }) => Math.min(least, next), timeline.nextOffset));
  }

  /** A small part of what may be in memory, because each run has one of them there. */
  get #chunkEntries(): number {
    return Math.max(1, Math.min(chunkEntriesMax, this.#mustHome().inMemoryMax >>> 6));
  }

  #findHead(): void {
    this.#headMs = this.#runs.reduce((least, { headMs }) => Math.min(least, headMs), Infinity);
  }

  #mustHome(): DueHome {
    assert(this.#home !== undefined, "the index is attached");
    return this.#home;
  }
}

/** Never before. */
function wallOf(dueMs: number, skewMs: number): number {
  return Math.max(0, Math.ceil(dueMs + skewMs));
}
