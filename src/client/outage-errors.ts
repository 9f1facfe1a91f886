/** Kept of errors that only one message has had; beyond it, the next are the first again. */
const ownMax = 100;

/**
 * The errors an outage shows itself by: the one that began it, and any other that meets more than one message, since what is
 * out may refuse today and time out tomorrow.
 */
export class OutageErrors {
  readonly #covered: Set<string>;
  /** Of other errors, the message that had it. */
  readonly #own = new Map<string, string>();

  constructor(first: string) {
    this.#covered = new Set([first]);
  }

  /** Whether the failure is the outage's, and not the message's own. */
  covers(fingerprint: string, id: string): boolean {
    if (this.#covered.has(fingerprint)) return true;
    const other = this.#own.get(fingerprint);
    if (other === undefined || other === id) {
      if (this.#own.size >= ownMax) this.#own.clear();
      this.#own.set(fingerprint, id);
      return false;
    }
    this.#own.delete(fingerprint);
    if (this.#covered.size >= ownMax) this.#covered.clear();
    this.#covered.add(fingerprint);
    return true;
  }
}
