import { defaults } from "../defaults.js";

/** How many handlers may run at once, and what that was decided by. */
export interface ControllerState {
  readonly places: number;
  /** How long a handler takes, as far as is known. */
  readonly latencyMs: number;
  readonly waiting: number;
  /** How many times in a row fewer would have done. */
  readonly spare: number;
}

/** What happened since the last one. */
export interface Sample {
  readonly elapsedMs: number;
  /** Messages that could be handled now and are not, this consumer's share of them. */
  readonly waiting: number;
  readonly completed: number;
  /** How long the handlers of those took, together. */
  readonly busyMs: number;
  /** Handlers at work now. */
  readonly running: number;
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

export function startOf({ min }: Range): ControllerState {
  return { places: min, latencyMs: 0, waiting: 0, spare: 0 };
}

/**
 * How many places there should be from now on. By Little's law as many are at work as come in a second times the seconds each takes. To what
 * comes in is added what waits, as if it were to be done within a few seconds. So it grows with the depth and with the time handlers take.
 *
 * It grows at once, and at most to the double. It gives places up only when much fewer have done for a while, and keeps
 * a few more than are needed: so that it does not swing.
 */
export function decide(before: ControllerState, sample: Sample, { min, max }: Range): ControllerState {
  const { drainMs, spareShare, spareSamples, headroom } = defaults.elastic;
  const latencyMs = latencyOf(before, sample);
  const arrived = Math.max(0, sample.completed + sample.waiting - before.waiting);
  const perMs = arrived / sample.elapsedMs + sample.waiting / drainMs;
  const needed = Math.ceil(latencyMs * perMs);
  const next = { latencyMs, waiting: sample.waiting };
  const within = (places: number): number => Math.min(max, Math.max(min, places));
  if (needed > before.places) return { ...next, places: within(Math.min(needed, before.places * 2)), spare: 0 };
  if (needed >= before.places * spareShare) return { ...next, places: within(before.places), spare: 0 };
  const spare = before.spare + 1;
  if (spare < spareSamples) return { ...next, places: within(before.places), spare };
  return { ...next, places: within(Math.ceil(needed * headroom)), spare: 0 };
}

/** Half of it is what was known before. While nothing ends, what is running takes at least as long as has passed. */
function latencyOf(before: ControllerState, sample: Sample): number {
  if (sample.completed > 0) {
    const measured = sample.busyMs / sample.completed;
    return before.latencyMs === 0 ? measured : (before.latencyMs + measured) / 2;
  }
  return sample.running > 0 ? before.latencyMs + sample.elapsedMs : before.latencyMs;
}
