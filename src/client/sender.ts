import type { Duration } from "../base/duration.js";
import type { Receipt } from "../driver.js";
import type { Channel } from "./channel.js";

export interface SendOptions {
  /** Over the channel's `id`. At most 1000 characters. */
  readonly id?: string | undefined;
  /** Over the channel's `key`. */
  readonly key?: string | undefined;
  /** Names starting with "millrace-" are kept for Millrace. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Queues without order per key: deliver no sooner than this after it was stored, at most 366 days. Not with every driver. */
  readonly delay?: Duration | undefined;
  /** The same until a date; one that has passed is at once. */
  readonly at?: Date | undefined;
  /** 1, the lowest and the default, to the queue's `priorities`: the higher, the sooner it is handed out. Not with every driver. */
  readonly priority?: number | undefined;
  /**
   * Queues without order per key: of no use any more once it is older than this, or, with a delay, once this has passed since it was due. The earlier of this
   * and the queue's `expires` counts. Not with every driver.
   */
  readonly expires?: Duration | undefined;
  /** Ends a wait for room: ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** How long the send may wait for room in a full channel: then TIMEOUT. Default: as long as it takes. */
  readonly timeout?: Duration | undefined;
}

/** Of many values at once: an id belongs to one message, so it comes from the channel's `id`. */
export type SendAllOptions = Omit<SendOptions, "id">;

/** What can send: a Millrace, and staged, a delivery and a transaction. */
export interface Sender {
  /**
   * Resolves once the message is taken over, at the durability of `open`.
   * Rejects with TypeError for wrong arguments, and with MillraceError PAYLOAD_INVALID, PAYLOAD_TOO_LARGE, QUEUE_FULL,
   * DISK_FULL, LOG_FENCED, RATE_LIMITED, NOT_SUPPORTED, CHANNEL_MISMATCH, TIMEOUT, ABORTED or CLOSED.
   */
  send<T>(channel: Channel<T>, value: NoInfer<T>, options?: SendOptions): Promise<Receipt>;
  /** In order, as one batch; resolves once all are taken over. One value that cannot be sent stops them all. */
  sendAll<T>(channel: Channel<T>, values: readonly NoInfer<T>[], options?: SendAllOptions): Promise<Receipt[]>;
}
