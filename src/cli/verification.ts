import type { Disk } from "../disk/disk.js";
import { MillraceError, hasCode } from "../base/errors.js";
import { type CheckpointBody, type PartitionSnapshot, decodeCheckpoint } from "../log/checkpoint/body.js";
import { readSlots, slotNames } from "../log/checkpoint/slots.js";
import type { Finding } from "../log/finding.js";
import { readMeta } from "../log/meta/journal.js";
import { metaDirectory } from "../log/meta/mirror.js";
import { PageStore } from "../log/pages/page-store.js";
import { segmentsDirectory } from "../log/partition/partitions.js";
import { walBegin } from "../log/recovery.js";
import { everyStoredBatchIsWhole } from "../log/stored-batches.js";
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
 * mirrors of the meta journal, the pages of settled messages and of ids, every record of every segment, and the write-ahead log.
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
    const content = this.#orDamage(() => readMeta(this.#disk));
    if (content instanceof MillraceError) {
      yield damage("meta-entry-lost", metaDirectory, {
        what: content.message,
        lost: "all declarations of channels and groups",
      });
      return;
    }
    for (const finding of content.findings) yield placed(finding);
    for (const entry of content.entries.values()) this.#learnName(entry);
    this.#tally.channels = this.#channels.size;
  }

  /** What is too damaged to be read is something to tell of, and here no error. */
  #orDamage<T>(read: () => T): T | MillraceError {
    try {
      return read();
    } catch (error) {
      if (hasCode(error, "LOG_CORRUPT")) return error;
      throw error;
    }
  }

  #learnName(entry: unknown): void {
    const { id, spec } = entry as { readonly id?: unknown; readonly spec?: { readonly name?: unknown } };
    if (typeof id === "number" && typeof spec?.name === "string") this.#channels.set(id, spec.name);
  }

  *#checkpoint(): Generator<PlacedFinding, CheckpointBody | "damaged" | undefined> {
    const slots = this.#orDamage(() => readSlots(this.#disk));
    if (slots instanceof MillraceError) {
      const lost = "everything: without a checkpoint no segment can be placed";
      yield damage("checkpoint-slot-damaged", slotNames.join(", "), { what: slots.message, lost });
      return "damaged";
    }
    for (const finding of slots.findings) yield placed(finding);
    return slots.checkpoint && decodeCheckpoint(slots.checkpoint.body);
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
      yield damage("meta-entry-lost", metaDirectory, { what, lost: "all messages of that channel" });
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

function damage(
  kind: Finding["kind"],
  file: string,
  told: { readonly what: string; readonly lost: string },
): PlacedFinding {
  return placed({ kind, file, ...told });
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
