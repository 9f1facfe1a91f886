import type { StartPosition } from "../driver.js";
import type { Message } from "./message.js";

export interface ReadOptions {
  /** Default "earliest". A bigint is an offset and needs `partition`. */
  readonly from?: StartPosition | undefined;
  /** "end": what is there now; a date or an offset: up to it, without it. Default: go on waiting for more. */
  readonly until?: "end" | Date | bigint | undefined;
  /** Default: all of them, each in its order. */
  readonly partition?: number | undefined;
  /** Ends the reading: ABORTED. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * History, one message after the other, or in the batches it is stored in. A slow reader is waited for.
 *
 * A message may be kept while reading goes on. What was not asked of it by then may have to be read once more when it is
 * asked for, and is OFFSET_OUT_OF_RANGE when the stream has let go of it meanwhile.
 */
export interface Reader<T> extends AsyncIterable<Message<T>> {
  /** The same messages, many at a time: several times faster where each is little work. */
  batches(): AsyncIterable<readonly Message<T>[]>;
}
