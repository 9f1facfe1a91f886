import { open, readFile, rename } from "node:fs/promises";
import type { Delivery } from "millrace";
import { webhooks } from "../channels.js";
import { tick, type Part, type PartContext } from "../part.js";
import { repositoryOf, typeOf, type WebhookEvent } from "../payloads.js";

export const metricsFile = "metrics.json";

/**
 * The counts, and in the same file how far into each partition they reach. So they can be told apart from
 * events that a crash brings again: their offsets have been counted.
 */
export interface Metrics {
  events: number;
  /** Deliveries that had been counted before. */
  skipped: number;
  byType: Record<string, number>;
  byRepository: Record<string, number>;
  /** The first offset of each partition that is not counted yet. */
  next: Record<string, number>;
}

const batchSize = 500;

export async function startMetrics({ mill, workspace }: PartContext): Promise<Part> {
  const path = workspace.out(metricsFile);
  const metrics = await readMetrics(path);
  const consumer = mill.handleBatch(
    webhooks,
    async (events, deliveries) => {
      for (const [index, event] of events.entries()) countOnce(metrics, event, deliveries[index]);
      await replaceFile(path, JSON.stringify(metrics));
      const last = events.at(-1);
      tick(mill, {
        part: "metrics",
        count: events.length,
        ...(last && { latest: `${typeOf(last)} in ${repositoryOf(last)}` }),
      });
    },
    { group: "metrics", size: batchSize },
  );
  return { consumer, close: async () => {} };
}

export async function readMetrics(path: string): Promise<Metrics> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Metrics;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return { events: 0, skipped: 0, byType: {}, byRepository: {}, next: {} };
  }
}

function countOnce(metrics: Metrics, event: WebhookEvent, delivery: Delivery<WebhookEvent> | undefined): void {
  const partition = String(delivery?.message.partition);
  const offset = Number(delivery?.message.offset);
  if (offset < (metrics.next[partition] ?? 0)) {
    metrics.skipped += 1;
    return;
  }
  metrics.next[partition] = offset + 1;
  metrics.events += 1;
  increment(metrics.byType, typeOf(event));
  increment(metrics.byRepository, repositoryOf(event));
}

function increment(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

/** Whoever reads the file finds the old counts or the new ones, whole, whenever the power goes. */
async function replaceFile(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, "w");
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
