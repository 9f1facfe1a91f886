import { MillraceError } from "../../base/errors.js";
import { type Disk, readFully } from "../../disk/disk.js";
import { baseOffsetAt, checkBatch } from "../batch/check.js";
import type { BatchPlace } from "../batch/loan.js";

/**
 * One batch that was read before and is looked at once more, perhaps long after: through a handle of its own, since the
 * log may be closed by then, and checked like the first time.
 * @throws MillraceError OFFSET_OUT_OF_RANGE when the segment is no longer there, LOG_CORRUPT when it holds something else
 */
export function readBatchAgain(disk: Disk, path: string, place: BatchPlace): Buffer {
  if (!disk.exists(path)) throw gone(path, place);
  const bytes = Buffer.allocUnsafeSlow(place.bytes);
  const file = disk.open(path, "read");
  try {
    readFully(file, bytes, place.position);
  } finally {
    file.close();
  }
  if (checkBatch(bytes, 0) === "whole" && baseOffsetAt(bytes, 0) === place.baseOffset) return bytes;
  const what = `the batch at byte ${place.position} of ${path} was whole when it was read first and is not any more`;
  throw new MillraceError("LOG_CORRUPT", `${what}. Run "millrace verify" to see what else is damaged.`);
}

function gone(path: string, { baseOffset }: BatchPlace): MillraceError {
  const text = `the message was kept longer than the stream kept it: ${path}, which held the offset ${baseOffset}, has been removed meanwhile. Ask for the value of a message before reading on, or keep the stream for longer`;
  return new MillraceError("OFFSET_OUT_OF_RANGE", text);
}
