/** Where a group begins that has never read the channel, and where a reader does. */
import { MillraceError } from "../base/errors.js";
import type { Partition } from "../log/partition/partition.js";
import type { StartPosition } from "./message.js";

/** By partition. An offset that a partition does not have is its nearest one. */
export function startsOf(from: StartPosition, partitions: readonly Partition[]): number[] {
  return partitions.map((partition) => {
    if (typeof from !== "bigint") return startOf(from, partition);
    return Math.min(Math.max(Number(from), partition.startOffset), partition.endOffset);
  });
}

/** @throws MillraceError OFFSET_OUT_OF_RANGE when an offset is asked for that is not kept any more, or not there yet. */
export function readStart(from: StartPosition, partition: Partition): number {
  if (typeof from !== "bigint") return startOf(from, partition);
  const offset = Number(from);
  if (offset >= partition.startOffset && offset <= partition.endOffset) return offset;
  throw outOfRange(`offset ${from}`, partition);
}

export function outOfRange(what: string, partition: Partition): MillraceError {
  const { index, startOffset, endOffset } = partition;
  const there = startOffset === endOffset ? "it is empty" : `${startOffset} to ${endOffset - 1} are kept`;
  return new MillraceError(
    "OFFSET_OUT_OF_RANGE",
    `${what} of partition ${index} is not there: ${there}, and ${endOffset} comes next. Read from "earliest", or keep more (retention)`,
  );
}

export function outOfRangePartition(partition: number, partitions: number): MillraceError {
  return new MillraceError(
    "OFFSET_OUT_OF_RANGE",
    `there is no partition ${partition}: the channel has ${partitions}, from 0 on`,
  );
}

function startOf(from: "earliest" | "latest" | Date, partition: Partition): number {
  if (from === "earliest") return partition.startOffset;
  if (from === "latest") return partition.endOffset;
  return partition.offsetAt(from.getTime());
}
