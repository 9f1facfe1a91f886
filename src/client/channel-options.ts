import type { Duration } from "../base/duration.js";
import type { WhenFull } from "../driver.js";
import type { Backoff } from "./backoff.js";
import type { Codec } from "./codec.js";
import type { Schema } from "./schema.js";

/** What every kind of channel can be told. Everything left out has the value in `defaults`. */
export interface ChannelOptions<T> {
  /** Checked on send, and again on receive: a stored value that no longer fulfils it goes to the dead letters. */
  readonly schema?: Schema<T> | undefined;
  /** The key of a value: what stays in order, in a stream (by its partition) and in a queue with `order: "per-key"`. */
  readonly key?: ((value: T) => string | undefined) | undefined;
  /** The identity of a value. Within `dedup` the same id is stored once; without a window it is stored and not compared. */
  readonly id?: ((value: T) => string | undefined) | undefined;
  /** How values become bytes. Default `json`; `text` and `bytes` ship too. */
  readonly codec?: Codec<T> | undefined;
  /** Passed to the broker behind the driver as it is. */
  readonly native?: unknown;
}

/** What happens to a message whose handler fails. */
export interface DeliveryPolicy {
  /** How often a message is tried before it goes to the dead letters, 1 to 1000. Default 5. */
  readonly attempts?: number | undefined;
  /** The pause before each retry. Default `exponential("1s", "5m")` with full jitter. */
  readonly backoff?: Backoff | undefined;
  /** How long a message stays with one consumer without word from it, 1 s to 12 h. Default "30s"; renewed while the handler runs. */
  readonly lease?: Duration | undefined;
  readonly deadLetter?: DeadLetterOptions | undefined;
}

/** The dead letters of queue `name` are in queue "<name>.dead", those of a group in "<name>.<group>.dead". */
export interface DeadLetterOptions {
  /** How long they are kept; what is older is dropped, and counted. Default 14 days, where the driver can. */
  readonly keep?: Duration | undefined;
  /** How many of them, with those that were there before, make an error line in the log, once for each `open`. Default 1. See `admin.alerts`. */
  readonly alertAt?: number | undefined;
}

export interface QueueOptions<T> extends ChannelOptions<T>, DeliveryPolicy {
  /** How much may wait. Default `{ messages: 1_000_000, whenFull: "block" }`. */
  readonly capacity?: Capacity | undefined;
  /**
   * Default "none". "per-key": one message of each key in flight, in order, any number of keys side by side. A message that
   * fails holds its key until it is done or dead, and no other. Messages without a key wait for nobody. Not together with `priorities`, `expires` and delays.
   */
  readonly order?: "none" | "per-key" | undefined;
  /**
   * How many priorities there are, 1 to 10; fixed once the queue is stored. Default 1: none. The higher a message's priority, the
   * sooner it is handed out: strictly, unless the lowest have a share.
   */
  readonly priorities?: number | Priorities | undefined;
  /**
   * The window in which an id counts once: sent again within it, a message is acknowledged and not stored. Remembered for a
   * tenth of it longer at most. Default: "5m" where the driver can; 0: ids are stored and not compared.
   */
  readonly dedup?: Duration | undefined;
  /**
   * A message older than this goes to the dead letters, reason "expired", at that time and wherever it waits; one that is being handled, when it comes
   * back. A delayed one is not older than when it is due. What has expired stays so when the time is made longer. Default: never. Not together with `order: "per-key"`.
   */
  readonly expires?: Duration | Expires | undefined;
}

export interface Priorities {
  /** How many there are, 1 to 10. */
  readonly levels: number;
  /**
   * Which part of the deliveries, 0 to 0.5, begins at the lowest priority that waits, so that it is not starved: of 0.1, every tenth.
   * Default 0: strict.
   */
  readonly share?: number | undefined;
}

export interface Expires {
  /** Messages older than this expire. Default: only those that are sent with an expiry of their own. */
  readonly after?: Duration | undefined;
  /** What becomes of them: a dead letter, or nothing but a count. Default "dead-letter". */
  readonly whenExpired?: "dead-letter" | "drop" | undefined;
}

export interface Capacity {
  /** Default 1,000,000; of a buffer 10,000. */
  readonly messages?: number | undefined;
  /** Default: no bound. */
  readonly bytes?: number | undefined;
  /**
   * Default "block": senders wait; of a buffer "drop-oldest". Leased messages are never dropped. "drop-oldest" drops what has waited longest,
   * of the lowest priority; "drop-newest" the new message, whose receipt says so; "drop-random" any that waits.
   */
  readonly whenFull?: WhenFull | undefined;
}

export interface StreamOptions<T> extends ChannelOptions<T>, DeliveryPolicy {
  /** 1 to 1000, default 4. May be raised later, never lowered. */
  readonly partitions?: number | undefined;
  /** What is kept: default 7 days, any number of bytes; with `compact` for ever. Where both are given, the smaller one rules. */
  readonly retention?: { readonly time?: Duration | undefined; readonly bytes?: number | undefined } | undefined;
  /**
   * Keep the last record of each key; those before it go, sooner or later. Default false. `undefined` sent with a key deletes that key: who reads meets it as a value that
   * is undefined, until it goes, too, after a day (`limits.tombstoneMs`). An empty payload is the same. Records without a key are kept.
   */
  readonly compact?: boolean | undefined;
  /**
   * The window in which an id counts once: sent again within it, a message is acknowledged and not stored. Remembered for a
   * tenth of it longer at most. Default: none, ids are stored and not compared.
   */
  readonly dedup?: Duration | undefined;
}

export interface TopicOptions<T> extends ChannelOptions<T>, DeliveryPolicy {
  /** Default true: each group gets every message, also those sent while it was away. false: those who listen get what is sent meanwhile. */
  readonly durable?: boolean | undefined;
  /** Only with `durable: false`: what waits for each subscriber. Default `{ messages: 10_000, whenFull: "drop-oldest" }`. */
  readonly buffer?: Capacity | undefined;
  /**
   * Not with `durable: false`. The window in which an id counts once: sent again within it, a message is acknowledged and not stored. Remembered for a
   * tenth of it longer at most. Default: none, ids are stored and not compared.
   */
  readonly dedup?: Duration | undefined;
}
