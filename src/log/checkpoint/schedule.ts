/**
 * When a checkpoint is taken: once enough has been committed since the last one, or enough disk waits to be given back.
 * One at a time.
 *
 *   idle ──soon──▶ spilling ahead, a few tails at a time ──▶ snapshot at the next frame boundary ──▶ writing ──▶ idle
 */
import type { Clock } from "../../base/clock.js";
import type { Limits } from "../../base/limits.js";
import type { Committer } from "../commit/committer.js";
import type { SealedGroup } from "../commit/group.js";
import type { PageStore } from "../pages/page-store.js";
import type { Partitions } from "../partition/partitions.js";
import type { Segment } from "../segments/segment.js";
import type { StateSnapshot } from "../state.js";
import type { WalFiles } from "../wal/files.js";
import type { WalPosition } from "../wal/scan.js";
import { type Checkpointer, inlineTails, type TakenCheckpoint } from "./checkpointer.js";

/** What writing and syncing one tail's file costs, as bytes of sequential writing. */
const bytesPerTail = 32 * 1024;

export interface ScheduleOptions {
  readonly checkpointer: Checkpointer;
  readonly committer: Committer;
  readonly partitions: Partitions;
  readonly pages: PageStore;
  readonly files: WalFiles;
  readonly clock: Clock;
  readonly limits: Limits;
  /** Of the checkpoint that recovery has read. */
  readonly lsn: number;
  /** A checkpoint could not be made: for lack of room, or because a sync failed. */
  readonly failed: (error: unknown) => void;
}

export class CheckpointSchedule {
  readonly #options: ScheduleOptions;
  #orphans: readonly string[] = [];
  #writing: Promise<void> | undefined;
  #spilling: Promise<void> | undefined;
  #lsn: number;
  #bytesSince = 0;

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#lsn = options.lsn;
  }

  /** Everything up to here is in the last durable checkpoint. */
  get lsn(): number {
    return this.#lsn;
  }

  /** Resolves once the checkpoint that is being written is durable; undefined when none is. */
  get writing(): Promise<void> | undefined {
    return this.#writing;
  }

  /** Files that go with the first checkpoint: the write-ahead log may refer to them until then. */
  set orphans(paths: readonly string[]) {
    this.#orphans = paths;
  }

  /** A group is durable. Right then, and before the next one is begun. */
  committed(group: SealedGroup): void {
    if (group.snapshot !== undefined) this.#take(group.snapshot);
    for (const { view } of group.batches) this.#bytesSince += view.bytes.length;
    this.#bytesSince += group.writer.framedBytes;
    if (this.#bytesSince >= this.#dueBytes()) this.soon();
  }

  /** Segments that nobody needs: worth a checkpoint of their own when they are a whole segment's size. */
  retire(segments: readonly Segment[]): void {
    const { checkpointer, limits } = this.#options;
    checkpointer.retire(segments);
    if (checkpointer.retiredBytes >= limits.segmentBytes) this.soon();
  }

  soon(): void {
    if (this.#writing !== undefined || this.#spilling !== undefined) return;
    const { partitions, clock, committer, failed } = this.#options;
    const pause = (): Promise<void> => new Promise((resolve) => clock.soon(resolve));
    this.#spilling = partitions
      .spillAhead(inlineTails, pause)
      // For lack of room, and the checkpoint will meet it too.
      .catch((error: unknown) => failed(error))
      .finally(() => {
        this.#spilling = undefined;
        committer.requestSnapshot();
      });
  }

  /** Resolves once a checkpoint taken from now on is durable, or could not be made for lack of room. */
  async now(): Promise<void> {
    const { committer } = this.#options;
    await this.#writing;
    committer.requestSnapshot();
    await committer.drained();
    await this.#writing;
  }

  /** Commits what gathers, and leaves nothing for recovery to do. */
  async last(): Promise<void> {
    const { committer, checkpointer } = this.#options;
    await committer.drained();
    await this.#spilling;
    await committer.drained();
    await this.#writing;
    if (committer.lsn > this.#lsn || checkpointer.retiredBytes > 0) await this.now();
  }

  /** Takes and writes one without a frame boundary: while nothing gathers, and before the log serves anybody. */
  async at(wal: WalPosition, snapshot: StateSnapshot): Promise<void> {
    await this.#write(this.#options.checkpointer.take(wal, snapshot));
  }

  #take(snapshot: StateSnapshot): void {
    const { checkpointer, committer, files, pages, failed } = this.#options;
    if (this.#writing !== undefined) {
      // Asked for twice. The pages this snapshot names as changed must not be forgotten.
      pages.stage(snapshot.pages);
      return;
    }
    this.#bytesSince = 0;
    let taken: TakenCheckpoint;
    try {
      taken = checkpointer.take(files.positionBehind(committer.lsn), snapshot);
    } catch (error) {
      failed(error);
      return;
    }
    this.#writing = this.#write(taken)
      .catch((error: unknown) => failed(error))
      .finally(() => {
        this.#writing = undefined;
      });
  }

  async #write(taken: TakenCheckpoint): Promise<void> {
    const { checkpointer, files, partitions } = this.#options;
    await checkpointer.write(taken);
    this.#lsn = taken.wal.lsn;
    files.release(taken.wal.generation);
    partitions.removeOrphans(this.#orphans);
    this.#orphans = [];
  }

  /** A checkpoint costs a file and a sync for each tail it cannot hold: with many of them it waits until it is worth that. */
  #dueBytes(): number {
    const { limits, partitions } = this.#options;
    const { checkpointBytes, walBytesMax } = limits;
    const worth = checkpointBytes + partitions.tailBudget.count * bytesPerTail;
    return Math.max(checkpointBytes, Math.min(worth, walBytesMax / 2));
  }
}
