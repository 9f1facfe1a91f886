import type { Clock, Timer } from "../base/clock.js";
import { MillraceError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import type { IncomingDelivery, Source } from "../driver.js";
import { describeHandling } from "./handling.js";
import type { Handling } from "./handling.js";
import type { Throttle } from "./rate/throttle.js";
import type { Scheduler } from "./scheduler.js";

/** A lease is renewed this many times before it would end, so that two late timers do no harm. */
const renewalsPerLease = 3;

export interface WatchParts<T> {
  readonly handling: Handling<T>;
  readonly source: Source;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly throttle: Throttle<T> | undefined;
  /** It cannot go on with this source. */
  readonly broken: (error: unknown) => void;
}

/**
 * Watches what one consumer holds: renews leases, and ends handlers whose time is over. Two timers for all deliveries, and
 * none while nothing is held.
 */
export class Watch<T> {
  readonly #parts: WatchParts<T>;
  readonly #scheduler: Scheduler<T>;
  #renewal: Timer | undefined;
  /** When the renewal is due, monotonic. */
  #renewalMs = Infinity;
  #deadline: Timer | undefined;
  #stopped = false;

  constructor(parts: WatchParts<T>, scheduler: Scheduler<T>) {
    this.#parts = parts;
    this.#scheduler = scheduler;
  }

  /** Something is held from now on. */
  holding(): void {
    if (this.#renewal === undefined) this.#setRenewal();
    else this.doubt();
  }

  /** A handler has begun that takes its time. */
  begun(): void {
    this.#deadline ??= this.#parts.clock.after(this.#parts.handling.timeoutMs, () => this.#expire());
  }

  /**
   * A lease has ended, or something else has happened by which a timer must have fired. When it has not, though everybody has had a turn, timers do not
   * fire any more, and nobody renews leases: it is time to begin anew.
   */
  doubt(): void {
    if (this.#lateMs() <= this.#parts.handling.policy.leaseMs) return;
    const due = this.#renewalMs;
    this.#parts.clock.soon(() => {
      if (this.#stopped || this.#renewalMs !== due) return;
      const text = `a timer that was due ${Math.round(this.#lateMs())} ms ago has not fired`;
      this.#parts.broken(new MillraceError("TIMEOUT", text));
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#renewal?.cancel();
    this.#deadline?.cancel();
  }

  #lateMs(): number {
    return this.#parts.clock.monotonicMs() - this.#renewalMs;
  }

  #setRenewal(): void {
    const { clock, handling } = this.#parts;
    const afterMs = handling.policy.leaseMs / renewalsPerLease;
    this.#renewalMs = clock.monotonicMs() + afterMs;
    this.#renewal = clock.after(afterMs, () => this.#renew());
  }

  #renew(): void {
    this.#sayWhenLate();
    this.#renewal = undefined;
    this.#renewalMs = Infinity;
    const { handling, clock, source, throttle, broken } = this.#parts;
    const { leaseMs } = handling.policy;
    const nowMs = clock.monotonicMs();
    const held: IncomingDelivery[] = this.#scheduler.waiting();
    if (throttle !== undefined) held.push(...throttle.waiting());
    // A handler that asked for longer keeps what it asked for.
    for (const each of this.#scheduler.begun) if (each.heldUntilMs < nowMs + leaseMs) held.push(each.incoming);
    try {
      if (held.length > 0) source.extend(held, leaseMs);
    } catch (error) {
      return broken(error);
    }
    if (held.length > 0 || this.#scheduler.begun.size > 0) this.#setRenewal();
  }

  /** Timers are late when something blocks the event loop. Later than a lease, and others have the messages. */
  #sayWhenLate(): void {
    const lateMs = Math.round(this.#lateMs());
    const { handling, logger } = this.#parts;
    const { leaseMs } = handling.policy;
    if (lateMs <= leaseMs) return;
    logger.warn(
      { lateMs, leaseMs },
      `the ${describeHandling(handling)}: the event loop was blocked for longer than a lease, so leases have ended and their messages come again; look for synchronous work in handlers`,
    );
  }

  /** The one that began first is the first whose time is over. */
  #expire(): void {
    this.#deadline = undefined;
    const { clock, handling } = this.#parts;
    const nowMs = clock.monotonicMs();
    for (const held of this.#scheduler.begun) {
      const leftMs = held.startedAtMs + handling.timeoutMs - nowMs;
      if (leftMs > 0) {
        this.#deadline = clock.after(leftMs, () => this.#expire());
        return;
      }
      this.#scheduler.expire(held);
    }
  }
}
