/** Gives up the records of one partition that every group has settled. */
import type { Partition } from "../log/partition/partition.js";
import type { WorkLane } from "./work-lane.js";

/** Settled records are given up in portions, or when nothing else is left: each time costs the log some work. */
const trimRecords = 512;

export class SettledFloor {
  readonly partition: Partition;
  /** Each group's lane of the partition. */
  readonly #lanes: WorkLane[] = [];
  #trimmed = 0;
  /** The lane that keeps records from being given up: others need not look whether they can be. */
  #slowest: WorkLane | undefined;

  constructor(partition: Partition) {
    this.partition = partition;
  }

  /** One more group reads the partition. */
  add(lane: WorkLane): void {
    this.#lanes.push(lane);
    this.#slowest = undefined;
  }

  /** A group has settled something. */
  settled(lane: WorkLane): void {
    if (this.#slowest !== undefined && this.#slowest !== lane) return;
    const { floor } = lane.progress;
    if (floor - this.#trimmed >= trimRecords || floor === this.partition.nextOffset) this.trim();
  }

  trim(): void {
    if (this.#lanes.length === 0) return;
    let floor = Infinity;
    for (const lane of this.#lanes) {
      if (lane.progress.floor >= floor) continue;
      floor = lane.progress.floor;
      this.#slowest = lane;
    }
    if (floor === this.#trimmed) return;
    this.#trimmed = floor;
    this.partition.trim(floor);
  }

  /** Whether some group has not settled it. */
  isLive(offset: number): boolean {
    return this.#lanes.some((lane) => !lane.progress.settled.has(offset));
  }

  /** At most this many records of the range are not settled by every group. */
  liveIn(from: number, to: number): number {
    let live = 0;
    for (const { progress } of this.#lanes) live += to - from - progress.settled.countIn(from, to);
    return live;
  }
}
