/** Batches that are larger than what they go into: they go in part by part, as room is made. */
import { MillraceError } from "../base/errors.js";
import type { Wanted } from "./capacity.js";
import type { CapacitySpec } from "./channel-spec.js";
import type { OutgoingMessage, Receipt } from "./message.js";

export type BytesOf = (message: OutgoingMessage) => number;

/** Whether an empty channel would have room for all of it. */
export function couldFit(wanted: Wanted, capacity: CapacitySpec): boolean {
  return wanted.messages <= capacity.messages && wanted.bytes <= capacity.bytes;
}

/** Parts that could each fit, as large as possible; a message that never fits is a part of its own. */
export function cut(
  messages: readonly OutgoingMessage[],
  capacity: CapacitySpec,
  bytesOf: BytesOf,
): OutgoingMessage[][] {
  const parts: OutgoingMessage[][] = [];
  let part: OutgoingMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    const more = bytesOf(message);
    if (part.length > 0 && !couldFit({ messages: part.length + 1, bytes: bytes + more }, capacity)) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(message);
    bytes += more;
  }
  return [...parts, part];
}

/** @throws what `send` throws, with how many went in before it */
export async function sendInParts(
  parts: readonly OutgoingMessage[][],
  send: (part: readonly OutgoingMessage[]) => Promise<Receipt[]>,
): Promise<Receipt[]> {
  const receipts: Receipt[] = [];
  for (const part of parts) {
    try {
      receipts.push(...(await send(part)));
    } catch (error) {
      throw receipts.length === 0 ? error : partlySent(error, receipts.length);
    }
  }
  return receipts;
}

function partlySent(error: unknown, sent: number): unknown {
  if (!(error instanceof MillraceError)) return error;
  return new MillraceError(error.code, `${error.message}. The first ${sent} messages of the batch were sent`, {
    cause: error,
  });
}

export function tooManyAtOnce(channel: string, wanted: Wanted, capacity: CapacitySpec): MillraceError {
  const text =
    `${wanted.messages} messages of ${wanted.bytes} bytes do not fit into ${JSON.stringify(channel)}, ` +
    `which holds ${capacity.messages} messages and ${capacity.bytes} bytes at most: nothing was sent. Send fewer at once`;
  return new MillraceError("QUEUE_FULL", text);
}
