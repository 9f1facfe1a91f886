import { setTimeout as sleep } from "node:timers/promises";
import type { Millrace } from "millrace";
import { webhooks } from "./channels.js";
import { tick } from "./part.js";
import { Payloads } from "./payloads.js";
import { Tally } from "./tally.js";

export interface IntakeOptions {
  readonly events: number;
  readonly eventsPerSecond: number;
  /** Ends the intake after what is on its way. */
  readonly signal: AbortSignal;
  /** The events already in the stream. */
  readonly present: Tally;
  /** Told which events the stream has taken over. */
  readonly onAcknowledged: (numbers: readonly number[]) => void;
}

/** Events sent together: one sync of the disk for all of them. */
const batchSize = 64;

/** The events that are in the stream. It alone knows what was acknowledged; no second record could disagree with it. */
export async function eventsPresent(mill: Millrace, events: number): Promise<Tally> {
  const present = new Tally(events);
  for await (const messages of mill.read(webhooks, { until: "end" }).batches()) {
    for (const message of messages) present.add(message.id);
  }
  return present;
}

/** Sends every event that is not in the stream yet, in order. */
export async function takeIn(mill: Millrace, options: IntakeOptions): Promise<void> {
  const payloads = new Payloads();
  const startedMs = performance.now();
  let sent = 0;
  for (const numbers of batches(options)) {
    if (options.signal.aborted) return;
    await mill.sendAll(
      webhooks,
      numbers.map((number) => payloads.event(number)),
    );
    options.onAcknowledged(numbers);
    tick(mill, { part: "intake", count: numbers.length });
    sent += numbers.length;
    const aheadMs = (sent * 1_000) / options.eventsPerSecond - (performance.now() - startedMs);
    if (aheadMs > 0) await sleep(aheadMs, undefined, { signal: options.signal }).catch(() => {});
  }
}

function* batches({ events, present }: IntakeOptions): Generator<number[]> {
  let batch: number[] = [];
  for (let number = 0; number < events; number += 1) {
    if (present.has(number)) continue;
    batch.push(number);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
