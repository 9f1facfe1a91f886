import type { Duration } from "../base/duration.js";
import type { ChannelKind } from "../driver.js";
import type { Outage } from "./outage.js";

/**
 * starting ──▶ running ⇄ paused; running ⇄ stalled while it cannot do its work: `reason` says why, and it gets going again by itself;
 * running ⇄ probing while its messages fail one after the other as in an outage, and it tries single ones; closed is final.
 */
export type ConsumerState = "starting" | "running" | "paused" | "stalled" | "probing" | "closed";

export interface CloseOptions {
  /** How long running handlers may take to finish. Default "30s". Then their signals abort, and their messages go to others. */
  readonly drain?: Duration | undefined;
}

/** A handler at work on a channel. */
export interface Consumer extends AsyncDisposable {
  readonly state: ConsumerState;
  /** What it takes for an outage of something that all its messages need; undefined while there is none. */
  readonly outage: Outage | undefined;
  /** Why it is stalled, or probing; undefined in any other state. */
  readonly reason: string | undefined;
  /** Resolves when it takes messages; rejects when it cannot start. */
  readonly ready: Promise<void>;
  /** Resolves when it has closed; rejects with what ended it, if that was not `close`. */
  readonly closed: Promise<void>;
  /** Takes no more messages; running handlers finish. */
  pause(): void;
  resume(): void;
  /** Takes no more messages, lets running handlers finish, and leaves the group. What was settled is durable when it resolves. */
  close(options?: CloseOptions): Promise<void>;
}

/** A consumer of this Millrace, as `admin.consumers` shows it. */
export interface ConsumerInfo {
  readonly channel: string;
  readonly kind: ChannelKind;
  /** "" where a channel has no groups. */
  readonly group: string;
  readonly state: ConsumerState;
  /** Why it is stalled, or probing; undefined in any other state. */
  readonly reason: string | undefined;
  /** How long it has been in this state. */
  readonly forMs: number;
  /** Handlers that are running, those that were given up not included. */
  readonly running: number;
  /** Messages it has fetched, and holds under a lease, until there is a place or a token for them. */
  readonly waiting: number;
  /** How many may run at once now; undefined while it is stalled. */
  readonly places: number | undefined;
  /** Handlers that are running though their time is over, or their source has failed. */
  readonly abandoned: number;
  /** How many times it has been stalled. */
  readonly stalls: number;
}
