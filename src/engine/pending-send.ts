/** Sends on their way to the disk, and what their senders get once they are there. One object and one promise a send. */
import type { CommitWaiter } from "../log/state.js";
import type { Lane } from "./lane.js";
import type { Receipt } from "./message.js";

/** Where a message was stored. Its id and its offset are made when they are asked for. */
export class StoredReceipt implements Receipt {
  readonly #lane: Lane;
  readonly #position: number;
  readonly #givenId: string | undefined;

  constructor(lane: Lane, position: number, givenId: string | undefined) {
    this.#lane = lane;
    this.#position = position;
    this.#givenId = givenId;
  }

  get id(): string {
    return this.#givenId ?? this.#lane.idPrefix + this.#position;
  }

  get partition(): number {
    return this.#lane.partition;
  }

  get offset(): bigint {
    return BigInt(this.#position);
  }

  get duplicate(): boolean {
    return false;
  }

  get dropped(): boolean {
    return false;
  }
}

/** Of a message that was not stored because its id was there. Where the first one is, nobody remembers. */
export class DuplicateReceipt implements Receipt {
  readonly id: string;
  readonly duplicate = true;
  readonly dropped = false;

  constructor(id: string) {
    this.id = id;
  }
}

/** Of a message that was not stored because the channel is full, and drops what has no room. */
export class DroppedReceipt implements Receipt {
  /** The id given; "" where there is none, because it has no position either. */
  readonly id: string;
  readonly duplicate = false;
  readonly dropped = true;

  constructor(id: string | undefined) {
    this.id = id ?? "";
  }
}

/** Who must know that the log takes nothing any more. */
export interface FailureListener {
  failed(error: Error): void;
}

type Resolve<T> = (value: T) => void;
type Reject = (error: unknown) => void;

/** A promise's own functions, handed over here so that no send needs a closure: an executor runs within `new Promise`. */
let handedResolve: Resolve<never>;
let handedReject: Reject;
function hand(resolve: Resolve<never>, reject: Reject): void {
  handedResolve = resolve;
  handedReject = reject;
}

export class PendingSend<T> implements CommitWaiter {
  readonly #outcome: T;
  readonly #listener: FailureListener;
  readonly #resolve: Resolve<T>;
  readonly #reject: Reject;
  readonly promise: Promise<T>;

  constructor(outcome: T, listener: FailureListener) {
    this.#outcome = outcome;
    this.#listener = listener;
    this.promise = new Promise<T>(hand as (resolve: Resolve<T>, reject: Reject) => void);
    this.#resolve = handedResolve as Resolve<T>;
    this.#reject = handedReject;
  }

  durable(): void {
    this.#resolve(this.#outcome);
  }

  failed(error: Error): void {
    this.#reject(error);
    this.#listener.failed(error);
  }
}
