import type { Clock, Timer } from "../base/clock.js";
import type { IncomingDelivery, Source } from "../driver.js";
import type { Handling } from "./handling.js";
import type { Throttle } from "./rate/throttle.js";
import type { Scheduler } from "./scheduler.js";

/** A lease is renewed this many times before it would end, so that two late timers do no harm. */
const renewalsPerLease = 3;

/**
 * Watches what one consumer holds: renews leases, and ends handlers whose time is over. Two timers for all deliveries, and
 * none while nothing is held.
 */
export class Watch<T> {
  readonly #handling: Handling<T>;
  readonly #scheduler: Scheduler<T>;
  readonly #source: Source;
  readonly #clock: Clock;
  readonly #throttle: Throttle<T> | undefined;
  #renewal: Timer | undefined;
  #deadline: Timer | undefined;

  constructor(
    parts: {
      readonly handling: Handling<T>;
      readonly source: Source;
      readonly clock: Clock;
      readonly throttle: Throttle<T> | undefined;
    },
    scheduler: Scheduler<T>,
  ) {
    this.#handling = parts.handling;
    this.#source = parts.source;
    this.#clock = parts.clock;
    this.#throttle = parts.throttle;
    this.#scheduler = scheduler;
  }

  /** Something is held from now on. */
  holding(): void {
    this.#renewal ??= this.#clock.after(this.#handling.policy.leaseMs / renewalsPerLease, () => this.#renew());
  }

  /** A handler has begun that takes its time. */
  begun(): void {
    this.#deadline ??= this.#clock.after(this.#handling.timeoutMs, () => this.#expire());
  }

  stop(): void {
    this.#renewal?.cancel();
    this.#deadline?.cancel();
  }

  #renew(): void {
    this.#renewal = undefined;
    const { leaseMs } = this.#handling.policy;
    const nowMs = this.#clock.monotonicMs();
    const held: IncomingDelivery[] = this.#scheduler.waiting();
    if (this.#throttle !== undefined) held.push(...this.#throttle.waiting());
    // A handler that asked for longer keeps what it asked for.
    for (const each of this.#scheduler.begun) if (each.heldUntilMs < nowMs + leaseMs) held.push(each.incoming);
    if (held.length > 0) this.#source.extend(held, leaseMs);
    if (held.length > 0 || this.#scheduler.begun.size > 0) this.holding();
  }

  /** The one that began first is the first whose time is over. */
  #expire(): void {
    this.#deadline = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (const held of this.#scheduler.begun) {
      const leftMs = held.startedAtMs + this.#handling.timeoutMs - nowMs;
      if (leftMs > 0) {
        this.#deadline = this.#clock.after(leftMs, () => this.#expire());
        return;
      }
      this.#scheduler.expire(held);
    }
  }
}
