import { alerts } from "../channels.js";
import { NdjsonFile } from "../ndjson-file.js";
import { tick, type Part, type PartContext } from "../part.js";

export type AlertGroup = "pager" | "chat";

export function alertFile(group: AlertGroup): string {
  return `${group}.ndjson`;
}

/** One subscriber of the alerts: writes what a pager or a chat room would show. */
export async function startAlerting(group: AlertGroup, { mill, workspace }: PartContext): Promise<Part> {
  const file = await NdjsonFile.open(workspace.out(alertFile(group)));
  const consumer = mill.handle(
    alerts,
    async (alert) => {
      await file.append([alert]);
      tick(mill, { part: group, count: 1 });
    },
    { group, concurrency: 8 },
  );
  return { consumer, close: () => file.close() };
}
