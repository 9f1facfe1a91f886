/** One group's view of one partition, whatever kind of channel it is: what looking from outside needs. */
import { MillraceError } from "../base/errors.js";
import type { Partition } from "../log/partition/partition.js";
import { DelayLane } from "./delay-lane.js";
import type { Channel } from "./engine.js";
import { EphemeralChannel } from "./ephemeral-channel.js";
import type { GroupLane } from "./lane.js";
import type { LeasedRecord } from "./leases.js";
import { PartitionCursor } from "./partition-cursor.js";
import type { Progress } from "./progress.js";
import { StreamChannel, type StreamGroup } from "./stream-channel.js";
import type { WorkGroup } from "./work-group.js";

export interface PartitionView {
  readonly partition: Partition;
  readonly lane: GroupLane;
  readonly progress: Progress;
  /** Since when its messages wait is not said by the oldest of them, but by this. */
  readonly overdueMs?: () => number | undefined;
  /** Who reads it, of a stream, if that one has a name. */
  readonly holder: string | undefined;
  /** How many consumers may get its messages. */
  readonly consumers: number;
  /** Which limit keeps it from being handed out, if one does. */
  readonly limit: string | undefined;
  /** What is leased of it now. */
  leases(): readonly LeasedRecord[];
}

/** @throws MillraceError GROUP_UNKNOWN, or NOT_SUPPORTED when the channel keeps nothing to look at */
export function viewsOf(channel: Channel, groupName: string): PartitionView[] {
  if (channel instanceof EphemeralChannel) {
    const text = `the topic ${JSON.stringify(channel.name)} keeps nothing, so there is nothing to look at: declare it durable`;
    throw new MillraceError("NOT_SUPPORTED", text);
  }
  if (channel instanceof StreamChannel) {
    const group = channel.group(groupName) ?? unknownGroup(channel, groupName);
    return viewsOfGroup(group);
  }
  return viewsOfGroup(channel.workGroup(groupName) ?? unknownGroup(channel, groupName));
}

function viewsOfGroup(group: StreamGroup | WorkGroup): PartitionView[] {
  return group.lanes.map((lane) => ({
    partition: lane.source,
    lane,
    progress: lane.progress,
    ...readingOf(group, lane),
    ...(lane instanceof DelayLane ? { overdueMs: () => lane.overdueMs } : {}),
    leases: () => [...group.leases()].filter((lease) => lease.lane === lane),
  }));
}

/** A partition of a stream has one reader at a time; elsewhere any consumer may get any message. */
function readingOf(
  group: StreamGroup | WorkGroup,
  lane: GroupLane,
): Pick<PartitionView, "holder" | "consumers" | "limit"> {
  if (lane instanceof PartitionCursor) {
    const { owner, full } = lane;
    const limit = full ? "inFlightMax" : undefined;
    return { holder: owner?.options.member, consumers: owner === undefined ? 0 : 1, limit };
  }
  return { holder: undefined, consumers: group.members, limit: "heldBack" in group ? group.heldBack : undefined };
}

function unknownGroup(channel: Channel, group: string): never {
  const names = [...channel.known.groups.keys()].map((name) => JSON.stringify(name)).join(", ");
  const text = `${JSON.stringify(channel.name)} has no group ${JSON.stringify(group)}: its groups are ${names || "none yet"}`;
  throw new MillraceError("GROUP_UNKNOWN", text);
}
