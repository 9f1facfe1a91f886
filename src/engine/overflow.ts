/**
 * What a full queue does that drops messages: decides, for messages that want to go in, which of them do, and which of those that wait
 * make room. What is leased is never dropped; where nothing is left to drop, the new message is.
 *
 *   drop-newest    the new one
 *   drop-oldest    the oldest that waits, of the lowest priority that has one
 *   drop-random    any that waits, each as likely as the others
 *
 * Of a batch, the messages before count as waiting: what would be dropped again at once is not stored at all.
 */
import type { Random } from "../base/random.js";
import type { CapacitySpec } from "./channel-spec.js";
import type { WorkGroup } from "./work-group.js";
import type { WorkLane } from "./work-lane.js";

export interface Victim {
  readonly lane: WorkLane;
  readonly offset: number;
  readonly bytes: number;
}

/** A message of the batch that goes in, and what goes out for it. */
export interface Entrant {
  readonly index: number;
  readonly bytes: number;
  readonly victims: readonly Victim[];
}

export interface OverflowParts {
  readonly group: WorkGroup;
  readonly capacity: CapacitySpec;
  readonly random: Random;
  /** What a message takes of a bound on bytes; 0 where there is none. */
  bytesOf(lane: WorkLane, offset: number): number;
}

type Choice = Victim | Entrant;

export class Overflow {
  readonly #parts: OverflowParts;
  readonly #entrants: Entrant[] = [];
  readonly #victims = new Set<Victim>();
  #room: number;
  #roomBytes: number;

  constructor(parts: OverflowParts) {
    const { group, capacity } = parts;
    this.#parts = parts;
    this.#room = capacity.messages - group.depth;
    this.#roomBytes = capacity.bytes === Infinity ? Infinity : capacity.bytes - group.bytes;
  }

  /** In the order of the batch. */
  get entrants(): readonly Entrant[] {
    return this.#entrants;
  }

  /** The next message of the batch wants to go in. */
  add(index: number, bytes: number): void {
    const chosen: Choice[] = [];
    while (this.#room < 1 || this.#roomBytes < bytes) {
      const choice = this.#choose();
      if (choice === undefined) {
        for (const each of chosen.reverse()) this.#putBack(each);
        return;
      }
      chosen.push(choice);
      this.#room++;
      this.#roomBytes += choice.bytes;
    }
    this.#room--;
    this.#roomBytes -= bytes;
    this.#entrants.push({ index, bytes, victims: chosen.flatMap(victimsOf) });
  }

  /** Nothing of this happens after all. */
  abandon(): void {
    for (const { lane, offset } of this.#victims) lane.waiting.release(offset);
  }

  #choose(): Choice | undefined {
    const { whenFull } = this.#parts.capacity;
    if (whenFull === "drop-oldest") return this.#chooseOldest();
    return whenFull === "drop-random" ? this.#chooseAny() : undefined;
  }

  #chooseOldest(): Choice | undefined {
    const lane = this.#parts.group.lanes.findLast((each) => each.waiting.count > 0);
    return lane === undefined ? this.#entrants.shift() : this.#victim(lane, lane.waiting.oldest());
  }

  #chooseAny(): Choice | undefined {
    const { group, random } = this.#parts;
    let total = this.#entrants.length;
    for (const { waiting } of group.lanes) total += waiting.count;
    if (total === 0) return undefined;
    let at = Math.floor(random() * total);
    for (const lane of group.lanes) {
      const { count } = lane.waiting;
      if (at < count) return this.#victim(lane, lane.waiting.any(random));
      at -= count;
    }
    return this.#entrants.splice(at, 1)[0];
  }

  #victim(lane: WorkLane, offset: number): Victim {
    const victim = { lane, offset, bytes: this.#parts.bytesOf(lane, offset) };
    lane.waiting.hold(offset);
    this.#victims.add(victim);
    return victim;
  }

  #putBack(choice: Choice): void {
    this.#room--;
    this.#roomBytes -= choice.bytes;
    if ("lane" in choice) {
      this.#victims.delete(choice);
      choice.lane.waiting.release(choice.offset);
    } else {
      this.#entrants.push(choice);
      this.#entrants.sort((one, other) => one.index - other.index);
    }
  }
}

function victimsOf(choice: Choice): readonly Victim[] {
  return "lane" in choice ? [choice] : choice.victims;
}
