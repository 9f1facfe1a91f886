import type { CapacitySpec } from "../../driver.js";

export interface PressureOptions {
  /** Streams and durable topics: whose. Default: the group that is furthest behind. */
  readonly group?: string | undefined;
}

/** How much is waiting in a channel, and how fast it gets done. */
export interface Pressure {
  /** Messages not settled: what counts against a queue's capacity. Of a stream or durable topic, how many its group is behind. */
  readonly depth: number;
  /** What counts against a capacity in bytes; where there is none, what the channel takes on disk. */
  readonly bytes: number;
  /** Age of the oldest message not settled; undefined when there is none. */
  readonly oldestMs: number | undefined;
  /** "high" from 80 % of the channel's capacity on, "full" when there is no room. Of a channel without a bound always "ok". */
  readonly level: "ok" | "high" | "full";
  /** With a handler now. */
  readonly inFlight: number;
  /** What handlers could be busy with now: waiting and in flight, without what is delayed. What an autoscaler needs. */
  readonly work: number;
  /** Consumers that take from it. None, and `work` waits for nobody. */
  readonly consumers: number;
  /** Settled a second over the last minute, as seen by those who asked for the pressure; undefined until it has been asked for twice. */
  readonly drainPerSecond: number | undefined;
  /** How long a message sent now is going to wait, at that rate: Infinity while nothing gets done; undefined while the rate is. */
  readonly predictedWaitMs: number | undefined;
}

/** A channel is under high pressure from this share of its capacity on. */
const highShare = 0.8;

export interface Held {
  readonly messages: number;
  /** undefined when nobody counts them. */
  readonly bytes: number | undefined;
}

export function levelOf(held: Held, capacity: CapacitySpec): Pressure["level"] {
  const share = Math.max(held.messages / capacity.messages, (held.bytes ?? 0) / capacity.bytes);
  if (share >= 1) return "full";
  return share >= highShare ? "high" : "ok";
}

export function predictedWaitMs(work: number, drainPerSecond: number | undefined): number | undefined {
  if (work === 0) return 0;
  return drainPerSecond === undefined ? undefined : (work / drainPerSecond) * 1_000;
}
