/**
 * Lets everything that waits share one write and one `fdatasync`.
 *
 *   idle ──append/touch──▶ scheduled ──clock.soon──▶ committing ──nothing left──▶ idle
 *                                                     │    ▲
 *                                                     └────┘ seal · write · sync · complete, while the next group gathers
 *   any ──a sync failed──▶ fenced          any ──close──▶ closed
 *
 * fenced is final: the kernel may have dropped the unsynced pages, so a later sync that succeeds proves nothing.
 * There is no timer: under load groups grow by themselves, alone a message does not wait.
 */
import type { Durability } from "../../base/durability.js";
import type { Clock } from "../../base/clock.js";
import { hasCode, MillraceError } from "../../base/errors.js";
import type { Limits } from "../../base/limits.js";
import type { RecordInput } from "../batch/record.js";
import type { Partition } from "../partition/partition.js";
import type { CommitWaiter, StateSnapshot, StateSource } from "../state.js";
import type { WalFiles } from "../wal/files.js";
import { FrameWriter } from "../wal/frame.js";
import { GatheringGroup, type SealedGroup } from "./group.js";

export interface CommitterOptions {
  readonly files: WalFiles;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly durability: Durability;
  readonly lsn: number;
  readonly hooks: CommitHooks;
}

/** What the log does around commits. */
export interface CommitHooks {
  /** Synchronously, at the frame boundary of a group that a checkpoint was asked for. */
  snapshot(): StateSnapshot;
  /** A group is durable and visible. `snapshot` when one was taken at its boundary. */
  completed(group: SealedGroup): void;
  /** The log needs another file and the disk is full: resolves when trying again makes sense, rejects when nobody will. */
  outOfSpace(error: MillraceError): Promise<void>;
  fenced(error: MillraceError): void;
  /** Syncs what the partition has in its segments, and their names. */
  syncStored(partition: Partition): Promise<void>;
}

type Mode = "idle" | "scheduled" | "committing" | "fenced" | "closed";

/** A batch is closed at this size, so that reading a record of it never needs much memory. */
const batchBytesMax = 1024 * 1024;

