import { Loan, type ReadAgain } from "../batch/loan.js";

/** Memory that is read into again and again: of whoever took it last, until somebody keeps what lies in it. */
export class LentMemory {
  #bytes: Buffer = Buffer.alloc(0);
  #loan: Loan | undefined;

  /** Ends the loan before. What lay in the memory is still there, if it is the same memory. */
  take(bytes: number, readAgain: ReadAgain): { readonly memory: Buffer; readonly loan: Loan } {
    const isFree = this.#loan === undefined || this.#loan.end();
    if (!isFree || this.#bytes.length < bytes) this.#bytes = Buffer.allocUnsafeSlow(bytes);
    this.#loan = new Loan(readAgain);
    return { memory: this.#bytes, loan: this.#loan };
  }
}

/** To a window: memory that it shares with others, and how its batches are read again. */
export interface Lending {
  readonly shared: LentMemory;
  readonly readAgain: ReadAgain;
}
