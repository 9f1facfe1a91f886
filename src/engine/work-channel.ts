/** Queues and durable topics: kept until every group has settled it. */
import type { RecordView } from "../log/batch/record.js";
import type { Partition } from "../log/partition/partition.js";
import { ArrivalLane } from "./arrival-lane.js";
import { DoneMarks } from "./dedup/done-marks.js";
import { GroupSource } from "./group-source.js";
import { KeyedLane } from "./keyed-lane.js";
import type { ConsumeOptions, Source } from "./message.js";
import type { KnownGroup } from "./meta.js";
import type { Progress } from "./progress.js";
import { SettledFloor } from "./settled-floor.js";
import { StoredChannel } from "./stored-channel.js";
import { WorkGroup } from "./work-group.js";
import type { WorkLane, WorkLaneHome } from "./work-lane.js";

export abstract class WorkChannel extends StoredChannel {
  protected readonly groups: Map<string, WorkGroup> = new Map();
  /** By partition. */
  readonly #floors = new Map<number, SettledFloor>();
  #ended: Error | undefined;

  get workGroups(): Iterable<WorkGroup> {
    return this.groups.values();
  }

  get hasGroups(): boolean {
    return this.groups.size > 0;
  }

  workGroup(group: string): WorkGroup | undefined {
    return this.groups.get(group);
  }

  abstract override consume(options: ConsumeOptions): Promise<Source>;

  override fail(error: Error): void {
    this.#ended ??= error;
    for (const group of this.groups.values()) group.fail(error);
  }

  override async close(): Promise<void> {
    for (const group of this.groups.values()) await group.close();
  }

  /** What every group has settled, for each partition. */
  get floors(): Iterable<SettledFloor> {
    return this.#floors.values();
  }

  /** Gives up what every group has settled. */
  trimSettled(): void {
    for (const floor of this.#floors.values()) floor.trim();
  }

  protected override committed(_partition: number): void {
    for (const group of this.groups.values()) group.committed();
  }

  protected openGroup(known: KnownGroup): WorkGroup {
    const { context } = this;
    const { log, clock, limits, logger } = context;
    const stage = context.stage.bind(context);
    const failed = context.failed.bind(context);
    const marks = new DoneMarks(log, context.ledger.ids, known.id);
    const group = new WorkGroup({ log, clock, limits, logger, channel: this.name, stage, failed, marks }, known.name);
    const home = this.laneHome(group);
    const progress = context.ledger.progressOf(this.known, known);
    for (const [index, partition] of this.partitions.entries()) {
      this.addLane(group, this.laneOf(home, partition, progress[index] as Progress), index + 1);
    }
    group.share = this.spec.priorityShare ?? 0;
    this.groups.set(known.name, group);
    if (this.#ended !== undefined) group.fail(this.#ended);
    return group;
  }

  protected laneHome(group: WorkGroup): WorkLaneHome {
    const { log, clock, limits } = this.context;
    return {
      log,
      clock,
      limits,
      channel: this.name,
      settled: (lane, record) => this.settled(group, lane, record),
      leases: () => group.leases(),
      // Damage is told where it is read.
      missed: () => {},
      ready: () => group.ready(),
      heldBack: (limit) => group.warnOf(limit),
      failed: (error) => this.context.failed(error),
    };
  }

  protected addLane(group: WorkGroup, lane: WorkLane, priority: number): void {
    if (this.spec.priorities > 1) lane.priority = priority;
    group.add(lane, priority);
    let floor = this.#floors.get(lane.partition);
    if (floor === undefined) this.#floors.set(lane.partition, (floor = new SettledFloor(lane.source)));
    floor.add(lane);
    lane.floor = floor;
  }

  /** How a group reads one of the partitions. */
  protected laneOf(home: WorkLaneHome, partition: Partition, progress: Progress): WorkLane {
    if (this.spec.order === "per-key") return new KeyedLane(home, partition, progress);
    return new ArrivalLane(home, partition, progress);
  }

  protected join(group: WorkGroup, options: ConsumeOptions): Source {
    const source = new GroupSource(group, options);
    group.join(source);
    return source;
  }

  /** A group has settled a record; undefined: some that could not be read. */
  protected settled(_group: WorkGroup, lane: WorkLane, _record: RecordView | undefined): void {
    lane.floor?.settled(lane);
  }
}
