import { hasCode, type Millrace } from "millrace";
import { alerts, emails, webhooks } from "./channels.js";
import type { Snapshot } from "./progress.js";

/** What the admin side of Millrace says about work not done yet. Asking changes nothing. */
export type Backlog = Pick<Snapshot, "lag"> & { readonly mail: Omit<Snapshot["mail"], "retries"> };

export async function backlog(mill: Millrace): Promise<Backlog> {
  const [audit, metrics, notify] = await Promise.all(
    ["audit", "metrics", "notify"].map((group) => lag(mill, webhooks.name, group)),
  );
  const [pager, chat] = await Promise.all(["pager", "chat"].map((group) => lag(mill, alerts.name, group)));
  const { ready, inFlight, delayed } = await mill.admin.stats(emails);
  return {
    lag: { audit: audit ?? 0, metrics: metrics ?? 0, notify: notify ?? 0, pager: pager ?? 0, chat: chat ?? 0 },
    mail: { ready, inFlight, delayed, dead: await deadMails(mill) },
  };
}

/** The groups have read all of the stream. */
export function streamIsRead({ lag: behind }: Backlog): boolean {
  return behind.audit + behind.metrics + behind.notify === 0;
}

/** Nothing waits anywhere. */
export function isDrained({ lag: behind, mail }: Backlog): boolean {
  return Object.values(behind).every((messages) => messages === 0) && mail.ready + mail.inFlight + mail.delayed === 0;
}

async function lag(mill: Millrace, channel: string, group: string): Promise<number> {
  const partitions = await mill.admin.lag(channel, group);
  return partitions.reduce((sum, { messages }) => sum + messages, 0);
}

async function deadMails(mill: Millrace): Promise<number> {
  try {
    return (await mill.admin.stats(mill.admin.dead(emails).name)).messages;
  } catch (error) {
    if (hasCode(error, "CHANNEL_UNKNOWN")) return 0; // the queue of dead letters comes with the first of them
    throw error;
  }
}
