import type { Disk } from "../disk/disk.js";
import { MillraceError, hasCode } from "../base/errors.js";
import { type CheckpointBody, type PartitionSnapshot, decodeCheckpoint } from "../log/checkpoint/body.js";
import { readSlots, slotNames } from "../log/checkpoint/slots.js";
import type { Finding } from "../log/finding.js";
import { metaDirectory, readMirror } from "../log/meta/journal.js";
import { PageStore } from "../log/pages/page-store.js";
import { segmentsDirectory } from "../log/partition/partitions.js";
import { everyStoredBatchIsWhole, walBegin } from "../log/recovery.js";
import { checkSegment } from "../log/verify/segment-check.js";
import { scanWal } from "../log/wal/scan.js";

/** How much has been looked at. */
export interface VerificationTally {
  readonly channels: number;
  readonly segments: number;
  /** Commits of the write-ahead log that the checkpoint does not hold yet. */
  readonly commits: number;
  /** Of segments. */
  readonly records: number;
}

/** Where a finding belongs, for people: files have numbers, channels have names. */
export interface PlacedFinding extends Finding {
  readonly channel: string | undefined;
  readonly partition: number | undefined;
}

/**
 * Looks at a whole data directory as recovery would find it, without changing anything: both checkpoint slots, both
 * mirrors of the meta journal, the settle pages, every record of every segment, and the write-ahead log.
 * Nobody may have the directory open meanwhile.
 */
export class Verification {
  readonly #disk: Disk;
  readonly #channels = new Map<number, string>();
  readonly #tally = { channels: 0, segments: 0, commits: 0, records: 0 };
  /** Of the segments, to measure progress by. */
  #bytesDone = 0;
  #bytesWhole = 0;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  get tally(): VerificationTally {
    return this.#tally;
  }

  /** From 0 to 1. */
  get share(): number {
    return this.#bytesWhole === 0 ? 0 : this.#bytesDone / this.#bytesWhole;
  }

  /** The findings, and undefined after each file that took time and gave none. */
  *run(): Generator<PlacedFinding | undefined> {
    if (!this.#disk.exists(metaDirectory) && !slotNames.some((name) => this.#disk.exists(name)))
      throw foreign(this.#disk);
    yield* this.#meta();
    const checkpoint = yield* this.#checkpoint();
    if (checkpoint === "damaged") return;
    if (checkpoint !== undefined) {
      for (const finding of new PageStore(this.#disk).restore(checkpoint.pageFiles, () => {})) yield placed(finding);
      yield* this.#segments(checkpoint.partitions);
    }
    yield* this.#writeAheadLog(checkpoint);
  }

  *#meta(): Generator<PlacedFinding> {
    const entries = new Map<number, unknown>();
    let troubles = 0;
    for (const name of ["a", "b"]) {
      const mirror = readMirror(this.#disk, name);
      for (const [sequence, entry] of mirror.entries) entries.set(sequence, entry);
      if (mirror.trouble === undefined) continue;
      troubles += 1;
      const what = `${mirror.trouble}; the other mirror is used`;
      yield placed({ kind: "meta-mirror-damaged", file: `${metaDirectory}/${name}`, what, lost: undefined });
    }
    for (const entry of entries.values()) this.#learnName(entry);
    this.#tally.channels = this.#channels.size;
    const last = [...entries.keys()].reduce((most, sequence) => Math.max(most, sequence), 0);
    const missing = last - entries.size;
    // One mirror is written after the other, so a crash leaves one of them whole.
    if (missing === 0 && troubles < 2) return;
    const what =
      missing === 0 ? "both mirrors are damaged" : `${missing} of ${last} entries are damaged in both mirrors`;
    yield placed({
      kind: "meta-entry-lost",
      file: metaDirectory,
      what,
      lost: "the channels and groups that were declared there",
    });
  }

  #learnName(entry: unknown): void {
    const { id, spec } = entry as { readonly id?: unknown; readonly spec?: { readonly name?: unknown } };
    if (typeof id === "number" && typeof spec?.name === "string") this.#channels.set(id, spec.name);
  }

  *#checkpoint(): Generator<PlacedFinding, CheckpointBody | "damaged" | undefined> {
    try {
      const { checkpoint, findings } = readSlots(this.#disk);
      for (const finding of findings) yield placed(finding);
      return checkpoint && decodeCheckpoint(checkpoint.body);
    } catch (error) {
      if (!hasCode(error, "LOG_CORRUPT")) throw error;
      yield placed({
        kind: "checkpoint-slot-damaged",
        file: slotNames.join(", "),
        what: error.message,
        lost: "everything: without a checkpoint no segment can be placed",
      });
      return "damaged";
    }
  }

  *#segments(partitions: readonly PartitionSnapshot[]): Generator<PlacedFinding | undefined> {
    this.#bytesWhole = partitions
      .flatMap((partition) => partition.segments)
      .reduce((sum, segment) => sum + segment.bytes, 0);
    yield* this.#undeclared(partitions);
    for (const { topicId, index, segments } of partitions) {
      for (const segment of segments) {
        const check = checkSegment(this.#disk, `${segmentsDirectory}/${topicId}/${index}`, segment);
        this.#bytesDone += segment.bytes;
        this.#tally.segments += 1;
        this.#tally.records += check.records;
        for (const finding of check.findings)
          yield { ...finding, channel: this.#channels.get(topicId), partition: index };
        yield undefined;
      }
    }
  }

  /** Messages of a channel that nobody knows any more. */
  *#undeclared(partitions: readonly PartitionSnapshot[]): Generator<PlacedFinding> {
    const unknown = new Set(partitions.map((each) => each.topicId).filter((topicId) => !this.#channels.has(topicId)));
    for (const topicId of unknown) {
      const what = `the checkpoint has partitions of channel number ${topicId}, which is declared nowhere`;
      yield placed({ kind: "meta-entry-lost", file: metaDirectory, what, lost: "all messages of that channel" });
    }
  }

  *#writeAheadLog(checkpoint: CheckpointBody | undefined): Generator<PlacedFinding> {
    const scan = scanWal(this.#disk, checkpoint?.wal ?? walBegin, {
      isWhole: (body, header) => everyStoredBatchIsWhole(this.#disk, body, header),
      visit: () => void (this.#tally.commits += 1),
    });
    for (const finding of scan.findings) yield placed(finding);
  }
}

function placed(finding: Finding): PlacedFinding {
  return { ...finding, channel: undefined, partition: undefined };
}

function foreign(disk: Disk): MillraceError {
  return new MillraceError(
    "NOT_A_DATA_DIRECTORY",
    `${disk.where} is not a data directory of Millrace: it has neither a meta journal nor a checkpoint`,
  );
}
