import type { Logger } from "../base/logger.js";

/** Something recovery or verification met that is not as it was written. Data, for logs, `verify` and tests. */
export interface Finding {
  readonly kind: FindingKind;
  /** The file, relative to the data directory. */
  readonly file: string;
  /** What was met, in words. */
  readonly what: string;
  /** What can no longer be read, in words; undefined when nothing acknowledged was lost. */
  readonly lost: string | undefined;
}

export type FindingKind =
  | "torn-tail"
  | "unsynced-tail"
  | "wal-frame-damaged"
  | "wal-header-damaged"
  | "wal-file-missing"
  | "wal-file-cut"
  | "checkpoint-slot-damaged"
  | "meta-mirror-damaged"
  | "meta-entry-lost"
  | "page-damaged"
  | "segment-damaged"
  | "segment-missing"
  | "segment-cut"
  | "index-wrong"
  | "orphan-file";

/** Tells an operator: an error when something acknowledged is lost, else a warning. */
export function tell(logger: Logger, finding: Finding): void {
  const { file, what, lost } = finding;
  const text = `${file}: ${what}${lost === undefined ? "" : `; lost: ${lost}`}`;
  if (lost === undefined) logger.warn({ ...finding }, text);
  else logger.error({ ...finding }, text);
}
