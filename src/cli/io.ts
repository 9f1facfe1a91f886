import type { Readable, Writable } from "node:stream";
import type { Clock } from "../base/clock.js";

/** The process around a command, as an argument: tests bring their own. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts on Ctrl-C: stop taking, finish what is in hand, and return. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };
