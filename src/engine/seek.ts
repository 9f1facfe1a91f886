/** Moves a group to another position, in all partitions of its channel or in one. */
import { MillraceError } from "../base/errors.js";
import type { Partition } from "../log/partition/partition.js";
import type { Channel } from "./engine.js";
import type { StartPosition } from "./message.js";
import { QueueChannel } from "./queue-channel.js";
import { outOfRangePartition, readStart } from "./start.js";
import { StreamChannel } from "./stream-channel.js";
import { viewsOf } from "./views.js";

export interface Seeking {
  readonly group: string;
  readonly to: StartPosition;
  readonly partition: number | undefined;
}

export interface PartitionMove {
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * Takes effect at once, in one commit; nothing is handed out before that is durable.
 * @throws MillraceError NOT_SUPPORTED, GROUP_UNKNOWN, OFFSET_OUT_OF_RANGE, with nothing moved
 */
export function seek(channel: Channel, { group, to, partition }: Seeking): readonly PartitionMove[] {
  if (channel instanceof QueueChannel) {
    const text = `the queue ${JSON.stringify(channel.name)} keeps nothing that is settled, so nobody can be moved in it: declare a stream`;
    throw new MillraceError("NOT_SUPPORTED", text);
  }
  const views = viewsOf(channel, group);
  if (partition !== undefined && partition >= views.length) throw outOfRangePartition(partition, views.length);
  const moves: PartitionMove[] = [];
  const offsets = views.map((view) => {
    const { index } = view.partition;
    if (partition !== undefined && partition !== index) return undefined;
    const offset = offsetOf(to, view.partition);
    moves.push({ partition: index, from: BigInt(view.progress.floor), to: BigInt(offset) });
    return offset;
  });
  if (channel instanceof StreamChannel) channel.group(group)?.moveTo(offsets);
  else if ("workGroup" in channel) channel.workGroup(group)?.moveTo(offsets);
  return moves;
}

/** What is about to be given up is there no more. */
function offsetOf(to: StartPosition, partition: Partition): number {
  const offset = readStart(to, partition);
  return Math.min(Math.max(offset, partition.trimTo), partition.endOffset);
}
