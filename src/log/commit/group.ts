import { BatchView } from "../batch/view.js";
import type { Partition } from "../partition/partition.js";
import type { CommitWaiter, StateSnapshot, StateSource } from "../state.js";
import type { FrameWriter } from "../wal/frame.js";

/** What gathers for the next commit. */
export class GatheringGroup {
  readonly partitions: Partition[] = [];
  readonly sources: Set<StateSource> = new Set();
  readonly trims: Set<Partition> = new Set();
  readonly waiters: CommitWaiter[] = [];
  /** Batches that grew to their limit while the group gathers. */
  readonly full: { readonly partition: Partition; readonly bytes: Buffer }[] = [];
  /** Of records, roughly. */
  bytes = 0;

  get empty(): boolean {
    return (
      this.partitions.length === 0 &&
      this.sources.size === 0 &&
      this.trims.size === 0 &&
      this.waiters.length === 0 &&
      this.full.length === 0
    );
  }

  /** Encodes all of it into a frame: from here on the group is as it will be in the log. */
  seal(writer: FrameWriter, directBytesMin: number): SealedGroup {
    writer.begin();
    const batches = this.#sealBatches();
    const large = this.bytes < directBytesMin ? undefined : largePartitions(batches, directBytesMin);
    for (const batch of batches) {
      batch.direct = large?.has(batch.partition) === true;
      if (!batch.direct) writer.batch(batch.partition.topicId, batch.partition.index, batch.view.bytes);
    }
    for (const source of this.sources) source.drain(writer);
    const trims: SealedTrim[] = [];
    for (const partition of this.trims) trims.push({ partition, beforeOffset: partition.trimTo });
    return { writer, batches, trims, waiters: this.waiters, snapshot: undefined };
  }

  #sealBatches(): SealedBatch[] {
    const batches: SealedBatch[] = [];
    for (const { partition, bytes } of this.full)
      batches.push({ partition, view: new BatchView(bytes), direct: false });
    for (const partition of this.partitions) {
      if (partition.gathering) batches.push({ partition, view: new BatchView(partition.sealBatch()), direct: false });
    }
    return batches;
  }
}

export interface SealedBatch {
  readonly partition: Partition;
  readonly view: BatchView;
  /** Goes to its segment at once. All batches that a group has for a partition go the same way, so that they stay in order. */
  direct: boolean;
}

function largePartitions(batches: readonly SealedBatch[], directBytesMin: number): ReadonlySet<Partition> {
  const bytes = new Map<Partition, number>();
  for (const { partition, view } of batches) bytes.set(partition, (bytes.get(partition) ?? 0) + view.bytes.length);
  return new Set([...bytes].filter(([, sum]) => sum >= directBytesMin).map(([partition]) => partition));
}

interface SealedTrim {
  readonly partition: Partition;
  readonly beforeOffset: number;
}

/** A group on its way to the disk. */
export interface SealedGroup {
  readonly writer: FrameWriter;
  readonly batches: readonly SealedBatch[];
  readonly trims: readonly SealedTrim[];
  readonly waiters: readonly CommitWaiter[];
  /** The state right behind this group, when a checkpoint was asked for. */
  snapshot: StateSnapshot | undefined;
}