export class Committer {
  readonly #options: CommitterOptions;
  readonly #groupBytesMax: number;
  readonly #writers: FrameWriter[] = [];
  #mode: Mode = "idle";
  #failure: MillraceError | undefined;
  #gathering = new GatheringGroup();
  #sealed: SealedGroup[] = [];
  #lsn: number;
  #inAtomic = false;
  #snapshotWanted = false;
  #idle: (() => void)[] = [];
  #unsynced = false;
  #syncing: Promise<void> | undefined;
  readonly #unsyncedPartitions = new Set<Partition>();

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#lsn = options.lsn;
    this.#groupBytesMax = options.limits.walFileBytes / 4;
  }

  get lsn(): number {
    return this.#lsn;
  }

  get failure(): MillraceError | undefined {
    return this.#failure;
  }

  get gatheredBytes(): number {
    return this.#gathering.bytes;
  }

  append(partition: Partition, record: RecordInput, timestampMs: number): number {
    const group = this.#gathering;
    if (!partition.gathering) group.partitions.push(partition);
    const before = partition.gatheredBytes;
    const offset = partition.gather(record, timestampMs);
    group.bytes += partition.gatheredBytes - before;
    if (partition.gatheredBytes > batchBytesMax) {
      group.full.push({ partition, bytes: partition.sealBatch() });
    }
    this.#schedule();
    if (group.bytes > this.#groupBytesMax && !this.#inAtomic) this.#seal();
    return offset;
  }

  touch(source: StateSource): void {
    this.#gathering.sources.add(source);
    this.#schedule();
  }

  trimLater(partition: Partition): void {
    this.#gathering.trims.add(partition);
    this.#schedule();
  }

  onDurable(waiter: CommitWaiter): void {
    if (this.#failure !== undefined || this.#mode === "closed") {
      waiter.failed(
        this.#failure ?? new MillraceError("CLOSED", "the log has been closed: nothing is committed any more"),
      );
      return;
    }
    this.#gathering.waiters.push(waiter);
    this.#schedule();
  }

  atomically<T>(bytesMax: number, work: () => T): T {
    const most = this.#options.limits.walFileBytes / 2;
    if (bytesMax > most)
      throw new MillraceError(
        "TRANSACTION_TOO_LARGE",
        `a transaction of ${bytesMax} bytes does not fit one commit, ${most} bytes do; split it, or raise limits.walFileBytes`,
      );
    if (this.#inAtomic) return work();
    if (this.#gathering.bytes > 0 && this.#gathering.bytes + bytesMax > most) this.#seal();
    this.#inAtomic = true;
    try {
      return work();
    } finally {
      this.#inAtomic = false;
    }
  }

  /** Takes a snapshot at the next frame boundary, and makes one when nothing gathers. */
  requestSnapshot(): void {
    this.#snapshotWanted = true;
    this.#schedule();
  }

  /** Resolves once nothing gathers or is on its way. Rejects when fenced. */
  async drained(): Promise<void> {
    while (this.#mode !== "idle" && this.#mode !== "closed") {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  /** Nothing is acknowledged any more. */
  fence(cause: unknown): void {
    if (this.#mode === "fenced" || this.#mode === "closed") return;
    this.#mode = "fenced";
    const what = cause instanceof Error ? cause.message : String(cause);
    const failure = new MillraceError(
      "LOG_FENCED",
      `the disk failed while committing (${what}); what was not acknowledged may be lost. Close and open again`,
      { cause },
    );
    this.#failure = failure;
    const groups = [...this.#sealed.splice(0), this.#gathering];
    this.#gathering = new GatheringGroup();
    this.#options.hooks.fenced(failure);
    for (const group of groups) for (const waiter of group.waiters) waiter.failed(failure);
    this.#wakeIdle();
  }

  close(): void {
    if (this.#mode === "idle") this.#mode = "closed";
  }

  /** Resolves once everything written before the call is synced: for a durability other than "fsync". */
  async syncWritten(): Promise<void> {
    // One that is under way may have begun before the last write; what it takes with it is not durable before it ends.
    while (this.#syncing !== undefined) await this.#syncing;
    if (!this.#unsynced) return;
    this.#syncing = this.#syncUnsynced().finally(() => {
      this.#syncing = undefined;
    });
    await this.#syncing;
  }

  async #syncUnsynced(): Promise<void> {
    this.#unsynced = false;
    const partitions = [...this.#unsyncedPartitions];
    this.#unsyncedPartitions.clear();
    try {
      await Promise.all([
        this.#options.files.current.file.sync(),
        ...partitions.map((partition) => this.#options.hooks.syncStored(partition)),
      ]);
    } catch (error) {
      this.fence(error);
    }
  }

  #schedule(): void {
    if (this.#mode !== "idle") return;
    this.#mode = "scheduled";
    this.#options.clock.soon(() => void this.#run());
  }

  async #run(): Promise<void> {
    if (this.#mode !== "scheduled") return;
    this.#mode = "committing";
    for (let group = this.#nextGroup(); group !== undefined; group = this.#nextGroup()) {
      try {
        await this.#commit(group);
      } catch (error) {
        this.fence(error);
        for (const waiter of group.waiters) waiter.failed(this.#failure as MillraceError);
        return;
      }
      if ((this.#mode as Mode) === "fenced") return;
    }
    this.#mode = "idle";
    this.#wakeIdle();
  }

  #nextGroup(): SealedGroup | undefined {
    if (this.#sealed.length === 0 && (this.#snapshotWanted || !this.#gathering.empty)) this.#seal();
    return this.#sealed.shift();
  }

  #seal(): void {
    const group = this.#gathering;
    this.#gathering = new GatheringGroup();
    const sealed = group.seal(this.#writers.pop() ?? new FrameWriter(), this.#options.limits.directBytesMin);
    if (this.#snapshotWanted) {
      this.#snapshotWanted = false;
      sealed.snapshot = this.#options.hooks.snapshot();
    }
    this.#sealed.push(sealed);
  }

  async #commit(group: SealedGroup): Promise<void> {
    const stored = this.#store(group);
    if (!group.writer.empty) {
      await this.#makeRoom(group.writer.framedBytes);
      const { current } = this.#options.files;
      const bytes = group.writer.finish(current.salt, this.#lsn + 1);
      await this.#write(bytes);
      current.position += bytes.length;
      this.#lsn++;
      if (this.#options.durability === "fsync")
        await Promise.all([
          current.file.sync(),
          ...stored.map((partition) => this.#options.hooks.syncStored(partition)),
        ]);
      else this.#unsynced = true;
      if (this.#unsynced) for (const partition of stored) this.#unsyncedPartitions.add(partition);
    }
    if (this.#failure !== undefined) throw this.#failure;
    this.#writers.push(group.writer);
    this.#complete(group);
  }

  /** Writes the large batches to their segments; where there is no room for one, it goes through the write-ahead log after all. */
  #store(group: SealedGroup): Partition[] {
    const stored = new Set<Partition>();
    const refused = new Set<Partition>();
    for (const batch of group.batches) {
      if (!batch.direct) continue;
      const { partition, view } = batch;
      const place = refused.has(partition) ? undefined : partition.store(view);
      if (place === undefined) {
        refused.add(partition);
        batch.direct = false;
        group.writer.batch(partition.topicId, partition.index, view.bytes);
      } else {
        stored.add(partition);
        group.writer.stored(partition, place);
      }
    }
    return [...stored];
  }

  async #write(bytes: Buffer): Promise<void> {
    for (;;) {
      try {
        this.#options.files.write(bytes);
        return;
      } catch (error) {
        // A file system that copies on write may need room even for bytes that exist already.
        if (!hasCode(error, "DISK_FULL")) throw error;
        await this.#options.hooks.outOfSpace(error);
      }
    }
  }

  /** Goes over to the next file when the frame does not fit the rest of this one; a frame larger than any gets a file of its own. */
  async #makeRoom(bytes: number): Promise<void> {
    const { files } = this.#options;
    while (files.leftBytes < bytes) {
      try {
        await files.prepare(bytes);
      } catch (error) {
        if (!hasCode(error, "DISK_FULL")) throw error;
        await this.#options.hooks.outOfSpace(error);
        continue;
      }
      // Frames of two files are never unsynced at the same time: recovery takes a hole before the last file for damage.
      await this.syncWritten();
      if (this.#failure !== undefined) throw this.#failure;
      files.roll();
    }
  }

  #complete(group: SealedGroup): void {
    for (const { partition, view, direct } of group.batches) {
      if (direct) partition.commitStored(view);
      else partition.commit(view);
    }
    for (const { partition, beforeOffset } of group.trims) partition.applyTrim(beforeOffset);
    for (const waiter of group.waiters) waiter.durable();
    this.#options.hooks.completed(group);
    for (const { partition } of group.batches) partition.onCommit?.();
  }

  #wakeIdle(): void {
    for (const wake of this.#idle.splice(0)) wake();
  }
}
