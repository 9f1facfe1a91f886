import { hasCode } from "../../base/errors.js";
import type { Limits } from "../../base/limits.js";
import type { Disk } from "../../disk/disk.js";
import type { Finding } from "../finding.js";
import { OpenFiles } from "../segments/open-files.js";
import type { Segment, SegmentFiles } from "../segments/segment.js";
import { Partition, type PartitionHome } from "./partition.js";
import type { TailBudget } from "./tail.js";

/** What the log does for its partitions, once it runs. */
export interface PartitionsOwner {
  trimLater(partition: Partition): void;
  retired(segments: readonly Segment[]): void;
  damageMet(finding: Finding): void;
}

export const segmentsDirectory = "t";

/** Between two pauses: about a millisecond. */
const spillsAtOnce = 16;

/** Which tails stand in a checkpoint itself instead of being written to a segment. */
export interface InlineTails {
  /** One of them, at most. */
  readonly tailBytesMax: number;
  /** All together, at most. */
  readonly bytesMax: number;
}

/** All partitions of a log, found by number, and the memory their tails share. */
export class Partitions implements PartitionHome {
  readonly limits: Limits;
  readonly tailBudget: TailBudget = { bytes: 0, count: 0 };
  readonly #disk: Disk;
  readonly #openFiles: OpenFiles;
  readonly #topics = new Map<number, Partition[]>();
  /** Until a log is attached: what recovery retires or finds. */
  readonly #early: { segments: Segment[]; findings: Finding[] } = { segments: [], findings: [] };
  #owner: PartitionsOwner | undefined;

  constructor(disk: Disk, limits: Limits) {
    this.limits = limits;
    this.#disk = disk;
    this.#openFiles = new OpenFiles(disk, limits.openFilesMax);
  }

  attach(owner: PartitionsOwner): void {
    this.#owner = owner;
    if (this.#early.segments.length > 0) owner.retired(this.#early.segments);
    for (const finding of this.#early.findings) owner.damageMet(finding);
  }

  get(topicId: number, index: number): Partition {
    let topic = this.#topics.get(topicId);
    if (topic === undefined) this.#topics.set(topicId, (topic = []));
    while (topic.length <= index) topic.push(new Partition(this, topicId, topic.length));
    return topic[index] as Partition;
  }

  /** By the topic's number, then by their own. */
  get topics(): ReadonlyMap<number, readonly Partition[]> {
    return this.#topics;
  }

  *all(): Iterable<Partition> {
    for (const topic of this.#topics.values()) yield* topic;
  }

  /** Keeps memory within its limits after `partition` grew. False: the disk is full, so it stays in memory. */
  relieve(partition: Partition): boolean {
    try {
      if (partition.tail.bytes > this.limits.partitionTailBytes) partition.spill(this.limits.partitionTailBytes / 2);
      if (this.tailBudget.bytes > this.limits.tailBytes) this.#spillLargest();
      return true;
    } catch (error) {
      if (hasCode(error, "DISK_FULL")) return false;
      throw error;
    }
  }

  /**
   * Writes to segments what the next checkpoint would have to, a few at a time, so that ten thousand partitions do not
   * hold up everything else for as long as ten thousand files take.
   */
  async spillAhead(inline: InlineTails, pause: () => Promise<void>): Promise<void> {
    let inlineBytes = 0;
    let spilled = 0;
    for (const partition of this.all()) {
      const { bytes } = partition.tail;
      if (bytes <= inline.tailBytesMax && inlineBytes + bytes <= inline.bytesMax) {
        inlineBytes += bytes;
        continue;
      }
      partition.spill(0);
      if (++spilled % spillsAtOnce === 0) await pause();
    }
  }

  /** As `relieve`, for all of them. */
  relieveAll(): boolean {
    for (const partition of this.all()) if (!this.relieve(partition)) return false;
    return true;
  }

  /**
   * Files of a process that died between making them and a checkpoint that names them. The write-ahead log may still
   * refer to batches in them: they go once a checkpoint has passed it.
   */
  orphans(touched: Iterable<Partition>): string[] {
    const paths: string[] = [];
    for (const partition of touched) {
      const { directory } = this.segmentFiles(partition, false);
      for (const name of this.#disk.list(directory)) if (!partition.owns(name)) paths.push(`${directory}/${name}`);
    }
    return paths;
  }

  /** Removes those of `paths` that no segment has taken for itself meanwhile. */
  removeOrphans(paths: readonly string[]): void {
    for (const path of paths) {
      const [, topicId, index, name = ""] = path.split("/");
      if (this.get(Number(topicId), Number(index)).owns(name)) continue;
      this.#openFiles.remove(path);
    }
  }

  close(): void {
    this.#openFiles.close();
  }

  segmentFiles(partition: Partition, make = true): SegmentFiles {
    const directory = `${segmentsDirectory}/${partition.topicId}/${partition.index}`;
    if (make) {
      // Each on its own: the parent is there already for all partitions but the first.
      if (partition.index === 0) this.#disk.makeDirectory(`${segmentsDirectory}/${partition.topicId}`);
      this.#disk.makeDirectory(directory);
    }
    return { openFiles: this.#openFiles, directory };
  }

  trimLater(partition: Partition): void {
    this.#owner?.trimLater(partition);
  }

  retired(_partition: Partition, segments: readonly Segment[]): void {
    if (this.#owner === undefined) this.#early.segments.push(...segments);
    else this.#owner.retired(segments);
  }

  damageMet(partition: Partition, lostFrom: number, lostTo: number): void {
    const finding: Finding = {
      kind: "segment-damaged",
      file: `${segmentsDirectory}/${partition.topicId}/${partition.index}`,
      what: "records do not carry their checksum, or are missing",
      lost: `offsets ${lostFrom} to ${lostTo - 1}`,
    };
    if (this.#owner === undefined) this.#early.findings.push(finding);
    else this.#owner.damageMet(finding);
  }

  /** Frees half of the memory, largest tails first: fewest files for the most memory. */
  #spillLargest(): void {
    const largest = [...this.all()]
      .filter((partition) => partition.tail.bytes > 0)
      .sort((a, b) => b.tail.bytes - a.tail.bytes);
    for (const partition of largest) {
      if (this.tailBudget.bytes <= this.limits.tailBytes / 2) return;
      partition.spill(0);
    }
  }
}
