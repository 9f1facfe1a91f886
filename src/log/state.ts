import type { ByteReader, ByteWriter } from "../base/bytes.js";
import type { MillraceError } from "../base/errors.js";

/**
 * What rides in the log beside records. The engine is the one state machine: it changes its state in memory, is
 * asked for what changed when a commit group is sealed, and meets the same entries again in recovery.
 *
 *   open:   meta*  →  restore?  →  restorePage*  →  replay*
 *   run:    touch → drain (once per commit group)     snapshot (at a frame boundary, everything drained is in it)
 */
export interface StateMachine {
  /** An entry of the meta journal, in the order it was appended. First of all at open. */
  meta(entry: unknown): void;
  /** The body of the last checkpoint's snapshot, when there is one. */
  restore(body: ByteReader): void;
  /** A page that was live at the last checkpoint. */
  restorePage(file: string, page: number, bytes: Uint8Array): void;
  /** An entry drained after the last checkpoint, in order. */
  replay(type: number, body: ByteReader): void;
  /** The whole state, synchronously. Pages: only those changed since the call before. */
  snapshot(): StateSnapshot;
}

export interface StateSnapshot {
  readonly body: Uint8Array;
  readonly pages: readonly PageChange[];
}

export interface PageChange {
  /** Such as "g/12/3-0": the page store adds what it needs to make it a file name. */
  readonly file: string;
  readonly page: number;
  /** undefined: no longer needed. */
  readonly bytes: Uint8Array | undefined;
}

export interface StateSource {
  /** Encodes what changed since the call before. Called once for each commit group it was touched in. */
  drain(writer: StateWriter): void;
}

export interface StateWriter {
  /** `type` is the state machine's own numbering, 1 to 255. */
  entry(type: number, encode: (body: ByteWriter) => void): void;
}

/** Told the fate of a commit group. One of the two is called, once. */
export interface CommitWaiter {
  durable(): void;
  failed(error: MillraceError): void;
}
