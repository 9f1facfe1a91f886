/**
 * One partition: an endless sequence of batches, the newest in memory, the older ones in segment files.
 *
 *      start                                    end            next
 *        ▼                                       ▼               ▼
 *   ─────[ sealed segment ][ active segment ][ tail ]····gathering····
 *          on disk           on disk          in memory, and in the write-ahead log
 *
 * Readers see offsets from start to end. `next` runs ahead of `end` by what is not committed yet.
 */
import { assert } from "../../base/assert.js";
import { hasCode } from "../../base/errors.js";
import type { Limits } from "../../base/limits.js";
import { BatchBuilder } from "../batch/builder.js";
import type { RecordInput } from "../batch/record.js";
import type { BatchView } from "../batch/view.js";
import type { LentMemory } from "../segments/lent-memory.js";
import { segmentFileName } from "../segments/names.js";
import { Segment, type SegmentFacts, type SegmentFiles } from "../segments/segment.js";
import type { StoredPlace } from "../wal/frame.js";
import { PartitionReader } from "./reader.js";
import { Tail, type TailBudget } from "./tail.js";

/** What a partition needs of the log it belongs to. */
export interface PartitionHome {
  readonly limits: Limits;
  readonly tailBudget: TailBudget;
  /** Applies `trimTo` once everything gathered so far is durable. */
  trimLater(partition: Partition): void;
  /** The partition's own files, made when first needed. */
  segmentFiles(partition: Partition): SegmentFiles;
  /** The partition dropped whole segments; their files go once no checkpoint names them. */
  retired(partition: Partition, segments: readonly Segment[]): void;
  damageMet(partition: Partition, lostFrom: number, lostTo: number): void;
}

/** So much of a tail is written at once: a call for each small batch would take many times as long. */
const spillBytesMax = 64 * 1024;

export interface PartitionFacts {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly segments: readonly SegmentFacts[];
}

export interface SegmentInfo {
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly bytes: number;
  readonly maxTimestampMs: number;
  readonly sealed: boolean;
}

export class Partition {
  readonly topicId: number;
  readonly index: number;
  readonly tail: Tail;
  /** Called after `endOffset` moved. */
  onCommit: (() => void) | undefined;
  /** The log has to write an entry about the new start offset. */
  trimmed = false;
  /** A file was made since the partition's directories were last synced. */
  directoryDirty = false;
  readonly #home: PartitionHome;
  readonly #builder = new BatchBuilder();
  #segments: Segment[] = [];
  /** The segments this process has begun and appends to; one it met at open is left as it is. */
  #spilling: Segment | undefined;
  #direct: Segment | undefined;
  #files: SegmentFiles | undefined;
  #start = 0;
  /** Where the start goes once the settlements that allow it are durable. */
  #trimTo = 0;
  #end = 0;
  #next = 0;
  #damaged = 0;

  constructor(home: PartitionHome, topicId: number, index: number) {
    this.#home = home;
    this.tail = new Tail(home.tailBudget);
    this.topicId = topicId;
    this.index = index;
  }

  /** The first offset that is kept. */
  get startOffset(): number {
    return this.#start;
  }

  /** The first offset that is not committed yet: the high watermark. */
  get endOffset(): number {
    return this.#end;
  }

  /** The offset the next record gets. */
  get nextOffset(): number {
    return this.#next;
  }

