/**
 * Looks at a partition's segments without changing anything: reads every batch, decodes every record, and says for each
 * finding what was lost. What the segments should hold is said by the checkpoint.
 */
import { hasCode, type MillraceError } from "../../base/errors.js";
import type { Disk } from "../../disk/disk.js";
import type { BatchView } from "../batch/view.js";
import type { Finding } from "../finding.js";
import { FileSource } from "../segments/file-source.js";
import { SegmentIndexes } from "../segments/indexes.js";
import { segmentFileName } from "../segments/names.js";
import { BatchScanner, type Damage } from "../segments/scanner.js";
import type { SegmentFacts } from "../segments/segment.js";
import { readWhole } from "../dump/wal-dump.js";

export interface SegmentCheck {
  readonly findings: readonly Finding[];
  readonly batches: number;
  /** That can be read. */
  readonly records: number;
  /** Offsets that damage has taken; of a rewritten segment some of them may have been settled before. */
  readonly lostOffsets: number;
}

/** Checks one segment of the partition in `directory`. Throws LOG_VERSION_UNSUPPORTED when a newer release wrote it. */
export function checkSegment(disk: Disk, directory: string, facts: SegmentFacts): SegmentCheck {
  const path = `${directory}/${segmentFileName({ ...facts, kind: "log" })}`;
  if (facts.bytes === 0) return { findings: [], batches: 0, records: 0, lostOffsets: 0 };
  if (!disk.exists(path)) return missing(path, facts);
  const { bytes, endOffset } = facts;
  const source = new FileSource(disk, path, { bytes, endOffset });
  try {
    const check = new SegmentScan(source, facts);
    check.run();
    if (facts.sealed && check.findings.length === 0) check.findings.push(...checkIndexes(disk, path, check.indexes));
    return check;
  } finally {
    source.close();
  }
}

function missing(path: string, { baseOffset, endOffset }: SegmentFacts): SegmentCheck {
  const finding: Finding = {
    kind: "segment-missing",
    file: path,
    what: "the checkpoint names this file, and it is not there",
    lost: offsets(baseOffset, endOffset),
  };
  return { findings: [finding], batches: 0, records: 0, lostOffsets: endOffset - baseOffset };
}

class SegmentScan implements SegmentCheck {
  readonly findings: Finding[] = [];
  readonly indexes = new SegmentIndexes();
  batches = 0;
  records = 0;
  lostOffsets = 0;
  readonly #source: FileSource;
  readonly #facts: SegmentFacts;

  constructor(source: FileSource, facts: SegmentFacts) {
    this.#source = source;
    this.#facts = facts;
  }

  run(): void {
    const { baseOffset } = this.#facts;
    const scanner = new BatchScanner(this.#source, { position: 0, offset: baseOffset }, (each) => this.#damaged(each));
    for (let batch = scanner.next(); batch !== undefined; batch = scanner.next()) {
      const position = scanner.batchPosition;
      if (!scanner.mended) this.indexes.add(batch, { position, bytes: batch.bytes.length, baseOffset });
      this.batches += 1;
      this.#decode(batch, position);
    }
    this.indexes.finish();
  }

  /** Checksums cannot tell a batch that was built wrongly: its records are looked at one by one. */
  #decode(batch: BatchView, position: number): void {
    try {
      for (const record of batch.records()) {
        void record.headers;
        this.records += 1;
      }
    } catch (error) {
      if (!hasCode(error, "LOG_CORRUPT")) throw error;
      this.#malformed(batch, position, error);
    }
  }

  #malformed({ baseOffset, lastOffset }: BatchView, position: number, error: MillraceError): void {
    this.lostOffsets += lastOffset + 1 - baseOffset;
    const what = `the batch at byte ${position} has right checksums and wrong records: ${error.message}`;
    this.#found("segment-damaged", what, offsets(baseOffset, lastOffset + 1));
  }

  #damaged({ position, bytes, lostFrom, lostTo }: Damage): void {
    const end = position + bytes;
    const { fileBytes } = this.#source;
    this.lostOffsets += lostTo - lostFrom;
    if (lostFrom === lostTo) {
      this.#found(
        "segment-damaged",
        `the head of the batch at byte ${position} is damaged; reading mends it`,
        undefined,
      );
    } else if (end > fileBytes) {
      const what = `the file ends at byte ${fileBytes}, inside of what it should hold; bytes ${position} to ${end} are lost`;
      this.#found("segment-cut", what, offsets(lostFrom, lostTo));
    } else {
      this.#found("segment-damaged", `bytes ${position} to ${end} are not what was written`, offsets(lostFrom, lostTo));
    }
  }

  #found(kind: Finding["kind"], what: string, lost: string | undefined): void {
    this.findings.push({ kind, file: this.#source.path, what, lost });
  }
}

/** Indexes may be missing; those that are there should be what the segment gives. */
function checkIndexes(disk: Disk, logPath: string, indexes: SegmentIndexes): Finding[] {
  const stored = [
    { file: logPath.replace(/log$/, "index"), right: indexes.offsets.stored },
    { file: logPath.replace(/log$/, "timeindex"), right: indexes.times.stored },
  ];
  return stored
    .filter(({ file, right }) => disk.exists(file) && !readWhole(disk, file).equals(right))
    .map(({ file }) => ({
      kind: "index-wrong",
      file,
      what: "it is not the index of its segment; it is built anew when it is used",
      lost: undefined,
    }));
}

/** In words, for people: "offset 5", "offsets 5 to 9 (5)". */
function offsets(from: number, to: number): string {
  return to - from === 1 ? `offset ${from}` : `offsets ${from} to ${to - 1} (${to - from})`;
}
