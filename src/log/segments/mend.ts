import { hasCode } from "../../base/errors.js";
import { headCheck } from "../batch/head-check.js";
import { writeInt64 } from "../batch/int64.js";
import { at, lengthExcludesBytes, magic } from "../batch/layout.js";
import { BatchView } from "../batch/view.js";

/**
 * A batch of which only the head was damaged, as it must have been: everything else is covered by the CRC, which holds,
 * and the head says nothing that its neighbours do not say too. On a copy: the file is left as it is.
 * undefined when it does not make a batch even so.
 */
export function mendHead(damaged: Buffer, baseOffset: number): BatchView | undefined {
  const mended = Buffer.from(damaged);
  writeInt64(mended, baseOffset, at.baseOffset);
  mended.writeInt32BE(mended.length - lengthExcludesBytes, at.length);
  mended[at.magic] = magic;
  mended.writeInt32BE(headCheck(mended, 0), at.headCheck);
  try {
    return new BatchView(mended);
  } catch (error) {
    if (hasCode(error, "LOG_CORRUPT") || hasCode(error, "LOG_VERSION_UNSUPPORTED")) return undefined;
    throw error;
  }
}
