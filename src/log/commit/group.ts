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
    return this.partitions.length === 0 && this.sources.size === 0 && this.trims.size === 0 && this.waiters.length === 0 && this.full.length === 0;
  }

  /** Encodes all of it into a frame: from here on the group is as it will be in the log. */
  seal(writer: FrameWriter): SealedGroup {
    writer.begin();
    const batches: SealedBatch[] = [];
    const add = (partition: Partition, bytes: Buffer): void => {
      writer.batch(partition.topicId, partition.index, bytes);
      batches.push({ partition, view: new BatchView(bytes) });
    };
    for (const { partition, bytes } of this.full) add(partition, bytes);
    for (const partition of this.partitions) if (partition.gathering) add(partition, partition.sealBatch());
    for (const source of this.sources) source.drain(writer);
    const trims: SealedTrim[] = [];
    for (const partition of this.trims) trims.push({ partition, beforeOffset: partition.trimTo });
    return { writer, framedBytes: writer.framedBytes, batches, trims, waiters: this.waiters, snapshot: undefined };
  }
}

interface SealedBatch {
  readonly partition: Partition;
  readonly view: BatchView;
}

interface SealedTrim {
  readonly partition: Partition;
  readonly beforeOffset: number;
}

/** A group on its way to the disk. */
export interface SealedGroup {
  readonly writer: FrameWriter;
  readonly framedBytes: number;
  readonly batches: readonly SealedBatch[];
  readonly trims: readonly SealedTrim[];
  readonly waiters: readonly CommitWaiter[];
  /** The state right behind this group, when a checkpoint was asked for. */
  snapshot: StateSnapshot | undefined;
}
