import type { Duration } from "../base/duration.js";
import type { Outage } from "./outage.js";

/**
 * starting ──▶ running ⇄ paused; running ⇄ stalled while it cannot get messages and tries again; running ⇄ probing while its
 * messages fail one after the other as in an outage, and it tries single ones; closed is final.
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
