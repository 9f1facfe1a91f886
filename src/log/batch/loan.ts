/** Where the bytes of a batch are stored, to be read once more. */
export interface BatchPlace {
  readonly position: number;
  readonly bytes: number;
  readonly baseOffset: number;
}

/** @throws MillraceError OFFSET_OUT_OF_RANGE when they are no longer there, LOG_CORRUPT when they are damaged */
export type ReadAgain = (place: BatchPlace) => Buffer;

/**
 * Memory lent to the batches that were read into it. Its owner reads over it when it goes on, because fresh memory costs
 * more than reading does: the system hands it out page by page, each cleared first.
 *
 *   lent ──somebody takes a view of it──▶ kept: stays as it is for ever, and the owner gets itself other memory
 *     └────the owner goes on────────────▶ ended: who looks at a batch in it now has it read again
 */
export class Loan {
  readonly readAgain: ReadAgain;
  #kept = false;
  #ended = false;

  constructor(readAgain: ReadAgain) {
    this.readAgain = readAgain;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What lies in it must never change from now on. Only before it ended. */
  keep(): void {
    this.#kept = true;
  }

  /** Whether the memory is the owner's again. */
  end(): boolean {
    this.#ended = !this.#kept;
    return this.#ended;
  }
}
