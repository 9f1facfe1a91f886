import { hasCode, MillraceError } from "../../base/errors.js";
import { baseOffsetAt, batchBytesAt, checkBody, checkHead } from "../batch/check.js";
import { batchHeaderBytes } from "../batch/layout.js";
import { BatchView, type Lent } from "../batch/view.js";
import type { Lending } from "./lent-memory.js";
import { mendHead } from "./mend.js";
import { resynchronise } from "./resynchronise.js";
import { type ByteSource, Window } from "./window.js";

export interface BatchSource extends ByteSource {
  /** Where it is, for messages. */
  readonly path: string;
  /** No batch here holds this offset or one above. */
  readonly endOffset: number;
}

/** A damaged part of a source and what it cost: the offsets from `lostFrom` up to but not including `lostTo`, none when they are equal. */
export interface Damage {
  readonly position: number;
  readonly bytes: number;
  readonly lostFrom: number;
  readonly lostTo: number;
}

export interface ScanStart {
  /** Where a batch begins. */
  readonly position: number;
  /** Not above that batch's first offset. */
  readonly offset: number;
  /** Given: the memory of a batch is used for the next one, and who looks at a batch later has it read again. */
  readonly lending?: Lending | undefined;
}

/**
 * Reads batch after batch. Nothing of a batch is handed out before all of it was checked: its checksums, and that its
 * offsets go on from those before it. Damage is confined to the batch that has it.
 */
export class BatchScanner {
  readonly #source: BatchSource;
  readonly #window: Window;
  readonly #damaged: (damage: Damage) => void;
  #position: number;
  #batchPosition: number;
  #mended = false;
  /** The lowest offset that the next batch can begin with. */
  #expected: number;
  /** The damage that has no end yet: it ends where the next whole batch begins. */
  #open: { readonly position: number; readonly lostFrom: number } | undefined;

  constructor(source: BatchSource, start: ScanStart, damaged: (damage: Damage) => void) {
    this.#source = source;
    this.#window = new Window(source, start.lending);
    this.#damaged = damaged;
    this.#position = start.position;
    this.#batchPosition = start.position;
    this.#expected = start.offset;
  }

  /** Where the batch begins that `next` returned last. */
  get batchPosition(): number {
    return this.#batchPosition;
  }

  /** Whether the batch that `next` returned last has a damaged head in the file. */
  get mended(): boolean {
    return this.#mended;
  }

  /** The next whole batch, or undefined at the end; more may follow once the source has grown. */
  next(): BatchView | undefined {
    while (this.#position < this.#source.bytes) {
      const batch = this.#step();
      if (batch === undefined) continue;
      this.#closeDamage(this.#batchPosition, batch.baseOffset);
      this.#expected = batch.lastOffset + 1;
      return batch;
    }
    this.#closeDamage(this.#source.bytes, this.#source.endOffset);
    return undefined;
  }

  /** Looks at what is at the position and moves behind it. undefined when it was damaged. */
  #step(): BatchView | undefined {
    const position = this.#position;
    const window = this.#window;
    if (window.load(position, batchHeaderBytes) < batchHeaderBytes) return this.#endsHere();
    const head = checkHead(window.bytes, window.at(position));
    if (head === "unsupported") throw this.#unsupported(position);
    if (head !== "whole") return this.#resume();
    const batchBytes = batchBytesAt(window.bytes, window.at(position));
    const baseOffset = baseOffsetAt(window.bytes, window.at(position));
    if (window.load(position, batchBytes) < batchBytes) return this.#endsHere(baseOffset);
    this.#position = position + batchBytes;
    return this.#check(position, batchBytes) ?? this.#openDamage(position, baseOffset);
  }

  /** The batch at `position`, whose head is whole, if all else is too. */
  #check(position: number, batchBytes: number): BatchView | undefined {
    const { bytes, loan } = this.#window;
    const start = this.#window.at(position);
    const body = checkBody(bytes, start);
    if (body === "unsupported") throw this.#unsupported(position);
    if (body !== "whole") return undefined;
    const batch = viewOrNothing(bytes.subarray(start, start + batchBytes), loan && { loan, position });
    if (batch === undefined || !this.#belongsHere(batch)) return undefined;
    this.#batchPosition = position;
    this.#mended = false;
    return batch;
  }

  /** A whole batch in the wrong place, left by a write that went astray, is damage as any other. */
  #belongsHere(batch: BatchView): boolean {
    return batch.baseOffset >= this.#expected && batch.lastOffset < this.#source.endOffset;
  }

  /** The head is damaged: finds where to go on, and what this batch was, if the rest of it is whole. */
  #resume(): BatchView | undefined {
    const position = this.#position;
    const found = resynchronise(this.#source, position, { from: this.#expected, to: this.#source.endOffset });
    this.#position = found.position;
    const batch = found.proven ? this.#mend(position, found.position) : undefined;
    return batch ?? this.#openDamage(position, this.#expected);
  }

  /**
   * The batch up to `end`, whole but for its head, if its neighbours leave only one offset that it can begin with: when
   * it fills all that is free between them.
   */
  #mend(position: number, end: number): BatchView | undefined {
    const bytes = end - position;
    if (this.#window.load(position, bytes) < bytes) return undefined;
    const start = this.#window.at(position);
    const batch = mendHead(this.#window.bytes.subarray(start, start + bytes), this.#expected);
    if (batch === undefined || batch.lastOffset + 1 !== this.#offsetAt(end)) return undefined;
    this.#batchPosition = position;
    this.#mended = true;
    this.#damaged({ position, bytes, lostFrom: batch.baseOffset, lostTo: batch.baseOffset });
    return batch;
  }

  /** The first offset of the whole batch at `position`; where the source ends, the end offset. */
  #offsetAt(position: number): number {
    if (position >= this.#source.bytes) return this.#source.endOffset;
    const head = Buffer.allocUnsafe(batchHeaderBytes);
    this.#source.read(head, position);
    return baseOffsetAt(head, 0);
  }

  /** The source ends inside a batch. */
  #endsHere(baseOffset = this.#expected): undefined {
    const position = this.#position;
    this.#position = this.#source.bytes;
    return this.#openDamage(position, baseOffset);
  }

  #openDamage(position: number, baseOffset: number): undefined {
    // An offset out of bounds is that of a batch from elsewhere: it says nothing about what was here.
    const isBound = baseOffset >= this.#expected && baseOffset < this.#source.endOffset;
    this.#open ??= { position, lostFrom: isBound ? baseOffset : this.#expected };
  }

  #closeDamage(position: number, lostTo: number): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    this.#damaged({ position: open.position, bytes: position - open.position, lostFrom: open.lostFrom, lostTo });
  }

  #unsupported(position: number): MillraceError {
    return new MillraceError(
      "LOG_VERSION_UNSUPPORTED",
      `the batch at byte ${position} of ${this.#source.path} is whole but not of a format this release knows: open it with the release that wrote it`,
    );
  }
}

/** A batch whose checksums hold and whose header contradicts itself was not written by us: damage, wherever it came from. */
function viewOrNothing(bytes: Buffer, lent: Lent | undefined): BatchView | undefined {
  try {
    return new BatchView(bytes, lent);
  } catch (error) {
    if (hasCode(error, "LOG_CORRUPT")) return undefined;
    throw error;
  }
}
