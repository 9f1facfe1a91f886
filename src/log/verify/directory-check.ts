/**
 * Looks at a whole data directory as recovery would find it, and further: every record is decoded, every file is asked
 * what it is there for. Changes nothing. Nobody may have the directory open meanwhile.
 *
 *   meta mirrors → checkpoint slots → page files → segments and tails → write-ahead log → files that nothing names
 */
import { hasCode, MillraceError } from "../../base/errors.js";
import type { Disk } from "../../disk/disk.js";
import { BatchView } from "../batch/view.js";
import { type CheckpointBody, decodeCheckpoint } from "../checkpoint/body.js";
import { readSlots, slotNames } from "../checkpoint/slots.js";
import type { Finding } from "../finding.js";
import { readMeta } from "../meta/journal.js";
import { metaDirectory } from "../meta/mirror.js";
import { PageStore } from "../pages/page-store.js";
import { segmentsDirectory } from "../partition/partitions.js";
import { walBegin } from "../recovery.js";
import { segmentFileName } from "../segments/names.js";
import { everyStoredBatchIsWhole, readStored, storedPath } from "../stored-batches.js";
import { type FrameEntry, frameEntries } from "../wal/frame.js";
import type { FrameHeader } from "../wal/layout.js";
import { scanWal } from "../wal/scan.js";
import { orphanFiles } from "./orphan-files.js";
import { checkSegment } from "./segment-check.js";

/** How much was looked at. */
export interface DirectoryTotals {
  /** Entries of the meta journal: declared channels and groups, and changes of them. */
  declarations: number;
  partitions: number;
  segments: number;
  /** That can be read: of segments, of the checkpoint, and of commits behind it. */
  records: number;
  /** Live settle pages. */
  pages: number;
  /** Of the write-ahead log, behind the checkpoint. */
  commits: number;
}

export interface DirectoryReport {
  readonly findings: readonly Finding[];
  readonly totals: Readonly<DirectoryTotals>;
  /** The one that recovery would begin with. */
  readonly checkpoint: { readonly sequence: number; readonly lsn: number } | undefined;
}

/** @throws NOT_A_DATA_DIRECTORY, LOG_VERSION_UNSUPPORTED */
export function checkDirectory(disk: Disk): DirectoryReport {
  const check = new DirectoryCheck(disk);
  const findings: Finding[] = [];
  for (const finding of check.run()) if (finding !== undefined) findings.push(finding);
  const { totals, checkpoint } = check;
  return { findings, totals, checkpoint };
}

/** The same in steps, for whoever has other things to do meanwhile. */
export class DirectoryCheck {
  readonly totals: DirectoryTotals = { declarations: 0, partitions: 0, segments: 0, records: 0, pages: 0, commits: 0 };
  readonly #disk: Disk;
  /** What can be read of the meta journal, in order; whoever wrote the entries knows what they say. */
  readonly declarations: unknown[] = [];
  #checkpoint: DirectoryReport["checkpoint"];
  #bytesDone = 0;
  #bytesWhole = 0;
  /** Behind the last record of each partition, as far as it was read. */
  readonly #ends = new Map<string, number>();
  /** Segment files that something refers to. */
  readonly #named = new Set<string>();
  readonly #met: Finding[] = [];

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  get checkpoint(): DirectoryReport["checkpoint"] {
    return this.#checkpoint;
  }

  /** Of the segments, which are what takes time: from 0 to 1. */
  get share(): number {
    return this.#bytesWhole === 0 ? 0 : this.#bytesDone / this.#bytesWhole;
  }

