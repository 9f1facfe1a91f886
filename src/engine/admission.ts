/**
 * The gate before the log: when its disk cannot keep up, sends wait here, in their order, instead of in memory behind it.
 * Usually it is open, and costs two comparisons.
 */
import type { Log } from "../log/log.js";
import { Deque } from "./deque.js";
import type { OutgoingMessage } from "./message.js";

interface Held {
  readonly bytes: number;
  go(): void;
  refuse(error: unknown): void;
}

/** What surrounds a value in the log, more or less. */
const envelopeBytes = 128;

export class Admission {
  readonly #log: Log;
  readonly #held = new Deque<Held>();

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Whether this much can go into the log now, and nobody is waiting.
   * @throws MillraceError DISK_FULL, LOG_FENCED, CLOSED
   */
  open(bytes: number): boolean {
    if (this.#held.length > 0) return false;
    const wait = this.#log.admission(bytes);
    if (wait === undefined) return true;
    this.#letInAfter(wait);
    return false;
  }

  /** After `open` said no: `go` is called once it is this one's turn. */
  wait<T>(bytes: number, go: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        try {
          resolve(go());
        } catch (error) {
          reject(error);
        }
      };
      this.#held.push({ bytes, go: turn, refuse: reject });
    });
  }

  #letInAfter(wait: Promise<void>): void {
    wait.then(
      () => this.#letIn(),
      (error: unknown) => this.#refuseAll(error),
    );
  }

  #letIn(): void {
    for (let first = this.#held.first; first !== undefined; first = this.#held.first) {
      try {
        const wait = this.#log.admission(first.bytes);
        if (wait !== undefined) {
          this.#letInAfter(wait);
          return;
        }
      } catch (error) {
        this.#refuseAll(error);
        return;
      }
      this.#held.shift();
      first.go();
    }
  }

  #refuseAll(error: unknown): void {
    for (const held of this.#held.drain()) held.refuse(error);
  }
}

/** Roughly what a message takes in the log. */
export function weightOf(message: OutgoingMessage): number {
  return message.value.length + envelopeBytes;
}
