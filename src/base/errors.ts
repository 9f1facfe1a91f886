/**
 * Every error a caller can meet and act on, in one table. Codes are API: they are never renamed.
 * Messages are prose: they say what happened and what to do. Wrong arguments throw `TypeError` instead.
 */
export const errorCodes = {
  /** Stored bytes do not carry the checksum they were written with. */
  LOG_CORRUPT: { retryable: false },
  /** The files are whole, but written by a newer release. */
  LOG_VERSION_UNSUPPORTED: { retryable: false },
  /** A sync failed: nothing is acknowledged any more until the directory is opened anew. */
  LOG_FENCED: { retryable: false },
  /** No space left. Settling and reading go on; sending resumes by itself. */
  DISK_FULL: { retryable: true },
  /** The operating system refused a file operation. */
  DISK_FAILED: { retryable: false },
  /** The directory or the file system does not allow writing. */
  DISK_READ_ONLY: { retryable: false },
  /** The path is a file, or a directory that holds something that is not ours. */
  NOT_A_DATA_DIRECTORY: { retryable: false },
  /** Another process has the directory open. */
  LOCKED: { retryable: true },
  /** A channel was declared before with a setting that cannot change. */
  CHANNEL_MISMATCH: { retryable: false },
  /** No such channel. */
  CHANNEL_UNKNOWN: { retryable: false },
  /** No such group on the channel. */
  GROUP_UNKNOWN: { retryable: false },
  /** A consumer asks for another way to share a group's partitions than its members have. */
  GROUP_MISMATCH: { retryable: false },
  /** No message with this id or position. */
  MESSAGE_UNKNOWN: { retryable: false },
  /** The driver behind this Millrace cannot do it; the message names one that can. */
  NOT_SUPPORTED: { retryable: false },
  /** The queue's capacity is reached. */
  QUEUE_FULL: { retryable: true },
  /** More is sent than a rate limit allows. */
  RATE_LIMITED: { retryable: true },
  /** The value does not fulfil the channel's schema, or cannot be serialised. */
  PAYLOAD_INVALID: { retryable: false },
  /** The encoded message is over `limits.messageBytesMax`. */
  PAYLOAD_TOO_LARGE: { retryable: false },
  /** A stored payload cannot be decoded by the channel's codec. */
  PAYLOAD_UNREADABLE: { retryable: false },
  /** The lease ended before the settlement; the message is somebody else's now. */
  LEASE_EXPIRED: { retryable: false },
  /** The handler ran longer than its `timeout`. */
  HANDLER_TIMEOUT: { retryable: true },
  /** One more channel or group than `limits` allows. */
  LIMIT_REACHED: { retryable: false },
  /** A read asked for an offset outside what is kept. */
  OFFSET_OUT_OF_RANGE: { retryable: false },
  /** A transaction is larger than one commit can hold. */
  TRANSACTION_TOO_LARGE: { retryable: false },
  /** The transaction has already committed or rolled back. */
  TRANSACTION_ENDED: { retryable: false },
  /** A wait ended at its time limit. The outcome of the operation is said in the message. */
  TIMEOUT: { retryable: true },
  /** The caller's signal aborted. */
  ABORTED: { retryable: false },
  /** This Millrace, consumer or reader has been closed. */
  CLOSED: { retryable: false },
  /** An optional peer package is missing; the message says which to install. */
  PEER_MISSING: { retryable: false },
} as const satisfies Record<string, { readonly retryable: boolean }>;

export type ErrorCode = keyof typeof errorCodes;

/** Something the caller can meet and act on: look at `code`, not at the message. */
export class MillraceError extends Error {
  override readonly name = "MillraceError";
  readonly code: ErrorCode;
  /** When the same call can be expected to succeed, where that is known. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions & { readonly retryAfterMs?: number }) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs;
  }

  /** Whether the same call may succeed later without any change. */
  get retryable(): boolean {
    return errorCodes[this.code].retryable;
  }
}

/** Whether `error` is ours and carries `code`. */
export function hasCode(error: unknown, code: ErrorCode): error is MillraceError {
  return error instanceof MillraceError && error.code === code;
}
