/**
 * What a dead letter says about itself, in its headers. Its key and value are those of the message it was, untouched, and
 * so are the headers it had. These are API: tools of other languages may read them.
 */
export const reservedPrefix = "millrace-";

export const deadHeaders = {
  /** The channel it was sent to. */
  channel: "millrace-dead-channel",
  /** The group that could not handle it; left out for a queue. */
  group: "millrace-dead-group",
  /** Its id there. */
  id: "millrace-dead-id",
  /** When it was sent there, as ISO 8601. */
  sentAt: "millrace-dead-sent-at",
  /** Its position there, as far as the broker tells. */
  partition: "millrace-dead-partition",
  offset: "millrace-dead-offset",
  /** Its priority there, where there are several. */
  priority: "millrace-dead-priority",
  /** "attempts", "rejected", "expired", "unreadable" or "schema". */
  reason: "millrace-dead-reason",
  /** The last error's name and message. */
  errorName: "millrace-dead-error",
  errorMessage: "millrace-dead-error-message",
  /** The last error's stack, when it had one. */
  errorStack: "millrace-dead-error-stack",
  /** How often it was delivered. */
  attempts: "millrace-dead-attempts",
  /** When the first and the last attempt failed, as ISO 8601. */
  firstFailedAt: "millrace-dead-first-failed-at",
  lastFailedAt: "millrace-dead-last-failed-at",
} as const;

/** What all names in `deadHeaders` begin with. */
export const deadPrefix = "millrace-dead-";

/** What a redriven message keeps of its past, so that a second death does not forget the first. */
export const redrivenHeaders = {
  /** How often it has been redriven. */
  count: "millrace-redriven",
  /** When it first failed of all, as ISO 8601. */
  firstFailedAt: "millrace-redriven-first-failed-at",
  /** When it was redriven last, as ISO 8601. */
  at: "millrace-redriven-at",
  /** Its id, and when it was sent, before it first died. */
  id: "millrace-redriven-id",
  sentAt: "millrace-redriven-sent-at",
  /** The group of a stream or topic that it is for; other groups pass it over. */
  group: "millrace-redriven-group",
} as const;

/** An error's text may be of any length; a header should not be. */
export const errorTextMax = { name: 100, message: 1_000, stack: 4_000 } as const;
