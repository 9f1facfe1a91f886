/** A channel in numbers. */
import type { Partition } from "../log/partition/partition.js";
import type { ChannelKind } from "./channel-spec.js";
import { DelayLane } from "./delay-lane.js";
import type { Channel } from "./engine.js";
import { EphemeralChannel } from "./ephemeral-channel.js";
import type { Progress } from "./progress.js";
import { QueueChannel } from "./queue-channel.js";
import type { StoredChannel } from "./stored-channel.js";
import { StreamChannel } from "./stream-channel.js";
import { StreamWork } from "./stream-work.js";
import type { WorkChannel } from "./work-channel.js";

export interface ChannelStats {
  readonly name: string;
  readonly kind: ChannelKind;
  readonly durable: boolean;
  readonly partitions: number;
  readonly messages: number;
  readonly bytes: number;
  readonly ready: number;
  readonly inFlight: number;
  readonly delayed: number;
  readonly heldBytes: number | undefined;
  readonly consumers: number;
  readonly parked: number;
  readonly oldestMs: number | undefined;
  readonly sent: number;
  readonly settled: number;
  readonly redelivered: number;
  readonly dropped: number;
  readonly damaged: number;
  readonly duplicates: number;
  readonly ids: number;
  readonly idsForgotten: number;
}

/** The age of the oldest message that a group has not settled; undefined when there is none. */
export type OldestMs = (partition: Partition, progress: Progress) => number | undefined;

type IdCount = "duplicates" | "ids" | "idsForgotten";

type Counts = Omit<ChannelStats, "name" | "kind" | "durable" | "partitions">;

export function statsOf(channel: Channel, oldestMs: OldestMs): ChannelStats {
  const { name, kind, durable, partitions } = channel.spec;
  return { name, kind, durable, partitions, ...countsOf(channel, oldestMs) };
}

function countsOf(channel: Channel, oldestMs: OldestMs): Counts {
  if (channel instanceof EphemeralChannel) return ephemeralCounts(channel);
  if (channel instanceof StreamChannel) return streamCounts(channel, oldestMs);
  return workCounts(channel, oldestMs);
}

function workCounts(channel: WorkChannel, oldestMs: OldestMs): Counts {
  const groups = [...channel.workGroups];
  const lanes = groups.flatMap((group) => group.lanes);
  const unsettled = groups.map(({ lanes: own }) =>
    sum(own.map(({ progress, source }) => progress.unsettled(source.endOffset))),
  );
  const inFlight = sum(groups.map((each) => each.inFlight));
  const delayed = sum(groups.map((each) => each.delayed));
  const parked = sum(groups.map((each) => each.parked));
  const ages = lanes.map(
    (each) => (each instanceof DelayLane ? each.overdueMs : oldestMs(each.source, each.progress)) ?? -1,
  );
  return {
    ...storedCounts(channel),
    messages: groups.length > 0 ? Math.max(...unsettled) : keptIn(channel),
    ready: Math.max(0, sum(unsettled) - inFlight - delayed - parked),
    inFlight,
    delayed,
    heldBytes: channel.spec.capacity.bytes === Infinity ? undefined : sum(groups.map((each) => each.bytes)),
    consumers: sum(groups.map((each) => each.members)),
    parked,
    oldestMs: oldestOf(ages),
    settled: sum(groups.map((each) => each.settledCount)),
    redelivered: sum(groups.map((each) => each.redeliveredCount)),
  };
}

function streamCounts(channel: StreamChannel, oldestMs: OldestMs): Counts {
  const groups = [...channel.groups];
  const lanes = groups.flatMap((group) => [...group.lanes]);
  return {
    ...storedCounts(channel),
    messages: keptIn(channel),
    ready: 0,
    inFlight: sum(groups.map((each) => each.inFlight)),
    delayed: sum(groups.map((each) => (each instanceof StreamWork ? each.delayed : 0))),
    heldBytes: undefined,
    consumers: sum(groups.map((each) => each.members)),
    parked: 0,
    oldestMs: oldestOf(lanes.map((each) => oldestMs(each.source, each.progress) ?? -1)),
    settled: sum(groups.map((group) => group.settledCount)),
    redelivered: sum(groups.map((each) => each.redeliveredCount)),
  };
}

function keptIn(channel: StoredChannel): number {
  return sum(channel.partitions.map((partition) => partition.endOffset - partition.startOffset));
}

function storedCounts(channel: StoredChannel): Pick<Counts, "bytes" | "sent" | "dropped" | "damaged" | IdCount> {
  return {
    bytes: sum(channel.partitions.map((partition) => partition.bytes)),
    sent: channel.sent,
    dropped: channel instanceof QueueChannel ? channel.dropped : 0,
    damaged: sum(channel.partitions.map((partition) => partition.damaged)),
    duplicates: channel.sentIds.duplicates,
    ids: channel.sentIds.remembered,
    idsForgotten: channel.sentIds.forgotten,
  };
}

function ephemeralCounts(channel: EphemeralChannel): Counts {
  const subscriptions = [...channel.subscriptions];
  const buffered = sum(subscriptions.map((each) => each.buffered));
  return {
    messages: buffered,
    bytes: sum(subscriptions.map((each) => each.bufferedBytes)),
    ready: buffered,
    inFlight: sum(subscriptions.map((each) => each.inFlight)),
    delayed: sum(subscriptions.map((each) => each.delayed)),
    heldBytes: sum(subscriptions.map((each) => each.bufferedBytes)) / Math.max(1, subscriptions.length),
    consumers: subscriptions.length,
    parked: 0,
    oldestMs: undefined,
    sent: channel.sent,
    settled: channel.settled,
    redelivered: 0,
    dropped: channel.dropped,
    damaged: 0,
    duplicates: 0,
    ids: 0,
    idsForgotten: 0,
  };
}

function oldestOf(agesMs: readonly number[]): number | undefined {
  const oldest = Math.max(-1, ...agesMs);
  return oldest < 0 ? undefined : oldest;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
