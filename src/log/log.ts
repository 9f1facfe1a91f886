/**
 * The log: bytes that survive. Records of any number of partitions and the entries of one state machine, committed
 * together in one write-ahead log, kept in segments.
 *
 * We assume: `sync` flushes to the medium; a write never harms bytes outside its range; one process at a time.
 * We do not assume: that writes are whole or in order after a crash, or that a failed sync can be repeated.
 * We promise: what a waiter was told is durable survives a power cut; what one commit holds is there as a whole or not
 *   at all; a damaged payload is never handed out.
 * We do not: notice damage in what nobody reads, encrypt, or replicate.
 */
import type { Clock, Timer } from "../base/clock.js";
import type { Durability } from "../base/durability.js";
import { hasCode, MillraceError } from "../base/errors.js";
import type { Limits } from "../base/limits.js";
import type { Logger } from "../base/logger.js";
import type { Disk } from "../disk/disk.js";
import type { RecordInput } from "./batch/record.js";
import { Checkpointer } from "./checkpoint/checkpointer.js";
import { CheckpointSchedule } from "./checkpoint/schedule.js";
import { Committer } from "./commit/committer.js";
import type { SealedGroup } from "./commit/group.js";
import { type Finding, tell } from "./finding.js";
import type { MetaJournal } from "./meta/journal.js";
import { PageStore } from "./pages/page-store.js";
import type { Partition } from "./partition/partition.js";
import { Partitions } from "./partition/partitions.js";
import { recover, type Recovered } from "./recovery.js";
import { rewriteInSteps } from "./segments/rewrite.js";
import type { Segment } from "./segments/segment.js";
import { Space } from "./space.js";
import type { CommitWaiter, StateMachine, StateSource } from "./state.js";
import { WalFiles } from "./wal/files.js";

export interface LogOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly durability: Durability;
  readonly state: StateMachine;
  readonly logger: Logger;
}

interface LogParts {
  readonly partitions: Partitions;
  readonly pages: PageStore;
  readonly recovered: Recovered;
  readonly files: WalFiles;
}

/** With durability "interval", at most this much time passes between a write and its sync. */
const syncIntervalMs = 100;

