/**
 * Moves the point where recovery begins, so that the files of the write-ahead log can be used again.
 *
 *   frame boundary      state.snapshot()                                  synchronously
 *   frame L durable     spill what memory holds up to L, take the facts   synchronously
 *   then                sync segments, directories, pages · write both slots · release files up to L · remove garbage
 *
 * Nothing is removed before a checkpoint that does not name it is durable. When the disk is full, everything stays as
 * it was and the checkpoint is tried again.
 */
import type { Disk } from "../../disk/disk.js";
import type { PageStore, StagedPages } from "../pages/page-store.js";
import type { Partition } from "../partition/partition.js";
import type { InlineTails } from "../partition/partitions.js";
import type { Segment } from "../segments/segment.js";
import type { StateSnapshot } from "../state.js";
import type { WalPosition } from "../wal/scan.js";
import { encodeCheckpoint, type PartitionSnapshot } from "./body.js";
import { CheckpointSlots, type SlotName } from "./slots.js";

/** Small tails stand in the checkpoint itself: a file and a sync for each would cost more than writing them twice. */
export const inlineTails: InlineTails = { tailBytesMax: 64 * 1024, bytesMax: 16 * 1024 * 1024 };

/** Segments synced at the same time: leaves Node's thread pool room for the commits. */
const syncsAtOnce = 2;

export interface CheckpointerOptions {
  readonly disk: Disk;
  readonly pages: PageStore;
  readonly partitions: () => Iterable<Partition>;
  readonly sequence: number;
  /** The slot recovery has read. */
  readonly intactSlot: SlotName;
}

/** A checkpoint whose facts were taken and that only has to reach the disk. */
export interface TakenCheckpoint {
  readonly wal: WalPosition;
  readonly partitions: readonly PartitionSnapshot[];
  readonly state: Uint8Array;
  /** As they are in `state`: a page that goes because a later state covers it must not go from this one. */
  readonly pages: StagedPages;
  readonly garbage: readonly Segment[];
}

export class Checkpointer {
  readonly #options: CheckpointerOptions;
  readonly #slots: CheckpointSlots;
  #sequence: number;
  /** Segments that the last durable checkpoint may still name. */
  #retired: Segment[] = [];

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#slots = new CheckpointSlots(options.disk, options.intactSlot);
    this.#sequence = options.sequence;
  }

  get retiredBytes(): number {
    return this.#retired.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  retire(segments: readonly Segment[]): void {
    this.#retired.push(...segments);
  }

  /** Right after the frame of `wal.lsn` has become durable. Throws DISK_FULL when the tails find no room. */
  take(wal: WalPosition, snapshot: StateSnapshot): TakenCheckpoint {
    this.#options.pages.stage(snapshot.pages);
    let inlineBytes = 0;
    const partitions: PartitionSnapshot[] = [];
    for (const partition of this.#options.partitions()) {
      const inline =
        partition.tail.bytes <= inlineTails.tailBytesMax && inlineBytes + partition.tail.bytes <= inlineTails.bytesMax;
      if (inline) inlineBytes += partition.tail.bytes;
      else partition.spill(0);
      const { topicId, index } = partition;
      partitions.push({ topicId, index, ...partition.facts(), tail: inline ? partition.tail.all() : [] });
    }
    const pages = this.#options.pages.take();
    return { wal, partitions, state: snapshot.body, pages, garbage: [...this.#retired] };
  }

  /** Makes it durable. Rejects with DISK_FULL when there is no room, with anything else when a sync failed. */
  async write(taken: TakenCheckpoint): Promise<void> {
    await this.#syncPartitions();
    const pageFiles = await this.#options.pages.write(taken.pages);
    const segmentGarbage = taken.garbage.flatMap((segment) =>
      segment.fileNames.map((name) => `${segment.files.directory}/${name}`),
    );
    const garbage = [...segmentGarbage, ...this.#options.pages.garbage];
    const body = encodeCheckpoint({ ...taken, pageFiles, garbage });
    // Counted even when it fails: the other slot may have got it, and must not be taken for the next one.
    await this.#slots.write({ sequence: ++this.#sequence, body });
    this.#retired = this.#retired.filter((segment) => !taken.garbage.includes(segment));
    for (const segment of taken.garbage) segment.remove();
    this.#options.pages.removeGarbage();
  }

  /** Its segments, and the names of those that are new. */
  async syncPartition(partition: Partition): Promise<void> {
    await this.#sync([partition]);
  }

  async #syncPartitions(): Promise<void> {
    await this.#sync(this.#options.partitions());
  }

  async #sync(partitions: Iterable<Partition>): Promise<void> {
    const syncs: (() => Promise<void>)[] = [];
    const directories = new Set<string>();
    for (const partition of partitions) {
      for (const segment of partition.dirtySegments()) syncs.push(() => segment.sync());
      if (!partition.directoryDirty) continue;
      partition.directoryDirty = false;
      for (let path = partition.files.directory; path !== ""; path = parentOf(path)) directories.add(path);
      directories.add("");
    }
    for (const path of directories) syncs.push(() => this.#options.disk.syncDirectory(path));
    await inParallel(syncs, (sync) => sync());
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) await work(items[next++] as T);
  };
  await Promise.all(Array.from({ length: Math.min(syncsAtOnce, items.length) }, worker));
}
