import type { Message } from "./message.js";

/** Why a message is dead. */
export type DeadReason =
  /** Every attempt failed. */
  | "attempts"
  /** The handler, or a rule, rejected it. */
  | "rejected"
  /** It was older than the channel's `expires`. */
  | "expired"
  /** The codec could not decode it. */
  | "unreadable"
  /** It does not fulfil the channel's schema. */
  | "schema";

/** A dead letter: the message as it was sent, and what happened to it. */
export interface DeadLetter<T> {
  /** Its own id, to show, redrive or drop it. */
  readonly id: string;
  /** The message with its original key, headers and value. */
  readonly message: Message<T>;
  readonly origin: {
    readonly channel: string;
    /** "" of a queue. */
    readonly group: string;
    readonly id: string;
    readonly partition: number | undefined;
    readonly offset: bigint | undefined;
  };
  readonly reason: DeadReason;
  /** The last error. */
  readonly error: { readonly name: string; readonly message: string; readonly stack: string | undefined };
  readonly attempts: number;
  readonly firstFailedAt: Date;
  readonly lastFailedAt: Date;
  /** How often it had been redriven before. */
  readonly redriven: number;
}

export interface DeadListOptions {
  /** How many at most. Default 20. */
  readonly limit?: number | undefined;
  /** Only those after the dead letter with this id, to page on. */
  readonly after?: string | undefined;
  readonly reason?: DeadReason | undefined;
}

/** Which dead letters: these ids; or all, the oldest first, optionally of one reason and not more than `limit`. */
export type DeadSelection =
  | { readonly ids: readonly string[] }
  | { readonly all: true; readonly reason?: DeadReason | undefined; readonly limit?: number | undefined };

export interface RedriveOptions {
  /** A stream's or topic's dead letter can only be sent again to all groups: say that this is meant. */
  readonly toAllGroups?: boolean | undefined;
  /** Called after each batch. */
  readonly onProgress?: ((progress: { readonly done: number }) => void) | undefined;
}

/** The dead letters of one channel, or one group of it. */
export interface DeadLetters<T> {
  /** The queue they are in. */
  readonly name: string;
  list(options?: DeadListOptions): Promise<readonly DeadLetter<T>[]>;
  /** Rejects with MESSAGE_UNKNOWN. */
  show(id: string): Promise<DeadLetter<T>>;
  /** Back to where they came from, with all their attempts before them. Returns how many; nothing is lost or doubled by a crash. */
  redrive(which: DeadSelection, options?: RedriveOptions): Promise<number>;
  /** For ever. Returns how many. */
  drop(which: DeadSelection, options?: Pick<RedriveOptions, "onProgress">): Promise<number>;
}