export class Log {
  readonly #options: LogOptions;
  readonly #partitions: Partitions;
  readonly #space: Space;
  readonly #files: WalFiles;
  readonly #journal: MetaJournal;
  readonly #committer: Committer;
  readonly #checkpoints: CheckpointSchedule;
  readonly #findings: Finding[];
  #intervalTimer: Timer | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: LogOptions, parts: LogParts) {
    const { partitions, pages, recovered, files } = parts;
    const { disk, clock, limits, durability, logger } = options;
    this.#options = options;
    this.#partitions = partitions;
    this.#files = files;
    this.#journal = recovered.journal;
    this.#findings = [...recovered.findings];
    this.#space = new Space({
      disk,
      clock,
      logger,
      reserveBytes: limits.reserveBytes,
      recover: () => this.#findRoom(),
    });
    const checkpointer = new Checkpointer({
      disk,
      pages,
      partitions: () => partitions.all(),
      sequence: recovered.sequence,
      intactSlot: recovered.intactSlot,
    });
    const hooks = {
      snapshot: () => options.state.snapshot(),
      completed: (group: SealedGroup) => this.#completed(group),
      outOfSpace: () => this.#space.nextAttempt(),
      syncStored: (partition: Partition) => checkpointer.syncPartition(partition),
      fenced: (error: MillraceError) => logger.error({ where: disk.where, cause: String(error.cause) }, error.message),
    };
    this.#committer = new Committer({ files, clock, limits, durability, lsn: recovered.scan.lastLsn, hooks });
    const committer = this.#committer;
    const failed = (error: unknown): void => this.#checkpointFailed(error);
    this.#checkpoints = new CheckpointSchedule({
      checkpointer,
      committer,
      partitions,
      pages,
      files,
      clock,
      limits,
      lsn: recovered.checkpointLsn,
      failed,
    });
    partitions.attach({
      trimLater: (partition) => this.#committer.trimLater(partition),
      retired: (segments) => this.#checkpoints.retire(segments),
      damageMet: (finding) => this.#found(finding),
    });
  }

  /**
   * Opens the log on `disk` and brings `state` to what was acknowledged.
   * @throws NOT_A_DATA_DIRECTORY, LOG_CORRUPT, LOG_VERSION_UNSUPPORTED, DISK_FULL, DISK_READ_ONLY, DISK_FAILED
   */
  static async open(options: LogOptions): Promise<Log> {
    const { disk, clock, limits } = options;
    const partitions = new Partitions(disk, limits);
    const pages = new PageStore(disk);
    const recovered = await recover({
      disk,
      state: options.state,
      pages,
      partition: (topicId, index) => partitions.get(topicId, index),
      relieve: (partition) => partitions.relieve(partition),
    });
    const { scan } = recovered;
    const files = new WalFiles({
      disk,
      clock,
      fileBytes: limits.walFileBytes,
      eachFrameSynced: options.durability === "fsync",
      // As many as two checkpoints may let go of: deleting and creating costs more than overwriting.
      sparesMax: Math.ceil((2 * limits.checkpointBytes) / limits.walFileBytes) + 2,
      generation: scan.generationMax,
      names: scan.nameMax,
      lsn: scan.lastLsn,
    });
    for (const name of scan.spares) files.adoptSpare(name);
    for (const live of scan.live) files.adoptLive(live);
    const log = new Log(options, { partitions, pages, recovered, files });
    if (!scan.damaged) log.#checkpoints.orphans = partitions.orphans(recovered.touched);
    try {
      await log.#begin(recovered);
    } catch (error) {
      await log.#letGo();
      throw error;
    }
    return log;
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  /** Sends are refused for lack of room. */
  get full(): boolean {
    return this.#space.full;
  }

  /** Of the write-ahead log, as far as recovery would read it. */
  get walBytes(): number {
    return this.#files.liveBytes;
  }

  /** Partitions that were ever stored to or asked for, by topic, whether or not anybody knows what they were. */
  get topics(): ReadonlyMap<number, readonly Partition[]> {
    return this.#partitions.topics;
  }

  partition(topicId: number, index: number): Partition {
    return this.#partitions.get(topicId, index);
  }

  /**
   * undefined: there is room for `bytes` more now. Otherwise resolves once there may be; ask again then.
   * @throws DISK_FULL, LOG_FENCED, CLOSED
   */
  admission(bytes: number): Promise<void> | undefined {
    this.#mustAccept();
    const reserve = this.#options.limits.walFileBytes / 4;
    if (this.#files.liveBytes > this.#options.limits.walBytesMax && this.#checkpoints.writing !== undefined)
      return this.#checkpoints.writing;
    if (this.#files.nextReady || this.#files.leftBytes - this.#committer.gatheredBytes - bytes > reserve)
      return undefined;
    return this.#prepareNext();
  }

  /** Readable and durable after its commit. Returns its offset. @throws DISK_FULL, LOG_FENCED, CLOSED before any effect */
  append(partition: Partition, record: RecordInput, timestampMs: number): number {
    this.#mustAccept();
    return this.#committer.append(partition, record, timestampMs);
  }

  /** `source` is drained into the gathering group when that is sealed. Possible on a full disk. */
  touch(source: StateSource): void {
    this.#mustBeOpen();
    this.#committer.touch(source);
  }

  /**
   * All that `work` appends and touches lands in one commit: whole or not at all.
   * @param bytesMax what it appends at most
   * @throws TRANSACTION_TOO_LARGE before `work` is called
   */
  atomically<T>(bytesMax: number, work: () => T): T {
    this.#mustBeOpen();
    return this.#committer.atomically(bytesMax, work);
  }

  /** Told after everything so far is durable. */
  onDurable(waiter: CommitWaiter): void {
    this.#committer.onDurable(waiter);
  }

  /** Resolves once everything so far is durable, whatever the log's durability. */
  async flush(): Promise<void> {
    await new Promise<void>((durable, failed) => this.#committer.onDurable({ durable, failed }));
    await this.#committer.syncWritten();
    if (this.#committer.failure !== undefined) throw this.#committer.failure;
  }

  /** Resolves once the entry is durable. Calls at the same time share the syncs. */
  async appendMeta(entry: unknown): Promise<void> {
    this.#mustAccept();
    try {
      await this.#journal.append(entry);
    } catch (error) {
      if (hasCode(error, "DISK_FULL")) this.#space.report();
      else if (!hasCode(error, "PAYLOAD_TOO_LARGE")) this.#committer.fence(error);
      throw error;
    }
  }

  /**
   * Writes a sealed segment anew without the records that `keep` does not want. The old one goes with the next checkpoint.
   * Where there is no room for it, or something in the segment cannot be read, the segment stays as it is.
   */
  async rewrite(partition: Partition, baseOffset: number, keep: (offset: number) => boolean): Promise<void> {
    const segment = partition.sealedSegment(baseOffset);
    if (segment === undefined) return;
    const fresh = await this.#rewritten(segment, keep);
    if (fresh === undefined) return;
    try {
      // What `keep` said may rest on settlements that are not durable yet: until they are, the old segment stays.
      await this.flush();
    } catch (error) {
      fresh.remove();
      throw error;
    }
    if (partition.sealedSegment(baseOffset) === segment) partition.replaceSegment(segment, fresh);
    else fresh.remove();
  }

  async #rewritten(segment: Segment, keep: (offset: number) => boolean): Promise<Segment | undefined> {
    try {
      const steps = rewriteInSteps(segment, keep);
      for (let step = steps.next(); ; step = steps.next()) {
        if (step.done === true) return step.value;
        await new Promise<void>((resolve) => this.#options.clock.soon(resolve));
      }
    } catch (error) {
      if (hasCode(error, "DISK_FULL")) this.#space.report();
      else if (!hasCode(error, "LOG_CORRUPT") && !hasCode(error, "LOG_VERSION_UNSUPPORTED")) throw error;
      return undefined;
    }
  }

  /** Resolves once a checkpoint taken from now on is durable, or could not be made for lack of room. */
  async checkpoint(): Promise<void> {
    this.#mustBeOpen();
    await this.#checkpoints.now();
  }

  /** Commits what gathers, takes a checkpoint, and lets go of the files. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#intervalTimer?.cancel();
    try {
      if (this.#committer.failure === undefined) await this.#lastCheckpoint();
    } finally {
      await this.#letGo();
    }
    if (this.#committer.failure !== undefined) throw this.#committer.failure;
  }

  async #letGo(): Promise<void> {
    this.#space.close();
    this.#committer.close();
    await this.#files.settled();
    await this.#journal.close();
    this.#files.close();
    this.#partitions.close();
  }

  async #lastCheckpoint(): Promise<void> {
    await this.#space.finish();
    await this.#checkpoints.last();
    await this.#space.settled();
  }

  async #begin(recovered: Recovered): Promise<void> {
    const { scan, sequence, findings } = recovered;
    await this.#beginFile(recovered);
    const checkpointIsDue = scan.lastLsn > this.#checkpoints.lsn || findings.length > 0;
    if (sequence === 0)
      await this.#checkpoints.at(this.#files.positionBehind(scan.lastLsn), this.#options.state.snapshot());
    else if (checkpointIsDue) this.#committer.requestSnapshot();
    for (const finding of findings) tell(this.#options.logger, finding);
    if (this.#options.durability === "interval") this.#syncLater();
    this.#background(this.#prepareNext());
    this.#background(this.#space.keepReserve());
  }

  /** A full disk must not keep us from opening, unless there is nothing to open yet. */
  async #beginFile({ scan, sequence }: Recovered): Promise<void> {
    try {
      await this.#files.prepare();
      this.#files.roll();
    } catch (error) {
      if (!hasCode(error, "DISK_FULL") || sequence === 0) throw error;
      // Without a file, commits wait for room, and everything can be read.
      await this.#files.resume(scan.damaged ? undefined : scan.live.at(-1));
      this.#space.report();
    }
  }

  #completed(group: SealedGroup): void {
    for (const { partition } of group.batches) this.#relieve(partition);
    this.#checkpoints.committed(group);
    if (!this.#files.nextReady) this.#background(this.#prepareNext());
  }

  #relieve(partition: Partition): void {
    if (this.#space.full) return;
    if (!this.#partitions.relieve(partition)) this.#space.report();
  }

  #checkpointFailed(error: unknown): void {
    if (hasCode(error, "DISK_FULL")) this.#space.report();
    else this.#committer.fence(error);
  }

  /** Whether what failed for lack of room can be done now. */
  async #findRoom(): Promise<boolean> {
    if (this.#committer.failure !== undefined) return false;
    // Lets go of files that can be used again. Not waited for: the committer may itself be waiting for us.
    this.#checkpoints.soon();
    await this.#files.prepare();
    return this.#partitions.relieveAll();
  }

  async #prepareNext(): Promise<void> {
    try {
      await this.#files.prepare();
    } catch (error) {
      if (hasCode(error, "DISK_FULL")) {
        this.#space.report();
        throw this.#space.refusal();
      }
      this.#committer.fence(error);
      throw this.#committer.failure as MillraceError;
    }
  }

  #syncLater(): void {
    this.#intervalTimer = this.#options.clock.after(syncIntervalMs, () => {
      void this.#committer.syncWritten().then(() => {
        if (this.#closing === undefined) this.#syncLater();
      });
    });
  }

  #found(finding: Finding): void {
    this.#findings.push(finding);
    tell(this.#options.logger, finding);
  }

  #mustBeOpen(): void {
    if (this.#committer.failure !== undefined) throw this.#committer.failure;
    if (this.#closing !== undefined) throw new MillraceError("CLOSED", `${this.#options.disk.where} has been closed`);
  }

  #mustAccept(): void {
    this.#mustBeOpen();
    if (this.#space.full) throw this.#space.refusal();
  }

  /** Its failure has been dealt with where it happened. */
  #background(work: Promise<void>): void {
    work.catch(() => undefined);
  }
}
