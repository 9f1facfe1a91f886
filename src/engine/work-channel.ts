/** Queues and durable topics: one partition, kept until every group has settled it. */
import type { RecordView } from "../log/batch/record.js";
import type { Partition } from "../log/partition/partition.js";
import { GroupSource } from "./group-source.js";
import type { Lane } from "./lane.js";
import type { ConsumeOptions, Source } from "./message.js";
import type { KnownGroup } from "./meta.js";
import { StoredChannel } from "./stored-channel.js";
import { WorkSet } from "./work-set.js";

/** Settled records are given up in portions, or when nothing else is left: each time costs the log some work. */
const trimRecords = 512;

export abstract class WorkChannel extends StoredChannel {
  protected readonly groups: Map<string, WorkSet> = new Map();
  #ended: Error | undefined;
  #trimmed = 0;
  /** The group that keeps records from being given up: others need not look whether they can be. */
  #slowest: WorkSet | undefined;

  get workSets(): Iterable<WorkSet> {
    return this.groups.values();
  }

  get hasGroups(): boolean {
    return this.groups.size > 0;
  }

  get partition(): Partition {
    return this.partitions[0] as Partition;
  }

  get lane(): Lane {
    return this.lanes[0] as Lane;
  }

  workSet(group: string): WorkSet | undefined {
    return this.groups.get(group);
  }

  abstract override consume(options: ConsumeOptions): Promise<Source>;

  override fail(error: Error): void {
    this.#ended ??= error;
    for (const workSet of this.groups.values()) workSet.fail(error);
  }

  override async close(): Promise<void> {
    for (const workSet of this.groups.values()) await workSet.close();
  }

  /** Gives up what every group has settled. */
  trimSettled(): void {
    if (this.groups.size === 0) return;
    let floor = Infinity;
    for (const workSet of this.groups.values()) {
      if (workSet.progress.floor >= floor) continue;
      floor = workSet.progress.floor;
      this.#slowest = workSet;
    }
    if (floor === this.#trimmed) return;
    this.#trimmed = floor;
    this.partition.trim(floor);
  }

  /** Whether some group has not settled it. */
  isLive(offset: number): boolean {
    for (const workSet of this.groups.values()) if (!workSet.progress.settled.has(offset)) return true;
    return false;
  }

  /** At most this many records of the range are not settled by every group. */
  liveIn(from: number, to: number): number {
    let live = 0;
    for (const { progress } of this.groups.values()) live += to - from - progress.settled.countIn(from, to);
    return live;
  }

  protected override committed(_partition: number): void {
    for (const workSet of this.groups.values()) workSet.committed();
  }

  protected openGroup(group: KnownGroup): WorkSet {
    const { context, partition, lane } = this;
    const { log, clock, limits, logger } = context;
    const [progress] = context.ledger.progressOf(this.known, group);
    if (progress === undefined) throw new TypeError("a channel has at least one partition");
    const stage = context.stage.bind(context);
    const failed = context.failed.bind(context);
    const settled = (record: RecordView | undefined): void => this.settled(workSet, record);
    const home = { log, clock, limits, logger, partition, lane, channel: this.name, stage, failed, settled };
    const workSet: WorkSet = new WorkSet(home, group.name, progress);
    this.groups.set(group.name, workSet);
    this.#slowest = undefined;
    if (this.#ended !== undefined) workSet.fail(this.#ended);
    return workSet;
  }

  protected join(workSet: WorkSet, options: ConsumeOptions): Source {
    const source = new GroupSource(workSet, options);
    workSet.join(source);
    return source;
  }

  /** A group has settled a record; undefined: some that could not be read. */
  protected settled(workSet: WorkSet, _record: RecordView | undefined): void {
    if (this.#slowest !== undefined && this.#slowest !== workSet) return;
    const { floor } = workSet.progress;
    if (floor - this.#trimmed >= trimRecords || floor === this.partition.nextOffset) this.trimSettled();
  }
}
