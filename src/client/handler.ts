import type { Duration } from "../base/duration.js";
import type { StartPosition } from "../driver.js";
import type { Delivery } from "./delivery.js";
import type { RateLimit } from "./rate/rate-limit.js";
import type { OutageOptions } from "./outage-rule.js";
import type { IdempotencyStore, OnceOptions } from "./once.js";
import type { RetryRule } from "./retry-rule.js";
import type { Settlement } from "./settlement.js";

/** Returning nothing is done; throwing is a retry by the channel's policy; or return `done()`, `later()`, `reject()`. */
export type Handler<T> = (value: T, delivery: Delivery<T>) => Settlement | void | Promise<Settlement | void>;

/**
 * Returning nothing settles all as done; throwing fails each by its own policy; or return one settlement
 * (undefined is done) for each value, in their order.
 */
export type BatchHandler<T> = (
  values: readonly T[],
  deliveries: readonly Delivery<T>[],
) => BatchOutcome | Promise<BatchOutcome>;

export type BatchOutcome = readonly (Settlement | undefined)[] | void;

/** What a consumer promises. "exactly once" is not among them, because nobody can. */
export type Guarantee =
  /** Settled before the handler begins: a crash loses it, a failure goes straight to the dead letters. */
  | "at-most-once"
  /** Settled after the handler: a crash in between brings it again. */
  | "at-least-once"
  /** As at-least-once; and settlement and everything sent through the delivery commit together, or the driver is refused. */
  | "transactional";

export interface HandleOptions<T = unknown> {
  /** Who reads. Needed for streams and durable topics; queues and topics that are not durable have none. */
  readonly group?: string | undefined;
  /** Default "at-least-once"; of a topic that is not durable always "at-most-once". */
  readonly guarantee?: Guarantee | undefined;
  /**
   * How many handlers may run at once. Default 1. A range begins with `min`, and grows as messages wait and handlers take long. Of a stream in order, with more than one, messages of one key are handled one after
   * the other in their order, those of different keys and those without a key side by side; batches are of one partition each, and one at a time of each.
   */
  readonly concurrency?: number | { readonly min: number; readonly max: number } | undefined;
  /** What to do about errors of certain classes or codes, made by `on`: the first that fits rules. */
  readonly retry?: readonly RetryRule[] | undefined;
  /**
   * How often the handler may begin with a message; a batch counts as the messages in it. What the limit does not allow yet waits in the channel.
   * With a limit per key, messages of a key that is out of tokens are put off, uncounted, and others go on; in a stream they hold up their partition,
   * unless `settle` is "each".
   */
  readonly rate?: RateLimit<T> | undefined;
  /**
   * When most of the last messages fail at their first attempt with the same error, single ones are tried until one is handled, and no
   * failure counts as an attempt meanwhile, for a day at most; `consumer.outage` tells. false: every failure counts, always.
   */
  readonly outage?: OutageOptions | false | undefined;
  /** Where a group begins that has never read this channel. Default "earliest". */
  readonly from?: StartPosition | undefined;
  /** Streams only: static membership. The same name gets the same partitions back after a restart. */
  readonly member?: string | undefined;
  /**
   * Streams only: how the members of the group share its partitions; all of them have to ask for the same. "cooperative-sticky", the default, moves as few as balance
   * asks for; "range" gives each neighbouring ones, "round-robin" one after the other, members with a name first.
   */
  readonly assignment?: "cooperative-sticky" | "range" | "round-robin" | undefined;
  /**
   * Streams only: what waits while a message that failed waits for its next attempt. "block", the default: its partition, so that the order of all
   * in it is kept. "park": what is behind it of its key; other keys go on. A message without a key holds up nothing then.
   */
  readonly onFailure?: "block" | "park" | undefined;
  /**
   * Streams only. "each": every message is settled by itself, as a queue's is: all members of the group share all partitions, what fails is retried without holding up anything,
   * and there is no order; batches mix partitions. A property of the group, stored with it: a consumer that says otherwise is refused with CHANNEL_MISMATCH.
   */
  readonly settle?: "each" | undefined;
  /**
   * Not with `handleBatch`, nor with at-most-once. The same message, or another one with the same key, is handled once: what comes again is settled without calling the handler, and what comes
   * at the same time waits, uncounted. `{ by, keep }` keeps marks with the channel: each commits with the settlement and everything sent through the delivery. A store of
   * your own keeps them where the effects are.
   */
  readonly once?: IdempotencyStore<T> | OnceOptions<T> | undefined;
  /** A handler that runs longer has failed, and its `delivery.signal` aborts. Default "15m". */
  readonly timeout?: Duration | undefined;
}

export interface BatchOptions<T = unknown> extends Omit<HandleOptions<T>, "once"> {
  /** How many messages a call gets at most. A message on its last attempt comes alone. */
  readonly size: number;
  /** How long to wait for a batch to fill, from its first message on. Default 0: what is there. */
  readonly within?: Duration | undefined;
}
