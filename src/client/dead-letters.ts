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
  /** The last error's fingerprint: the same for letters of the same cause. */
  readonly fingerprint: string;
  /** The last error. */
  readonly error: { readonly name: string; readonly message: string; readonly stack: string | undefined };
  readonly attempts: number;
  readonly firstFailedAt: Date;
  readonly lastFailedAt: Date;
  /** How often it had been redriven before. */
  readonly redriven: number;
}

/** A whole number from `min` to `max`, both included; what is left out is no bound. */
export interface CountRange {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/** Which dead letters. Everything that is said must be so; nothing said is all of them. */
export interface DeadFilter {
  readonly reason?: DeadReason | undefined;
  /** The name of the last error, such as "RangeError". */
  readonly error?: string | undefined;
  /** Somewhere in the last error's message, in upper or lower case. */
  readonly text?: string | undefined;
  /** What the last error has in common with others of its cause; `causes()` tells it. */
  readonly fingerprint?: string | undefined;
  /** The last attempt failed at this time or later. */
  readonly failedAfter?: Date | undefined;
  /** The last attempt failed before this time. */
  readonly failedBefore?: Date | undefined;
  readonly attempts?: number | CountRange | undefined;
  /** How often it had been redriven before: `{ min: 1 }` is what came back. */
  readonly redriven?: number | CountRange | undefined;
  /** Any id it ever had: that of the dead letter, of the message it was, of that message before it was redriven. */
  readonly id?: string | undefined;
  readonly key?: string | undefined;
  /** Headers the message was sent with. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface DeadListOptions extends DeadFilter {
  /** How many at most. Default 20. */
  readonly limit?: number | undefined;
  /** Only those after the dead letter with this id, to page on. */
  readonly after?: string | undefined;
}

/** Which dead letters: these ids; or all that fulfil a filter, the oldest first and not more than `limit`. */
export type DeadSelection =
  | { readonly ids: readonly string[] }
  | ({ readonly all: true; readonly limit?: number | undefined } & DeadFilter);

/** The dead letters with the same error, as far as its name and the words of its message go. */
export interface DeadCause<T> {
  /** To filter by; "other" is all that is left when there are more than 1,000. */
  readonly fingerprint: string;
  /** That of the example. */
  readonly error: { readonly name: string; readonly message: string };
  readonly count: number;
  readonly firstFailedAt: Date;
  readonly lastFailedAt: Date;
  /** The oldest of them. */
  readonly example: DeadLetter<T>;
}

export interface DeadProgress {
  /** Redriven or dropped so far. */
  readonly done: number;
  /** Looked at so far, of `total`. */
  readonly looked: number;
  readonly total: number;
}

export interface DropOptions {
  /** Counts, and changes nothing. */
  readonly dryRun?: boolean | undefined;
  /** Called after each commit. */
  readonly onProgress?: ((progress: DeadProgress) => void) | undefined;
  /** Ends it between two commits; rejects with ABORTED. */
  readonly signal?: AbortSignal | undefined;
}

export interface RedriveOptions<T = unknown> extends DropOptions {
  /** How many a second at most, so that what has just recovered is not run over. Default: as fast as it goes. */
  readonly rate?: number | undefined;
  /** What to change on the way; nothing returned is nothing changed. The value must fulfil the channel's schema. */
  readonly edit?: ((letter: DeadLetter<T>) => DeadEdit<T> | void | Promise<DeadEdit<T> | void>) | undefined;
  /** Of a stream or topic: to every group, instead of only to the one whose handler failed. Default false. */
  readonly toAllGroups?: boolean | undefined;
}

/** What is left out stays as it was. */
export interface DeadEdit<T> {
  readonly value?: T;
  readonly key?: string;
  /** All of them: those that are not named here are gone. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The dead letters of one channel, or one group of it. */
export interface DeadLetters<T> {
  /** The queue they are in. */
  readonly name: string;
  list(options?: DeadListOptions): Promise<readonly DeadLetter<T>[]>;
  /** What they died of, the most frequent first. Looks at every one of them. */
  causes(filter?: DeadFilter): Promise<readonly DeadCause<T>[]>;
  /** Rejects with MESSAGE_UNKNOWN. */
  show(id: string): Promise<DeadLetter<T>>;
  /**
   * Back to where they came from, with all their attempts before them. Returns how many. Each goes in one commit, so a crash
   * neither loses nor doubles one. What dies again meanwhile is not taken again.
   */
  redrive(which: DeadSelection, options?: RedriveOptions<T>): Promise<number>;
  /** For ever. Returns how many. */
  drop(which: DeadSelection, options?: DropOptions): Promise<number>;
}
