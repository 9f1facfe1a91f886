import type { ChannelKind, ChannelSpec } from "../driver.js";
import type { Backoff } from "./backoff.js";
import type { Codec } from "./codec.js";
import type { ChannelRate } from "./rate/channel-rate.js";
import type { Schema } from "./schema.js";

/** A declared channel: a plain, frozen value that ties a name to a payload type and a policy. No I/O has happened. */
export interface Channel<T> {
  readonly kind: ChannelKind;
  readonly name: string;
  /** What the driver is told, complete. */
  readonly spec: ChannelSpec;
  /** What happens to messages that fail, complete. */
  readonly policy: Policy;
  readonly codec: Codec<T>;
  readonly schema: Schema<T> | undefined;
  readonly key: ((value: T) => string | undefined) | undefined;
  readonly id: ((value: T) => string | undefined) | undefined;
  /** How often may be sent to it, when `rateLimit` has made it. */
  readonly rate?: ChannelRate<T> | undefined;
  /** The names of the options that were given, as against filled in: only these are held against what a driver can do. */
  readonly asked: ReadonlySet<string>;
}

/** A delivery policy with every default filled in. */
export interface Policy {
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly leaseMs: number;
  readonly deadLetter: { readonly keepMs: number | undefined; readonly alertAt: number };
}

/** Work: each message goes to one consumer and is gone once settled. */
export interface Queue<T> extends Channel<T> {
  readonly kind: "queue";
}

/** History: an append-only partitioned log; each group reads all of it at its own pace. */
export interface Stream<T> extends Channel<T> {
  readonly kind: "stream";
}

/** News: every subscriber gets a copy. */
export interface Topic<T> extends Channel<T> {
  readonly kind: "topic";
}
