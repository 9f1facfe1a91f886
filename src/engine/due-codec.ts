/**
 * How messages are written down by the time they are due. Every number is a varint; times are wall milliseconds.
 *
 *   7 due        group · partition · kind · index                         the whole of an index, as it is then
 *     index      indexed · base
 *                · runs · (first · end · next · head · moved) …            chunks of the timeline; from `next` on they were not read
 *                                                                          moved: by how much the wall clock was set since they
 *                                                                          were written; 0, -1, 1, -2 … are 0, 1, 2, 3 …
 *                · count · (due - base · offset) …                         those in memory, in no order
 *
 *   a chunk, the value of a record of the timeline, earliest first
 *                count · (gap · offset) …                                  gap: from the time before; the first from 0
 */
import { type ByteReader, ByteWriter } from "../base/bytes.js";

/** An offset takes at most eight bytes, and so does a time. */
const entryBytesMax = 16;

export interface DueEntries {
  readonly offsets: readonly number[];
  readonly dueAtMs: readonly number[];
}

/** Chunks `next` to `end` of a run are still to be read; nothing in them is due before `headAtMs`. */
export interface StoredRun {
  readonly first: number;
  readonly end: number;
  readonly next: number;
  readonly headAtMs: number;
  /** To be added to the times in its chunks. */
  readonly movedMs: number;
}

export interface StoredIndex extends DueEntries {
  /** Every message below this offset is in the index, or need not be. */
  readonly indexedEnd: number;
  readonly runs: readonly StoredRun[];
}

export function writeIndex(body: ByteWriter, index: StoredIndex): void {
  const { offsets, dueAtMs } = index;
  let base = offsets.length === 0 ? 0 : Infinity;
  for (const due of dueAtMs) base = Math.min(base, due);
  body.varint(index.indexedEnd);
  body.varint(base);
  body.varint(index.runs.length);
  for (const { first, end, next, headAtMs, movedMs } of index.runs) {
    body.varint(first);
    body.varint(end);
    body.varint(next);
    body.varint(headAtMs);
    body.varint(movedMs < 0 ? -2 * movedMs - 1 : 2 * movedMs);
  }
  body.varint(offsets.length);
  for (let at = 0; at < offsets.length; at++) {
    body.varint((dueAtMs[at] as number) - base);
    body.varint(offsets[at] as number);
  }
}

export function readIndex(body: ByteReader): StoredIndex {
  const indexedEnd = body.varint();
  const base = body.varint();
  const runs: StoredRun[] = [];
  for (let left = body.varint(); left > 0; left--) {
    const [first, end, next] = [body.varint(), body.varint(), body.varint()];
    runs.push({ first, end, next, headAtMs: body.varint(), movedMs: signed(body.varint()) });
  }
  const offsets: number[] = [];
  const dueAtMs: number[] = [];
  for (let left = body.varint(); left > 0; left--) {
    dueAtMs.push(base + body.varint());
    offsets.push(body.varint());
  }
  return { indexedEnd, runs, offsets, dueAtMs };
}

function signed(zigzag: number): number {
  return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
}

/** Entries `from` to `to`, which ascend by time. */
export function chunkOf({ offsets, dueAtMs }: DueEntries, from: number, to: number): Uint8Array {
  const body = new ByteWriter((to - from) * entryBytesMax);
  body.varint(to - from);
  let before = 0;
  for (let at = from; at < to; at++) {
    const due = dueAtMs[at] as number;
    body.varint(due - before);
    body.varint(offsets[at] as number);
    before = due;
  }
  return body.copy();
}

export function readChunk(body: ByteReader): DueEntries {
  const offsets: number[] = [];
  const dueAtMs: number[] = [];
  let due = 0;
  for (let left = body.varint(); left > 0; left--) {
    due += body.varint();
    dueAtMs.push(due);
    offsets.push(body.varint());
  }
  return { offsets, dueAtMs };
}
