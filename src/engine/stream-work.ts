/**
 * A group of a stream whose messages are settled each by itself, as a queue's are: all members share all partitions, and a message that
 * fails holds up nobody. There is no order. The stream keeps what its retention says; what that takes away unsettled is missed.
 */
import { ArrivalLane } from "./arrival-lane.js";
import type { CursorGroupHome } from "./cursor-group.js";
import type { Progress } from "./progress.js";
import { SharedLanes } from "./shared-lanes.js";
import { WorkGroup } from "./work-group.js";
import type { WorkLaneHome } from "./work-lane.js";

export class StreamWork extends WorkGroup {
  readonly #home: CursorGroupHome;

  constructor(home: CursorGroupHome, group: string, progress: readonly Progress[]) {
    super(home, group, new SharedLanes());
    this.#home = home;
    this.extendTo(progress);
  }

  /** The stream has more partitions than before: these begin at their first record. */
  extendTo(progress: readonly Progress[]): void {
    const { log, clock, limits, logger, channel } = this.#home;
    const home: WorkLaneHome = {
      log,
      clock,
      limits,
      channel,
      settled: () => {},
      leases: () => this.leases(),
      missed: (lane, messages) => {
        // Gaps that compaction has left are none of these, and here nobody can tell them apart.
        if (this.#home.isCompacted) return;
        const fields = { channel, group: this.group, partition: lane.partition, messages };
        logger.warn(fields, "messages were gone before the group had settled them: expired, or damaged");
      },
      ready: () => this.ready(),
      heldBack: (limit) => this.warnOf(limit),
      failed: (error) => this.#home.failed(error),
    };
    for (const [index, partition] of this.#home.partitions.entries()) {
      const known = progress[index];
      if (index < this.lanes.length || known === undefined) continue;
      this.add(new ArrivalLane(home, partition, known), 1);
    }
    this.ready();
  }

  /** Retention has taken records away. */
  passExpired(): void {
    for (const lane of this.lanes) lane.passExpired();
  }
}
