/** Why a message is where it is, for each group that may get it. A composition of what lanes can tell about one offset; changes nothing. */
import type { Clock } from "../base/clock.js";
import type { RecordView } from "../log/batch/record.js";
import type { Partition } from "../log/partition/partition.js";
import type { Channel } from "./engine.js";
import type { EphemeralChannel } from "./ephemeral-channel.js";
import { type Lane, LoggedMessage } from "./lane.js";
import type { Incoming } from "./message.js";
import type { Peeker } from "./peek.js";
import { RecordLookup, RecordStream } from "./record-lookup.js";
import { type PartitionView, viewsOf } from "./views.js";

type StoringChannel = Exclude<Channel, EphemeralChannel>;

export interface MessageStanding {
  readonly group: string;
  readonly state: "ready" | "leased" | "delayed" | "behind" | "settled" | "gone";
  readonly attempts: number;
  readonly untilMs: number | undefined;
  readonly settledByMs: number | undefined;
  readonly holder: string | undefined;
  readonly behind: string | undefined;
  readonly ahead: number;
  readonly limit: string | undefined;
  readonly consumers: number;
}

export interface MessageExplanation {
  readonly message: Incoming | undefined;
  readonly standings: readonly MessageStanding[];
}

/** Where a message lies, or has lain. */
interface Place {
  readonly partition: Partition;
  readonly lane: Lane;
  readonly offset: number;
  readonly record: RecordView | undefined;
}

/** Looking through a long log lets others have their turn after this many messages. */
const turnRecords = 5_000;

export class Explainer {
  readonly #clock: Clock;
  readonly #peeker: Peeker;

  constructor(clock: Clock, peeker: Peeker) {
    this.#clock = clock;
    this.#peeker = peeker;
  }

  /** undefined: there is no such message, nor a trace of one. */
  async explain(channel: StoringChannel, id: string): Promise<MessageExplanation | undefined> {
    const place = atPosition(channel, id) ?? (await this.#search(channel, id));
    if (place === undefined) return undefined;
    const message = place.record === undefined ? undefined : new LoggedMessage(place.record, place.lane);
    const standings = [...channel.known.groups.keys()].flatMap((group) => {
      const view = viewsOf(channel, group).find((each) => each.partition === place.partition);
      return view === undefined ? [] : [this.#standing(group, view, place)];
    });
    return { message, standings };
  }

  /** What waits is looked through first; then all that is kept, for what is settled may still lie there. */
  async #search(channel: StoringChannel, id: string): Promise<Place | undefined> {
    for (const group of channel.known.groups.keys()) {
      const located = (await this.#peeker.locate(viewsOf(channel, group), [id])).get(id);
      if (located === undefined) continue;
      const { view, record } = located;
      return { partition: view.partition, lane: view.lane, offset: record.offset, record };
    }
    for (const [index, partition] of channel.partitions.entries()) {
      const record = await this.#searchAll(partition, id);
      if (record !== undefined) return placeOf(channel, index, record);
    }
    return undefined;
  }

  async #searchAll(partition: Partition, id: string): Promise<RecordView | undefined> {
    const stream = new RecordStream(partition, partition.startOffset);
    let looked = 0;
    for (let record = stream.next(); record !== undefined; record = stream.next()) {
      if (record.id === id) return record;
      if (++looked % turnRecords === 0) await new Promise<void>((resolve) => this.#clock.soon(resolve));
    }
    return undefined;
  }

  #standing(group: string, view: PartitionView, { offset, record }: Place): MessageStanding {
    const { progress, lane, consumers, limit } = view;
    const floor = Math.min(Math.max(progress.floor, view.partition.startOffset), offset);
    const ahead = offset - floor - progress.settled.countIn(floor, offset);
    const none = {
      attempts: 0,
      untilMs: undefined,
      settledByMs: undefined,
      holder: undefined,
      behind: undefined,
      ahead,
      limit: undefined,
    };
    if (progress.settled.has(offset))
      return { ...none, group, state: "settled", settledByMs: lane.history.passedByMs(offset), consumers };
    if (record === undefined) return { ...none, group, state: "gone", consumers };
    const lease = view.leases().find((each) => each.record.offset === offset);
    const { state, attempts, untilMs } = this.#peeker.stateOf(view, record, lease);
    const known = { ...none, group, attempts, untilMs, consumers };
    if (state === "leased") return { ...known, state, holder: view.holder };
    if (state === "delayed") return { ...known, state };
    const first = lane.waitsFor(record);
    if (first === undefined) return { ...known, state: "ready", limit };
    return { ...known, state: "behind", behind: idAt(view, first) };
  }
}

/** A message that was sent without an id is known by its position, also when it is not there any more. */
function atPosition(channel: StoringChannel, id: string): Place | undefined {
  for (const [index, lane] of channel.lanes.entries()) {
    const partition = channel.partitions[index];
    if (partition === undefined || !id.startsWith(lane.idPrefix)) continue;
    const digits = id.slice(lane.idPrefix.length);
    const offset = /^\d{1,15}$/.test(digits) ? Number(digits) : Infinity;
    if (offset >= partition.endOffset) return undefined;
    const record = new RecordLookup(partition).find(offset);
    return record?.id === undefined ? { partition, lane, offset, record } : undefined;
  }
  return undefined;
}

function placeOf(channel: StoringChannel, index: number, record: RecordView): Place | undefined {
  const partition = channel.partitions[index];
  const lane = channel.lanes[index];
  if (partition === undefined || lane === undefined) return undefined;
  return { partition, lane, offset: record.offset, record };
}

function idAt({ partition, lane }: PartitionView, offset: number): string {
  return new RecordLookup(partition).find(offset)?.id ?? lane.idPrefix + offset;
}
