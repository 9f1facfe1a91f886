/** The part of the driver contract that reads a stream outside any group. */
import type { IncomingMessage, StartPosition } from "./driver.js";

export interface DriverReadOptions {
  readonly from: StartPosition;
  /** "end": what is there now. undefined: go on waiting for more. */
  readonly until: "end" | Date | bigint | undefined;
  readonly partition: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Messages that come together, in order. An array is one; whoever has them as bytes can make each when it is asked for. */
export interface IncomingChunk extends Iterable<IncomingMessage> {
  readonly length: number;
  at(index: number): IncomingMessage | undefined;
}
