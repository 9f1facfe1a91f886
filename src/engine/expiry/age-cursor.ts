/**
 * What expires because of its age, when all of a partition expires after the same time: the order of the log is the order of expiry, so
 * that a place in the log says all there is to say.
 */
import type { RecordView } from "../../log/batch/record.js";
import type { Partition } from "../../log/partition/partition.js";
import type { Progress } from "../progress.js";
import { RecordStream } from "../record-lookup.js";
import type { SentClock } from "./sent-clock.js";

export class AgeCursor {
  ageMs: number;
  readonly #progress: Progress;
  readonly #sent: SentClock;
  readonly #stream: RecordStream;

  constructor(source: Partition, progress: Progress, rules: { readonly ageMs: number; readonly sent: SentClock }) {
    this.#progress = progress;
    this.ageMs = rules.ageMs;
    this.#sent = rules.sent;
    this.#stream = new RecordStream(source, Math.max(progress.floor, source.startOffset));
  }

  /** When the next message expires; Infinity when there is none. */
  get firstMs(): number {
    const record = this.#peek();
    return record === undefined ? Infinity : this.expiresMs(record);
  }

  expiresMs(record: RecordView): number {
    return this.#sent.monotonicMs(record.offset, record.timestampMs) + this.ageMs;
  }

  /** Everything below has expired. */
  get position(): number {
    return this.#peek()?.offset ?? this.#stream.position;
  }

  /** The next message that has expired, and not again. */
  next(nowMs: number): number | undefined {
    const record = this.#peek();
    if (record === undefined || this.expiresMs(record) > nowMs) return undefined;
    this.#stream.next();
    return record.offset;
  }

  #peek(): RecordView | undefined {
    const { settled } = this.#progress;
    let record = this.#stream.peek();
    while (record !== undefined && settled.has(record.offset)) {
      // One by one what is read ahead anyway; further by the bitmaps.
      this.#stream.next();
      record = this.#stream.peek();
      if (record !== undefined && settled.has(record.offset)) this.#stream.seek(settled.nextUnsettled(record.offset));
      record = this.#stream.peek();
    }
    return record;
  }
}
