import { crc32c } from "../../base/crc32c.js";
import { headCheck } from "./head-check.js";
import { readInt64 } from "./int64.js";
import { at, batchBytesMax, batchHeaderBytes, lengthExcludesBytes, magic } from "./layout.js";

/**
 * What stands at a position:
 * - `whole`: a batch of ours; both checksums hold.
 * - `cut`: too few bytes for a header, or a good head whose batch reaches past the end of the bytes.
 * - `head-damaged`: not the beginning of a batch, or one whose offset, length or magic byte is damaged. Its length must not be believed.
 * - `body-damaged`: offset and length hold, something behind them does not. The next batch begins where this one ends.
 * - `unsupported`: undamaged as far as we can tell, but written by a newer release.
 */
export type BatchCondition = "whole" | "cut" | "head-damaged" | "body-damaged" | "unsupported";

/** Looks at the batch that begins at `position`. Reads nothing outside `bytes`, whatever they hold. */
export function checkBatch(bytes: Buffer, position: number): BatchCondition {
  const head = checkHead(bytes, position);
  if (head !== "whole") return head;
  return position + batchBytesAt(bytes, position) > bytes.length ? "cut" : checkBody(bytes, position);
}

/** The first half of `checkBatch`: whether the length that stands there may be believed. */
export function checkHead(bytes: Buffer, position: number): "whole" | "cut" | "head-damaged" | "unsupported" {
  if (bytes.length - position < batchHeaderBytes) return "cut";
  if (!isHead(bytes, position)) return "head-damaged";
  return bytes[position + at.magic] === magic ? "whole" : "unsupported";
}

/** The second half, behind a whole head, with all of the batch in `bytes`. */
export function checkBody(bytes: Buffer, position: number): "whole" | "body-damaged" | "unsupported" {
  const end = position + batchBytesAt(bytes, position);
  const stored = bytes.readUInt32BE(position + at.crc);
  if (crc32c(bytes.subarray(position + at.attributes, end)) !== stored) return "body-damaged";
  return bytes.readInt16BE(position + at.attributes) === 0 ? "whole" : "unsupported";
}

/** Whether `position`, with at least `batchHeaderBytes` behind it, begins a batch: its offset, length and magic byte agree with their checksum. */
export function isHead(bytes: Buffer, position: number): boolean {
  const stored = bytes.readInt32BE(position + at.headCheck);
  if (stored < 0) return false;
  const length = batchBytesAt(bytes, position);
  if (length < batchHeaderBytes || length > batchBytesMax) return false;
  const baseOffset = readInt64(bytes, position + at.baseOffset);
  if (baseOffset < 0 || !Number.isSafeInteger(baseOffset)) return false;
  return headCheck(bytes, position) === stored;
}

/** How long the batch at `position` says it is, header included. To be believed only behind `isHead`. */
export function batchBytesAt(bytes: Buffer, position: number): number {
  return bytes.readInt32BE(position + at.length) + lengthExcludesBytes;
}

/** The first offset of the batch at `position`. To be believed only behind `isHead`. */
export function baseOffsetAt(bytes: Buffer, position: number): number {
  return readInt64(bytes, position + at.baseOffset);
}
