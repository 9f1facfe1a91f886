import type { BatchView } from "../batch/view.js";
import { BatchScanner, type BatchSource, type ScanStart } from "./scanner.js";
import type { OnLost } from "./segment.js";

/** Reads the batches of one segment in order. Where it is not sealed, `next` finds more once more were appended. */
export class SegmentReader {
  readonly #scanner: BatchScanner;
  readonly #fromOffset: number;

  constructor(source: BatchSource, start: ScanStart, reading: { fromOffset: number; onLost: OnLost }) {
    this.#fromOffset = reading.fromOffset;
    this.#scanner = new BatchScanner(source, start, ({ lostFrom, lostTo }) => {
      if (lostTo > reading.fromOffset) reading.onLost(lostFrom, lostTo);
    });
  }

  /**
   * undefined at the end. A batch that is damaged is left out and told. The first batch may hold no record at or behind
   * the offset asked for any more, if the segment was rewritten: its bounds say what it once held.
   */
  next(): BatchView | undefined {
    let batch = this.#scanner.next();
    while (batch !== undefined && batch.lastOffset < this.#fromOffset) batch = this.#scanner.next();
    return batch;
  }
}
