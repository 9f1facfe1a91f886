/**
 * A group's lanes by priority. Strict: a message goes out before all of lower priority. Where the lowest have a share, every so many
 * deliveries one begins from below; the count decides, not chance:
 *
 *   share 0.25     3 3 3 1 3 3 3 1 …     as long as both 3 and 1 wait; whatever is there otherwise
 */
import { assert } from "../base/assert.js";
import type { LeasedRecord } from "./leases.js";
import type { WorkLane } from "./work-lane.js";

/** What hands out the messages of a group's lanes, one lane before the other or side by side. */
export interface GroupLanes {
  readonly all: readonly WorkLane[];
  /** The one that was added first. */
  readonly first: WorkLane;
  /** Which part of the deliveries goes to the lowest lanes first, 0 to 1, where lanes have a priority. */
  share?: number;
  add(lane: WorkLane, priority: number): void;
  /** Adds to `leases` what the lanes have, until there are `count`. */
  take(leases: LeasedRecord[], count: number, freshToo: boolean): void;
}

interface Ranked {
  readonly lane: WorkLane;
  readonly priority: number;
}

/** Shares are counted in millionths, so that a tenth is a tenth however often it is added. */
const whole = 1_000_000;

export class RankedLanes implements GroupLanes {
  readonly #ranked: Ranked[] = [];
  #urgentFirst: readonly WorkLane[] = [];
  #lowestFirst: readonly WorkLane[] = [];
  #first: WorkLane | undefined;
  #share = 0;
  /** Share of the deliveries since the last from below; at `whole` the next one is. */
  #owed = 0;

  /** The most urgent first. */
  get all(): readonly WorkLane[] {
    return this.#urgentFirst;
  }

  get first(): WorkLane {
    assert(this.#first !== undefined, "a group has a lane");
    return this.#first;
  }

  set share(share: number) {
    this.#share = Math.round(share * whole);
    this.#owed = this.#share;
  }

  /** Of the same priority, the one added last goes first. */
  add(lane: WorkLane, priority: number): void {
    this.#first ??= lane;
    this.#ranked.unshift({ lane, priority });
    this.#urgentFirst = lanesOf(this.#ranked.toSorted((one, other) => other.priority - one.priority));
    this.#lowestFirst = lanesOf(this.#ranked.toSorted((one, other) => one.priority - other.priority));
  }

  take(leases: LeasedRecord[], count: number, freshToo: boolean): void {
    if (this.#share > 0 && this.#urgentFirst.length > 1 && count > 0) this.#takeShared(leases, count, freshToo);
    // Also with nothing to be taken: a lane that was asked needs no alarm for what is due now.
    else
      for (const lane of this.#urgentFirst) if (leases.length < count || count <= 0) lane.take(leases, count, freshToo);
  }

  #takeShared(leases: LeasedRecord[], count: number, freshToo: boolean): void {
    for (let before = -1; before < leases.length && leases.length < count;) {
      before = leases.length;
      const fromBelow = this.#owed >= whole;
      const untilBelow = fromBelow ? 1 : Math.ceil((whole - this.#owed) / this.#share);
      const until = Math.min(count, before + untilBelow);
      const lanes = fromBelow ? this.#lowestFirst : this.#urgentFirst;
      for (const lane of lanes) {
        if (leases.length < until) lane.take(leases, until, freshToo);
      }
      this.#owed += fromBelow ? -whole : 0;
      this.#owed += (leases.length - before) * this.#share;
    }
  }
}

function lanesOf(ranked: readonly Ranked[]): readonly WorkLane[] {
  return ranked.map((each) => each.lane);
}
