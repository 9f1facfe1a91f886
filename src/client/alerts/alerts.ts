import type { Duration } from "../../base/duration.js";
import type { AlertKind } from "./alert-rule.js";
import type { WebhookOptions } from "./webhook.js";

/** Something that a rule has found, when it fired or when it was over. Plain data. */
export interface Alert {
  readonly state: "firing" | "resolved";
  /** The rule's name. */
  readonly rule: string;
  readonly when: AlertKind;
  readonly channel: string;
  /** "" of a queue, or of a channel as a whole. */
  readonly group: string;
  /** As of the last look: a count, or milliseconds. */
  readonly value: number;
  readonly above: number;
  /** When it fired, as ISO 8601. */
  readonly since: string;
}

export interface AlertOptions {
  /** How often it is looked. Default "10s". */
  readonly every?: Duration | undefined;
  /** Called once when an alert fires and once when it resolves. What it throws is logged. */
  readonly notify?: ((alert: Alert) => unknown) | undefined;
  /** Posts each alert as JSON, with a timeout and some attempts. Nothing waits for it. */
  readonly webhook?: WebhookOptions | undefined;
}

/** Rules at work. They are looked at until they, or their Millrace, are closed. */
export interface Alerts extends Disposable {
  /** What is firing now, the oldest first. */
  firing(): readonly Alert[];
  /** Looks at once. Resolves when it has; `notify` may still be at work. */
  check(): Promise<void>;
  close(): void;
}