  /** Stored, in segments and in memory. */
  get bytes(): number {
    let bytes = this.tail.bytes;
    for (const segment of this.#segments) bytes += segment.bytes;
    return bytes;
  }

  /** Records that damage has made unreadable, as far as reading has met them. */
  get damaged(): number {
    return this.#damaged;
  }

  get gatheredBytes(): number {
    return this.#builder.bytes;
  }

  get gathering(): boolean {
    return this.#builder.count > 0;
  }

  /** Takes up a record; returns its offset. */
  gather(record: RecordInput, timestampMs: number): number {
    if (this.#builder.count === 0) this.#builder.begin(this.#next);
    this.#builder.append(record, timestampMs);
    return this.#next++;
  }

  /** The gathered records as one batch. */
  sealBatch(): Buffer {
    return this.#builder.finish();
  }

  /** A batch of ours is durable: readers may see it. */
  commit(batch: BatchView): void {
    assert(batch.baseOffset >= this.#end, `batch ${batch.baseOffset} was committed behind ${this.#end}`);
    this.tail.push(batch);
    this.#end = batch.lastOffset + 1;
    if (this.#next < this.#end) this.#next = this.#end;
  }

  /**
   * Writes a batch that is being committed to a segment at once. Such a segment has nothing but batches that came this
   * way, without a gap between them: recovery reads them from there, so nothing it writes itself may ever fall on them.
   * undefined: there is no room.
   */
  store(batch: BatchView): StoredPlace | undefined {
    try {
      this.spill(0);
      const segment = this.#directSegment(batch);
      const offsets = { baseOffset: batch.baseOffset, endOffset: batch.lastOffset + 1 };
      const place = { ...offsets, segment: segment.baseOffset, position: segment.bytes, bytes: batch.bytes.length };
      this.#appendTo(segment, [batch]);
      return place;
    } catch (error) {
      if (hasCode(error, "DISK_FULL")) return undefined;
      throw error;
    }
  }

  commitStored(batch: BatchView): void {
    assert(batch.baseOffset >= this.#end, `batch ${batch.baseOffset} was committed behind ${this.#end}`);
    this.#end = batch.lastOffset + 1;
  }

  /**
   * Writes batches of the tail to the active segment, oldest first, until at most `keepBytes` are left in memory.
   * They are safe without it: this only frees memory, and a later sync makes it a place recovery can start from.
   * Throws DISK_FULL with the rest still in the tail.
   */
  spill(keepBytes: number): void {
    this.tail.dropBelow(this.#start);
    while (this.tail.bytes > keepBytes) {
      const segment = this.#activeSegment(this.tail.first as BatchView);
      const room = Math.min(spillBytesMax, this.#home.limits.segmentBytes - segment.bytes);
      const batches = this.tail.upTo(Math.min(room, this.tail.bytes - keepBytes));
      this.#appendTo(segment, batches);
      for (const _ of batches) this.tail.dropFirst();
    }
  }

  reader(fromOffset: number, lent?: LentMemory): PartitionReader {
    return new PartitionReader(this, fromOffset, lent);
  }

  /**
   * Nobody needs anything below `beforeOffset`. Takes effect once everything gathered so far is durable: a record must
   * not go before the settlement that lets it go.
   */
  trim(beforeOffset: number): void {
    if (beforeOffset <= this.#trimTo) return;
    this.#trimTo = beforeOffset;
    this.#home.trimLater(this);
  }

  get trimTo(): number {
    return this.#trimTo;
  }

  /** Frees memory, and whole segments. */
  applyTrim(beforeOffset: number): void {
    const start = Math.min(beforeOffset, this.#end);
    if (start <= this.#start) return;
    this.#start = start;
    this.#trimTo = Math.max(this.#trimTo, start);
    this.tail.dropBelow(start);
    let count = 0;
    while (count < this.#segments.length && (this.#segments[count] as Segment).endOffset <= start) count++;
    if (count === 0) return;
    this.trimmed = true;
    this.#home.retired(this, this.#segments.splice(0, count));
  }

  /** The first offset whose record is at or after the time; `endOffset` when there is none. */
  offsetAt(timestampMs: number): number {
    for (const segment of this.#segments) {
      if (segment.maxTimestampMs < timestampMs) continue;
      const offset = segment.offsetAt(timestampMs);
      if (offset !== undefined) return Math.max(offset, this.#start);
    }
    for (const batch of this.tail.all()) {
      if (batch.maxTimestampMs < timestampMs) continue;
      const record = batch.records().find((candidate) => candidate.timestampMs >= timestampMs);
      if (record !== undefined) return Math.max(record.offset, this.#start);
    }
    return this.#end;
  }

  /** Oldest first; the tail is the last one, not sealed. */
  segments(): readonly SegmentInfo[] {
    const infos: SegmentInfo[] = this.#segments.map(infoOf);
    const first = this.tail.first;
    if (first === undefined) return infos;
    const maxTimestampMs = this.tail.all().reduce((latest, batch) => Math.max(latest, batch.maxTimestampMs), 0);
    return [
      ...infos,
      { baseOffset: first.baseOffset, endOffset: this.#end, bytes: this.tail.bytes, maxTimestampMs, sealed: false },
    ];
  }

  /** The segment that holds `offset`, or the first one behind it. */
  segmentAt(offset: number): Segment | undefined {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#segments[middle] as Segment).endOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return this.#segments[low];
  }

  replaceSegment(old: Segment, fresh: Segment): void {
    const index = this.#segments.indexOf(old);
    assert(index >= 0, "the rewritten segment is not this partition's");
    this.#segments[index] = fresh;
    this.directoryDirty = true;
    this.#home.retired(this, [old]);
  }

  sealedSegment(baseOffset: number): Segment | undefined {
    return this.#segments.find((segment) => segment.baseOffset === baseOffset && segment.sealed);
  }

  dirtySegments(): readonly Segment[] {
    return this.#segments.filter((segment) => segment.dirty);
  }

  facts(): PartitionFacts {
    return { startOffset: this.#start, endOffset: this.#end, segments: this.#segments.map((segment) => segment.facts) };
  }

  /** As the checkpoint knows it. What the files hold beyond it comes again from the write-ahead log. */
  restore(facts: PartitionFacts, tail: readonly BatchView[]): void {
    this.#start = facts.startOffset;
    this.#trimTo = facts.startOffset;
    this.#end = facts.endOffset;
    this.#next = facts.endOffset;
    this.#segments = facts.segments.map((segment) => Segment.restore(this.files, segment));
    for (const batch of tail) this.tail.push(batch);
  }

  get files(): SegmentFiles {
    return (this.#files ??= this.#home.segmentFiles(this));
  }

  /** Whether a segment file of this name belongs to the partition now. */
  owns(name: string): boolean {
    return this.#segments.some((segment) => segment.fileNames.includes(name));
  }

  /** What was committed up to `end` is gone. Its offsets are not given again. */
  lostUpTo(end: number): void {
    if (end <= this.#end) return;
    this.lost(this.#end, end);
    this.#end = end;
    if (this.#next < end) this.#next = end;
  }

  lost(from: number, to: number): void {
    this.#damaged += to - from;
    this.#home.damageMet(this, from, to);
  }

  #activeSegment(batch: BatchView): Segment {
    const last = this.#segments.at(-1);
    if (last === this.#spilling && last !== undefined && this.#hasRoom(last, batch)) return last;
    this.#spilling = this.#beginSegment(batch, this.#freeRevision(batch.baseOffset));
    return this.#spilling;
  }

  #directSegment(batch: BatchView): Segment {
    const last = this.#segments.at(-1);
    const goesOn = last !== undefined && last === this.#direct && last.endOffset === batch.baseOffset;
    if (goesOn && this.#hasRoom(last, batch)) return last;
    this.#direct = this.#beginSegment(batch, 0);
    return this.#direct;
  }

  #hasRoom(segment: Segment, batch: BatchView): boolean {
    return segment.bytes + batch.bytes.length <= this.#home.limits.segmentBytes;
  }

  /** A file of this name may be left from a process that died, and the write-ahead log may still refer to it. */
  #freeRevision(baseOffset: number): number {
    const { openFiles, directory } = this.files;
    let revision = 0;
    while (openFiles.disk.exists(`${directory}/${segmentFileName({ baseOffset, revision, kind: "log" })}`)) revision++;
    return revision;
  }

  #beginSegment(batch: BatchView, revision: number): Segment {
    const last = this.#segments.at(-1);
    if (last !== undefined && !last.sealed) last.seal();
    this.directoryDirty = true;
    return Segment.create(this.files, batch.baseOffset, revision);
  }

  /**
   * A segment is the partition's from its first batch on. One that found no room for it never was: the next one has
   * the same first offset, so nobody may remove its file by the name of this one.
   */
  #appendTo(segment: Segment, batches: readonly BatchView[]): void {
    try {
      segment.appendAll(batches);
    } catch (error) {
      if (segment.bytes === 0) discard(segment);
      throw error;
    }
    if (segment !== this.#segments.at(-1)) this.#segments.push(segment);
  }
}

/** Its file may be there already, with a part of the batch. */
function discard(segment: Segment): void {
  try {
    segment.remove();
  } catch {
    // Left behind, it costs nothing but its room: its name is not used again.
  }
}

function infoOf(segment: Segment): SegmentInfo {
  const { baseOffset, endOffset, bytes, maxTimestampMs, sealed } = segment;
  return { baseOffset, endOffset, bytes, maxTimestampMs, sealed };
}
