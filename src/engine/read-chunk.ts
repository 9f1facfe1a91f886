/**
 * What a reader gets at once: the messages of one batch, or of a part of it. Readers meet many messages and look at few, so
 * nothing of a batch is decoded before somebody looks into it, and no message is made before it is asked for.
 */
import type { BatchView } from "../log/batch/view.js";
import { type Lane, LoggedMessage } from "./lane.js";
import type { Incoming, IncomingChunk } from "./message.js";

/** What of a batch is asked for: `length` records. */
export interface ChunkPart {
  readonly length: number;
  /** Where the first of them is among the batch's records; where offsets are missing, 0. */
  readonly skip: number;
  /** Where offsets are missing: those that are there, and where in the batch each record begins. */
  readonly places: { readonly offsets: readonly number[]; readonly positions: readonly number[] } | undefined;
}

export class ReadChunk implements IncomingChunk {
  readonly batch: BatchView;
  readonly lane: Lane;
  readonly length: number;
  readonly #skip: number;
  readonly #offsets: readonly number[] | undefined;
  #positions: readonly number[] | undefined;

  constructor(batch: BatchView, lane: Lane, part: ChunkPart) {
    this.batch = batch;
    this.lane = lane;
    this.length = part.length;
    this.#skip = part.skip;
    this.#offsets = part.places?.offsets;
    this.#positions = part.places?.positions;
  }

  at(index: number): ReadMessage | undefined {
    return index >= 0 && index < this.length ? new ReadMessage(this, index) : undefined;
  }

  *[Symbol.iterator](): Generator<ReadMessage> {
    for (let index = 0; index < this.length; index++) yield new ReadMessage(this, index);
  }

  /** Known without a look into the batch, and so for good. */
  offsetOf(index: number): number {
    return this.#offsets === undefined ? this.batch.baseOffset + this.#skip + index : (this.#offsets[index] as number);
  }

  loggedAt(index: number): LoggedMessage {
    this.#positions ??= positionsIn(this.batch);
    return new LoggedMessage(this.batch.recordAt(this.#positions[this.#skip + index] as number), this.lane);
  }
}

function positionsIn(batch: BatchView): number[] {
  const positions: number[] = [];
  const cursor = batch.cursor();
  while (cursor.next()) positions.push(cursor.position);
  return positions;
}

/** A message of a chunk: all but where it is, is decoded when it is asked for. */
class ReadMessage implements Incoming {
  readonly #chunk: ReadChunk;
  readonly #index: number;
  #message: LoggedMessage | undefined;

  constructor(chunk: ReadChunk, index: number) {
    this.#chunk = chunk;
    this.#index = index;
  }

  get id(): string {
    return this.#logged().id;
  }

  get key(): string | undefined {
    return this.#logged().key;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#logged().headers;
  }

  get hasHeaders(): boolean {
    return this.#logged().hasHeaders;
  }

  get value(): Uint8Array {
    return this.#logged().value;
  }

  get sentAtMs(): number {
    return this.#logged().sentAtMs;
  }

  get partition(): number {
    return this.#chunk.lane.partition;
  }

  get offset(): bigint {
    return BigInt(this.#chunk.offsetOf(this.#index));
  }

  unwrap(): unknown {
    return this.#logged().unwrap();
  }

  #logged(): LoggedMessage {
    return (this.#message ??= this.#chunk.loggedAt(this.#index));
  }
}
