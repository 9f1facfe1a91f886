/** Puts messages into a queue that drops what it has no room for: each in one commit with the end of those that make room for it. */
import { hasCode } from "../base/errors.js";
import type { Random } from "../base/random.js";
import { encodedBytes } from "../log/batch/builder.js";
import type { CapacitySpec } from "./channel-spec.js";
import type { OutgoingMessage, Receipt } from "./message.js";
import { type Entrant, Overflow, type Victim } from "./overflow.js";
import { DroppedReceipt } from "./pending-send.js";
import { RecordLookup } from "./record-lookup.js";
import type { WorkGroup } from "./work-group.js";
import type { WorkLane } from "./work-lane.js";

export interface DroppingHome {
  readonly group: WorkGroup;
  readonly random: Random;
  capacity(): CapacitySpec;
  /** It would not be stored: a message with its id is there. */
  isDuplicate(message: OutgoingMessage): boolean;
  append(message: OutgoingMessage): Receipt;
  /** All that `work` changes lands in one commit. */
  atomically<T>(work: () => T): T;
}

export class Dropping {
  readonly #home: DroppingHome;
  readonly #lookups = new Map<WorkLane, RecordLookup>();
  /** By partition and offset, the bytes of messages on their way to the disk: these cannot be read yet. */
  readonly #underway = new Map<number, Map<number, number>>();
  #dropped = 0;

  constructor(home: DroppingHome) {
    this.#home = home;
  }

  /** Messages that were dropped, before or after they were stored. */
  get dropped(): number {
    return this.#dropped;
  }

  put(messages: readonly OutgoingMessage[]): Receipt[] {
    const { group, random } = this.#home;
    const capacity = this.#home.capacity();
    const bytesOf = (lane: WorkLane, offset: number): number => this.#bytesAt(lane, offset);
    const overflow = new Overflow({ group, capacity, random, bytesOf });
    try {
      const bytes = capacity.bytes === Infinity ? (): number => 0 : encodedBytes;
      for (const [index, message] of messages.entries()) {
        if (!this.#home.isDuplicate(message)) overflow.add(index, bytes(message));
      }
      return this.#carryOut(messages, overflow.entrants);
    } catch (error) {
      overflow.abandon();
      throw error;
    }
  }

  /** A message was appended, where bytes are counted. */
  appended(partition: number, offset: number, bytes: number): void {
    let underway = this.#underway.get(partition);
    if (underway === undefined) this.#underway.set(partition, (underway = new Map()));
    underway.set(offset, bytes);
  }

  /** The partition can be read up to `endOffset`. */
  committed(partition: number, endOffset: number): void {
    const underway = this.#underway.get(partition);
    if (underway === undefined) return;
    for (const offset of underway.keys()) {
      if (offset >= endOffset) return;
      underway.delete(offset);
    }
  }

  #carryOut(messages: readonly OutgoingMessage[], entrants: readonly Entrant[]): Receipt[] {
    const byIndex = new Map(entrants.map((entrant) => [entrant.index, entrant]));
    return messages.map((message, index) => {
      const entrant = byIndex.get(index);
      if (entrant === undefined && !this.#home.isDuplicate(message)) {
        this.#dropped++;
        return new DroppedReceipt(message.id);
      }
      return this.#home.atomically(() => {
        // First: where it cannot be stored, nothing has to make room for it.
        const receipt = this.#home.append(message);
        for (const victim of entrant?.victims ?? []) this.#drop(victim);
        return receipt;
      });
    });
  }

  #drop({ lane, offset, bytes }: Victim): void {
    const { group } = this.#home;
    lane.drop(offset);
    this.#dropped++;
    if (bytes > 0) group.countBytes(Math.max(0, group.bytes - bytes));
  }

  #bytesAt(lane: WorkLane, offset: number): number {
    if (this.#home.capacity().bytes === Infinity) return 0;
    const underway = this.#underway.get(lane.partition)?.get(offset);
    if (underway !== undefined) return underway;
    let lookup = this.#lookups.get(lane);
    if (lookup === undefined) this.#lookups.set(lane, (lookup = new RecordLookup(lane.source)));
    try {
      const record = lookup.find(offset);
      return record === undefined ? 0 : encodedBytes(record);
    } catch (error) {
      // Of records that cannot be read nobody knows the size: an empty queue sets it right.
      if (hasCode(error, "LOG_CORRUPT") || hasCode(error, "DISK_FAILED")) return 0;
      throw error;
    }
  }
}
