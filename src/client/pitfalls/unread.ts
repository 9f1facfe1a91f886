import { defaults } from "../defaults.js";
import type { Complaint, Pitfall } from "../pitfall.js";
import { inWords } from "../time-in-words.js";

export const unread: Pitfall = {
  look({ spec, stats, groups, waiting }) {
    if (stats === undefined || stats.messages === 0 || !spec.durable) return undefined;
    if (spec.kind === "queue") return unreadQueue(stats, waiting[0]?.attempts);
    if (groups.length > 0) return undefined;
    return {
      what: `it has ${stats.messages.toLocaleString("en-US")} messages, and no group has ever read it`,
      remedy: `give it a consumer: handle(…, { group: "…" }); or stop sending to it`,
    };
  },
};

function unreadQueue(
  stats: { readonly messages: number; readonly consumers: number; readonly oldestMs: number | undefined },
  attempts: number | undefined,
): Complaint | undefined {
  const { messages, consumers, oldestMs = 0 } = stats;
  if (consumers > 0 || attempts !== 0 || oldestMs < defaults.doctor.unreadMs) return undefined;
  return {
    what: `${messages.toLocaleString("en-US")} messages wait, the oldest for ${inWords(oldestMs)}, and nobody has ever taken it`,
    remedy: "start a consumer for it, or stop sending to it",
  };
}
