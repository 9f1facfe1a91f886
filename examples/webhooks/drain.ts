import { setTimeout as sleep } from "node:timers/promises";
import type { Millrace } from "millrace";
import type { Display } from "./display.js";
import { backlog, isDrained, streamIsRead, type Backlog } from "./observe.js";
import type { Part } from "./part.js";
import type { Progress } from "./progress.js";

export interface DrainOptions {
  readonly events: number;
  readonly display: Display;
  readonly progress: Progress;
  /** Aborts when the rest is for another time. */
  readonly signal: AbortSignal;
  readonly intake: Promise<void>;
  /** Those who read the stream, then those who work on what the former send. */
  readonly stages: readonly [readonly Part[], readonly Part[]];
}

/** How long handlers that are running may take when we close. */
export const drainTime = "10s";
const lookEveryMs = 100;

/**
 * Shows progress, and lets the parts finish in the order in which the work flows. Closing a consumer resolves once what it has
 * settled and sent is on disk and in place: only then is it known what there is left to do for those who come after it.
 */
export async function drain(mill: Millrace, options: DrainOptions): Promise<void> {
  let intakeEnded = false;
  options.intake.then(
    () => (intakeEnded = true),
    () => {}, // whoever started the intake hears of it
  );
  await watch(mill, options, () => intakeEnded);
  await watch(mill, options, streamIsRead);
  await closeAll(options.stages[0]);
  await watch(mill, options, isDrained);
  await closeAll(options.stages[1]);
}

/** Draws the display until `isOver`, or somebody wants the run to stop. */
async function watch(mill: Millrace, options: DrainOptions, isOver: (now: Backlog) => boolean): Promise<void> {
  const { progress, signal } = options;
  while (!signal.aborted) {
    const now = await backlog(mill);
    const elapsedMs = performance.now();
    options.display.update({
      elapsedMs,
      events: options.events,
      done: progress.done,
      perSecond: progress.perSecond(elapsedMs),
      lag: now.lag,
      mail: { ...now.mail, retries: progress.retries },
      latest: progress.latest,
    });
    if (isOver(now)) return;
    await sleep(lookEveryMs, undefined, { signal }).catch(() => {}); // the next round sees that it aborted
  }
}

async function closeAll(parts: readonly Part[]): Promise<void> {
  await Promise.all(parts.map(({ consumer }) => consumer.close({ drain: drainTime })));
}