  /** Findings, and undefined after each step that gave none. */
  *run(): Generator<Finding | undefined> {
    if (![metaDirectory, ...slotNames].some((name) => this.#disk.exists(name))) throw foreign(this.#disk);
    yield* this.#readMeta();
    const body = yield* this.#readCheckpoint();
    if (body === "damaged") return;
    if (body !== undefined) {
      yield* this.#readPages(body);
      yield* this.#readPartitions(body);
    }
    yield* this.#readWriteAheadLog(body);
    yield* orphanFiles(this.#disk, { segments: this.#named, pageFiles: body?.pageFiles ?? [] });
  }

  *#readMeta(): Generator<Finding> {
    try {
      const { entries, findings } = readMeta(this.#disk);
      this.declarations.push(...entries.values());
      this.totals.declarations = entries.size;
      yield* findings;
    } catch (error) {
      if (!hasCode(error, "LOG_CORRUPT")) throw error;
      const lost = "all declarations of channels and groups";
      yield { kind: "meta-entry-lost", file: metaDirectory, what: error.message, lost };
    }
  }

  *#readCheckpoint(): Generator<Finding, CheckpointBody | "damaged" | undefined> {
    try {
      const { checkpoint, findings } = readSlots(this.#disk);
      yield* findings;
      if (checkpoint === undefined) return undefined;
      const body = decodeCheckpoint(checkpoint.body);
      this.#checkpoint = { sequence: checkpoint.sequence, lsn: body.wal.lsn };
      return body;
    } catch (error) {
      if (!hasCode(error, "LOG_CORRUPT")) throw error;
      const lost = "everything: without a checkpoint no segment can be placed";
      yield { kind: "checkpoint-slot-damaged", file: slotNames.join(", "), what: error.message, lost };
      return "damaged";
    }
  }

  *#readPages(body: CheckpointBody): Generator<Finding> {
    yield* new PageStore(this.#disk).restore(body.pageFiles, () => void this.totals.pages++);
  }

  *#readPartitions({ partitions }: CheckpointBody): Generator<Finding | undefined> {
    for (const { segments } of partitions) for (const { bytes } of segments) this.#bytesWhole += bytes;
    for (const { topicId, index, segments, tail, endOffset } of partitions) {
      const directory = `${segmentsDirectory}/${topicId}/${index}`;
      this.totals.partitions++;
      this.#ends.set(directory, endOffset);
      for (const segment of segments) {
        const check = checkSegment(this.#disk, directory, segment);
        this.#name(`${directory}/${segmentFileName({ ...segment, kind: "log" })}`);
        this.totals.segments++;
        this.totals.records += check.records;
        this.#bytesDone += segment.bytes;
        yield* check.findings;
        yield undefined;
      }
      for (const batch of tail) this.#countRecords(batch, directory);
    }
    yield* this.#met.splice(0);
  }

  *#readWriteAheadLog(body: CheckpointBody | undefined): Generator<Finding> {
    const { findings } = scanWal(this.#disk, body?.wal ?? walBegin, {
      isWhole: (bytes, header) => everyStoredBatchIsWhole(this.#disk, bytes, header),
      visit: (bytes, header) => this.#visit(bytes, header),
    });
    yield* findings;
    yield* this.#met.splice(0);
  }

  #visit(body: Buffer, header: FrameHeader): void {
    this.totals.commits++;
    for (const entry of frameEntries(body, header.entries)) if (entry.kind !== "state") this.#visitBatch(entry);
  }

  #visitBatch(entry: Exclude<FrameEntry, { kind: "state" }>): void {
    const directory = `${segmentsDirectory}/${entry.topicId}/${entry.partition}`;
    if (entry.kind === "stored") this.#name(storedPath(entry));
    const bytes = entry.kind === "stored" ? readStored(this.#disk, entry) : Buffer.from(entry.bytes);
    if (bytes === undefined) {
      if (entry.kind === "stored") this.#missUpTo(entry.place.endOffset, directory);
      return;
    }
    const batch = new BatchView(bytes);
    this.#missUpTo(batch.baseOffset, directory);
    this.#countRecords(batch, directory);
    this.#ends.set(directory, batch.lastOffset + 1);
  }

  /** The segment's file, and the indexes beside it. */
  #name(logPath: string): void {
    for (const kind of ["log", "index", "timeindex"]) this.#named.add(logPath.replace(/log$/, kind));
  }

  #missUpTo(offset: number, directory: string): void {
    const end = this.#ends.get(directory) ?? 0;
    if (offset <= end) return;
    this.#ends.set(directory, offset);
    const what = "records that were committed behind the last checkpoint cannot be read";
    this.#met.push({ kind: "segment-damaged", file: directory, what, lost: `offsets ${end} to ${offset - 1}` });
  }

  /** Checksums cannot tell a batch that was built wrongly: its records are looked at one by one. */
  #countRecords(batch: BatchView, file: string): void {
    try {
      for (const record of batch.records()) {
        void record.headers;
        this.totals.records++;
      }
    } catch (error) {
      if (!hasCode(error, "LOG_CORRUPT")) throw error;
      const { baseOffset, lastOffset } = batch;
      const what = `a batch has right checksums and wrong records: ${error.message}`;
      this.#met.push({ kind: "segment-damaged", file, what, lost: `offsets ${baseOffset} to ${lastOffset}` });
    }
  }
}

function foreign(disk: Disk): MillraceError {
  return new MillraceError(
    "NOT_A_DATA_DIRECTORY",
    `${disk.where} is not a data directory of Millrace: it has neither a meta journal nor a checkpoint`,
  );
}
