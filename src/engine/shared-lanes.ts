/** A group's lanes of which none comes before another: each has a fair share of every take, and what one does not need goes to the others. */
import { assert } from "../base/assert.js";
import type { LeasedRecord } from "./leases.js";
import type { GroupLanes } from "./ranked-lanes.js";
import type { WorkLane } from "./work-lane.js";

export class SharedLanes implements GroupLanes {
  readonly all: WorkLane[] = [];
  /** Which lane the next take begins with. */
  #turn = 0;

  get first(): WorkLane {
    const [first] = this.all;
    assert(first !== undefined, "a group has a lane");
    return first;
  }

  add(lane: WorkLane): void {
    this.all.push(lane);
  }

  take(leases: LeasedRecord[], count: number, freshToo: boolean): void {
    const share = Math.max(1, Math.floor(count / this.all.length));
    const turn = this.#turn++;
    for (const most of [share, count]) {
      for (let index = 0; index < this.all.length; index++) {
        const lane = this.all[(turn + index) % this.all.length] as WorkLane;
        // Also with nothing to be taken: a lane that was asked needs no alarm for what is due now.
        if (leases.length < count || count <= 0) lane.take(leases, Math.min(count, leases.length + most), freshToo);
      }
    }
  }
}
