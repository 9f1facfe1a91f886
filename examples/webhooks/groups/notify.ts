import { alerts, decisions, emails, webhooks } from "../channels.js";
import { tick, type Part, type PartContext } from "../part.js";
import { alertFor, mailsFor } from "../rules.js";

/**
 * Decides who hears of an event. What it sends through the delivery is staged: it goes out in the same commit that
 * settles the event, or not at all. So a crash brings an event again only if nothing was sent for it.
 */
export async function startNotify({ mill }: PartContext): Promise<Part> {
  const consumer = mill.handle(
    webhooks,
    async (event, delivery) => {
      const mails = mailsFor(event);
      const alert = alertFor(event);
      for (const mail of mails) await delivery.send(emails, mail);
      if (alert !== undefined) await delivery.send(alerts, alert);
      await delivery.send(decisions, { event: event.id, mails: mails.length, alerts: alert === undefined ? 0 : 1 });
      tick(mill, { part: "notify", count: 1 });
    },
    { group: "notify", guarantee: "transactional", concurrency: webhooks.spec.partitions },
  );
  return { consumer, close: async () => {} };
}
