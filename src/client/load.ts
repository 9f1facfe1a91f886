import type { Duration } from "../base/duration.js";

export interface LoadOptions {
  /** Messages sent together. Default 1000, or 1 MiB if that is less. */
  readonly batch?: number | undefined;
  /** Batches on their way at once. Default 4. Memory is bounded by both. */
  readonly inFlight?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Called after each batch. */
  readonly onProgress?: ((progress: LoadSummary) => void) | undefined;
  /** Ends the load after what is on its way: ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** How long each batch may wait for room in a full channel. Default: as long as it takes. */
  readonly timeout?: Duration | undefined;
}

/** How far a load has come. */
export interface LoadSummary {
  /** Taken over by the broker, duplicates and dropped ones included. */
  readonly sent: number;
  readonly duplicates: number;
  readonly dropped: number;
  readonly elapsedMs: number;
}
