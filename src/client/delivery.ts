import type { Duration } from "../base/duration.js";
import type { Message } from "./message.js";
import type { Sender } from "./sender.js";

/** A message in the hands of a handler, under a lease that is renewed while the handler runs. */
export interface Delivery<T> extends Sender {
  readonly message: Message<T>;
  /** How many times it has been delivered: the first is 1. */
  readonly attempt: number;
  /** How often its message came back from the dead letters; its attempts begin anew each time. */
  readonly redriven: number;
  /** The group had handled it before, and was moved back (`admin.seek`): guard with it what must not happen again. */
  readonly replay: boolean;
  /** Aborts when the lease is lost (LEASE_EXPIRED), the handler's time is over (HANDLER_TIMEOUT), or the consumer closes and its drain time is over (CLOSED). */
  readonly signal: AbortSignal;
  /** Asks for at least `lease` from now on, for work that blocks the event loop and so cannot be renewed meanwhile. */
  extend(lease: Duration): Promise<void>;
  /** The broker client's own message. */
  unwrap(): unknown;
}
