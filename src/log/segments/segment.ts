/**
 * A segment: a part of a partition as a file of batches, one behind the other, and two indexes beside it.
 *
 *   <base offset>.log          append-only until it is sealed; what counts of it is said by the checkpoint
 *   <base offset>.index        last offset → position, every 4 KiB   ┐ written when it is sealed, checked when
 *   <base offset>.timeindex    time → last offset                    ┘ read, built anew from the .log when wrong
 *
 * We assume: what the facts say (bytes, offsets, times) is right; it comes from the checkpoint.
 * We do not assume: anything about the bytes in the file. Each batch is checked every time it is read.
 */
import { assert } from "../../base/assert.js";
import { readFully, writeFully } from "../../disk/disk.js";
import type { BatchView } from "../batch/view.js";
import { findBatch, findTime } from "./lookup.js";
import { SegmentIndexes } from "./indexes.js";
import { readIndexes, scanIndexes, storeIndexes } from "./index-files.js";
import { type SegmentFileKind, segmentFileName } from "./names.js";
import type { Lending, LentMemory } from "./lent-memory.js";
import type { OpenFiles } from "./open-files.js";
import { readBatchAgain } from "./read-again.js";
import { SegmentReader } from "./reader.js";
import type { BatchSource } from "./scanner.js";

export { SegmentReader } from "./reader.js";

/** Where a partition's segments are. The directory exists. */
export interface SegmentFiles {
  readonly openFiles: OpenFiles;
  readonly directory: string;
}

/** What is known of a segment without looking into it. Kept in the checkpoint. */
export interface SegmentFacts {
  readonly baseOffset: number;
  /** Behind the last one: every offset of the segment is below it. */
  readonly endOffset: number;
  readonly bytes: number;
  /** How often it was rewritten. */
  readonly revision: number;
  readonly firstTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly sealed: boolean;
}

/** What a segment has to know of a batch. A `BatchView` fits. */
export interface BatchFacts {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
}

/** Told of each range of offsets that damage has taken: from the first up to, not including, the second. */
export type OnLost = (lostFrom: number, lostTo: number) => void;

export class Segment implements BatchSource {
  readonly baseOffset: number;
  readonly revision: number;
  /** Of the .log. */
  readonly path: string;
  readonly #files: SegmentFiles;
  /** Ends of the lost ranges that were told already: reading them again loses nothing more. */
  readonly #toldLost = new Set<number>();
  #endOffset: number;
  #bytes: number;
  #firstTimestampMs: number;
  #maxTimestampMs: number;
  #sealed: boolean;
  #dirty = false;
  /** Met at open, and nothing was appended since. */
  #restored = false;
  /** Of a segment that is not sealed, from its first byte on; undefined until somebody needs them. */
  #indexes: SegmentIndexes | undefined;

  private constructor(files: SegmentFiles, facts: SegmentFacts) {
    this.#files = files;
    this.baseOffset = facts.baseOffset;
    this.revision = facts.revision;
    this.path = `${files.directory}/${segmentFileName({ ...facts, kind: "log" })}`;
    this.#endOffset = facts.endOffset;
    this.#bytes = facts.bytes;
    this.#firstTimestampMs = facts.firstTimestampMs;
    this.#maxTimestampMs = facts.maxTimestampMs;
    this.#sealed = facts.sealed;
  }

  /** The file is made with the first batch. */
  static create(files: SegmentFiles, baseOffset: number, revision = 0): Segment {
    const times = { firstTimestampMs: 0, maxTimestampMs: 0 };
    const segment = new Segment(files, {
      baseOffset,
      endOffset: baseOffset,
      bytes: 0,
      revision,
      ...times,
      sealed: false,
    });
    segment.#indexes = new SegmentIndexes();
    return segment;
  }

  /** Touches no file. What the file holds behind `facts.bytes` is not part of the segment. */
  static restore(files: SegmentFiles, facts: SegmentFacts): Segment {
    const segment = new Segment(files, facts);
    segment.#restored = true;
    return segment;
  }

