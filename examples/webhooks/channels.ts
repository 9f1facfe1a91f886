import { exponential, queue, stream, topic } from "millrace";
import { repositoryOf, type WebhookEvent } from "./payloads.js";
import type { Tick } from "./progress.js";
import type { Alert, Mail } from "./rules.js";

/** What came in. The events of one repository are in one partition, and so stay in order. */
export const webhooks = stream<WebhookEvent>("webhooks", {
  partitions: 6,
  key: repositoryOf,
  id: (event) => event.id,
});

/** What the group notify made of each event. */
export interface Decision {
  readonly event: string;
  readonly mails: number;
  readonly alerts: number;
}

/** One record an event, sent together with the mails and alerts it counts: they are all there, or none is. */
export const decisions = stream<Decision>("decisions", { partitions: 1, id: ({ event }) => event });

/** A mail server says "try again later" in seconds here; a real one means minutes, and so would the backoff. */
export const emails = queue<Mail>("emails", {
  id: (mail) => mail.id,
  dedup: 0, // nothing is sent twice here: what is staged goes out with its settlement, once
  attempts: 5,
  backoff: exponential("100ms", "2s"),
});

/** Each group gets every alert, also those raised while it was away. */
export const alerts = topic<Alert>("alerts", { id: (alert) => alert.id });

/** What the display is drawn from. Lost with the process, and not missed. */
export const ticker = topic<Tick>("ticker", { durable: false });
