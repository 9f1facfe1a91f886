import type { ErrorCode } from "../base/errors.js";

/** What the shell sees. A script may rely on these numbers; each has one meaning on every verb. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  auth: 3,
  notFound: 4,
  limit: 5,
  unreachable: 6,
  timeout: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What the command line itself can meet, besides the errors of the library. */
export const commandCodes = {
  /** The command line cannot be understood. */
  USAGE: exitCodes.usage,
  /** There is no data directory at that place, and a verb that only looks makes none. */
  DIRECTORY_MISSING: exitCodes.notFound,
  /** A file named on the command line is missing or cannot be read. */
  FILE_UNREADABLE: exitCodes.notFound,
  /** A line of input is not what `--json` promises. */
  INPUT_INVALID: exitCodes.failure,
  /** stdout cannot be written to: the disk behind it is full, for one. */
  OUTPUT_FAILED: exitCodes.failure,
  /** The command of `handle --exec` cannot be run at all. */
  COMMAND_UNUSABLE: exitCodes.failure,
  /** `verify` found damage. */
  DAMAGE_FOUND: exitCodes.failure,
  /** `doctor` found pitfalls. */
  PITFALLS_FOUND: exitCodes.failure,
  /** Ctrl-C, or a request to terminate. */
  INTERRUPTED: exitCodes.interrupted,
  /** A defect in Millrace. */
  UNEXPECTED: exitCodes.failure,
} as const satisfies Record<string, ExitCode>;

export type CommandCode = keyof typeof commandCodes;

/** Every error of the library and its exit code: a new code does not compile until it stands here. */
export const errorExitCodes = {
  LOG_CORRUPT: exitCodes.failure,
  LOG_VERSION_UNSUPPORTED: exitCodes.failure,
  LOG_FENCED: exitCodes.failure,
  DISK_FULL: exitCodes.limit,
  DISK_FAILED: exitCodes.failure,
  DISK_READ_ONLY: exitCodes.failure,
  NOT_A_DATA_DIRECTORY: exitCodes.notFound,
  LOCKED: exitCodes.unreachable,
  CHANNEL_MISMATCH: exitCodes.failure,
  CHANNEL_UNKNOWN: exitCodes.notFound,
  GROUP_UNKNOWN: exitCodes.notFound,
  GROUP_MISMATCH: exitCodes.failure,
  MESSAGE_UNKNOWN: exitCodes.notFound,
  NOT_SUPPORTED: exitCodes.usage,
  QUEUE_FULL: exitCodes.limit,
  RATE_LIMITED: exitCodes.limit,
  PAYLOAD_INVALID: exitCodes.failure,
  PAYLOAD_TOO_LARGE: exitCodes.limit,
  PAYLOAD_UNREADABLE: exitCodes.failure,
  LEASE_EXPIRED: exitCodes.failure,
  HANDLER_TIMEOUT: exitCodes.timeout,
  LIMIT_REACHED: exitCodes.limit,
  OFFSET_OUT_OF_RANGE: exitCodes.notFound,
  TRANSACTION_TOO_LARGE: exitCodes.limit,
  TRANSACTION_ENDED: exitCodes.failure,
  TIMEOUT: exitCodes.timeout,
  ABORTED: exitCodes.interrupted,
  CLOSED: exitCodes.failure,
  PEER_MISSING: exitCodes.failure,
} as const satisfies Record<ErrorCode, ExitCode>;
