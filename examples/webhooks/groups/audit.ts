import type { Delivery } from "millrace";
import { webhooks } from "../channels.js";
import { NdjsonFile } from "../ndjson-file.js";
import { tick, type Part, type PartContext } from "../part.js";
import { repositoryOf, typeOf, type WebhookEvent } from "../payloads.js";

export const auditFile = "audit.ndjson";

export interface AuditLine {
  readonly id: string;
  readonly receivedAt: Date;
  readonly partition: number | undefined;
  readonly offset: string;
  readonly type: string;
  readonly repository: string;
  readonly sender: string | undefined;
}

/** As many lines as share one write and one sync of the file. */
const batchSize = 200;

/**
 * Writes a line for every event. The lines are on disk before the batch counts as done: a crash in between brings the
 * batch again, and its lines stand in the file twice, under the same ids.
 */
export async function startAudit({ mill, workspace }: PartContext): Promise<Part> {
  const file = await NdjsonFile.open(workspace.out(auditFile));
  const consumer = mill.handleBatch(
    webhooks,
    async (events, deliveries) => {
      await file.append(events.map((event, index) => auditLine(event, deliveries[index])));
      tick(mill, { part: "audit", count: events.length });
    },
    { group: "audit", size: batchSize },
  );
  return { consumer, close: () => file.close() };
}

function auditLine(event: WebhookEvent, delivery: Delivery<WebhookEvent> | undefined): AuditLine {
  const message = delivery?.message;
  return {
    id: event.id,
    receivedAt: message?.sentAt ?? new Date(0),
    partition: message?.partition,
    offset: String(message?.offset),
    type: typeOf(event),
    repository: repositoryOf(event),
    sender: event.payload.sender?.login,
  };
}
