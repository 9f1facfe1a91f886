/**
 * A lane in the order of arrival: fresh are the messages from `deliveredHigh` on, read ahead from the log. Memory is O(leased +
 * returned), whatever the backlog. Offsets that the log jumps over do not exist (any more): they are settled.
 */
import type { Partition } from "../log/partition/partition.js";
import { LeasedRecord } from "./leases.js";
import type { Progress } from "./progress.js";
import { RecordStream } from "./record-lookup.js";
import { WorkLane, type WorkLaneHome } from "./work-lane.js";

export class ArrivalLane extends WorkLane {
  readonly #fresh: RecordStream;

  constructor(home: WorkLaneHome, source: Partition, progress: Progress) {
    super(home, source, progress);
    this.#fresh = new RecordStream(source, progress.deliveredHigh);
  }

  override get hasFresh(): boolean {
    return this.#fresh.peek() !== undefined;
  }

  protected override freshFrom(offset: number): void {
    this.#fresh.seek(offset);
  }

  protected override deliverFresh(leases: LeasedRecord[], count: number): void {
    const { progress } = this;
    let reached = progress.deliveredHigh;
    try {
      while (leases.length < count) {
        const record = this.#fresh.next();
        const at = record?.offset ?? Math.min(this.#fresh.position, this.source.endOffset);
        if (at > reached) this.vanish(reached, at);
        reached = Math.max(reached, at);
        if (record === undefined) break;
        reached = at + 1;
        if (!progress.settled.has(at) && this.expiry?.isExpired(record) !== true)
          leases.push(new LeasedRecord(record, this, 1));
      }
    } finally {
      // Also when the log could not be read on: what was handed out must not be taken for a gap next time.
      progress.reach(reached);
    }
  }
}