  get endOffset(): number {
    return this.#endOffset;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Of the first batch; 0 when there is none. */
  get firstTimestampMs(): number {
    return this.#firstTimestampMs;
  }

  get maxTimestampMs(): number {
    return this.#maxTimestampMs;
  }

  get sealed(): boolean {
    return this.#sealed;
  }

  /** Written since the last sync began. */
  get dirty(): boolean {
    return this.#dirty;
  }

  get facts(): SegmentFacts {
    const { baseOffset, endOffset, bytes, revision, firstTimestampMs, maxTimestampMs, sealed } = this;
    return { baseOffset, endOffset, bytes, revision, firstTimestampMs, maxTimestampMs, sealed };
  }

  get files(): SegmentFiles {
    return this.#files;
  }

  /** In the segment's directory, whether they exist or not. */
  get fileNames(): readonly string[] {
    return [this.#name("log"), this.#name("index"), this.#name("timeindex")];
  }

  append(batch: BatchView): void {
    this.appendAll([batch]);
  }

  /**
   * Writes whole batches, one behind the other, to the page cache, at once. When it throws, the segment is as it was and
   * they can be appended again.
   */
  appendAll(batches: readonly BatchView[]): void {
    assert(!this.#sealed, `${this.path} is sealed`);
    const file = this.#files.openFiles.make(this.path);
    // A file left behind by a crash may be here already, and longer.
    if (this.#bytes === 0 && file.size() > 0) file.truncate(0);
    this.#restored = false;
    writeFully(file, bytesOf(batches), this.#bytes);
    for (const batch of batches) this.#count(batch);
    this.#dirty = true;
  }

  #count(batch: BatchView): void {
    assert(batch.baseOffset >= this.#endOffset, `batch ${batch.baseOffset} is appended behind ${this.#endOffset}`);
    const place = { position: this.#bytes, bytes: batch.bytes.length, baseOffset: this.baseOffset };
    this.#indexes?.add(batch, place);
    if (this.#bytes === 0) this.#firstTimestampMs = batch.baseTimestampMs;
    this.#maxTimestampMs = Math.max(this.#maxTimestampMs, batch.maxTimestampMs);
    this.#bytes += batch.bytes.length;
    this.#endOffset = batch.lastOffset + 1;
  }

  /** Resolves once all that was appended before the call is on the medium. The directory's entries are the caller's to sync. */
  async sync(): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    await this.#files.openFiles.get(this.path).sync();
  }

  /** No more batches come. `endOffset` may be beyond the last of them: of a rewritten segment, whose last records are gone. */
  seal(endOffset = this.#endOffset): void {
    assert(!this.#sealed && endOffset >= this.#endOffset, `${this.path} cannot be sealed at ${endOffset}`);
    if (!this.#restored) this.#cutToBytes();
    this.#endOffset = endOffset;
    this.#sealed = true;
    const indexes = this.#indexes;
    this.#indexes = undefined;
    if (indexes !== undefined) storeIndexes(this, indexes);
  }

  /** Batches from the one that holds `offset` on, or the first one behind it. `shared`: they lie in memory lent by it. */
  reader(offset: number, onLost: OnLost, shared?: LentMemory): SegmentReader {
    const damaged = (lostFrom: number, lostTo: number): void => {
      if (lostFrom === lostTo || this.#toldLost.has(lostTo)) return;
      this.#toldLost.add(lostTo);
      onLost(lostFrom, lostTo);
    };
    const { disk } = this.#files.openFiles;
    const lending: Lending | undefined = shared && {
      shared,
      readAgain: (place) => readBatchAgain(disk, this.path, place),
    };
    return new SegmentReader(this, { ...findBatch(this, offset), lending }, { fromOffset: offset, onLost: damaged });
  }

  /** The first offset whose record is at or after the time; undefined when there is none here. */
  offsetAt(timestampMs: number): number | undefined {
    return timestampMs > this.#maxTimestampMs ? undefined : findTime(this, timestampMs);
  }

  /** From memory, from the files beside the segment, or else from the segment itself. */
  get indexes(): SegmentIndexes {
    if (!this.#sealed) return (this.#indexes ??= scanIndexes(this));
    const { indexes } = this.#files.openFiles;
    const known = indexes.get(this.path) ?? readIndexes(this);
    if (known === undefined) return this.reindex();
    indexes.set(this.path, known);
    return known;
  }

  /** Builds the indexes anew from the segment: they were missing, or have been found wrong. */
  reindex(): SegmentIndexes {
    const indexes = scanIndexes(this);
    if (this.#sealed) storeIndexes(this, indexes);
    else this.#indexes = indexes;
    return indexes;
  }

  read(into: Buffer, position: number): number {
    const file = this.#files.openFiles.find(this.path);
    return file === undefined ? 0 : readFully(file, into, position);
  }

  /** Removes its files. */
  remove(): void {
    for (const name of this.fileNames) this.#files.openFiles.remove(`${this.#files.directory}/${name}`);
  }

  /**
   * A short write may have left something behind the end. Not of a segment met at open: what its file holds there may
   * be batches of later commits, to which the write-ahead log refers until the next checkpoint.
   */
  #cutToBytes(): void {
    const file = this.#files.openFiles.make(this.path);
    if (file.size() > this.#bytes) file.truncate(this.#bytes);
  }

  #name(kind: SegmentFileKind): string {
    return segmentFileName({ baseOffset: this.baseOffset, revision: this.revision, kind });
  }
}

function bytesOf(batches: readonly BatchView[]): Buffer {
  const [first] = batches;
  return first !== undefined && batches.length === 1 ? first.bytes : Buffer.concat(batches.map((batch) => batch.bytes));
}
