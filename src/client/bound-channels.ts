import type { Clock } from "../base/clock.js";
import type { Driver } from "../driver.js";
import { BoundChannel } from "./bound-channel.js";
import type { Channel } from "./channel.js";
import { LimitedChannel } from "./rate/limited-channel.js";

/** Every channel that has been used with one driver. */
export class BoundChannels {
  readonly #driver: Driver;
  readonly #clock: Clock;
  /** By the declared value itself, so that channels made anew for each send do not pile up. */
  readonly #bound = new WeakMap<object, BoundChannel<never>>();

  constructor(driver: Driver, clock: Clock) {
    this.#driver = driver;
    this.#clock = clock;
  }

  /**
   * @throws TypeError when it was not made by `queue`, `stream` or `topic`;
   * MillraceError NOT_SUPPORTED when it asks for what the driver cannot do.
   */
  get<T>(channel: Channel<T>): BoundChannel<T> {
    return this.find(channel) ?? this.#bind(channel);
  }

  /** undefined when it has not been used yet. */
  find<T>(channel: Channel<T>): BoundChannel<T> | undefined {
    // What is kept under a channel was bound to that channel, so it has its type.
    return this.#bound.get(channel) as BoundChannel<T> | undefined;
  }

  #bind<T>(channel: Channel<T>): BoundChannel<T> {
    if (typeof channel !== "object" || channel === null || channel.spec === undefined || channel.policy === undefined) {
      throw new TypeError("a channel is needed first, made by queue(name), stream(name) or topic(name)");
    }
    const { rate } = channel;
    const bound =
      rate === undefined
        ? new BoundChannel(channel, this.#driver)
        : new LimitedChannel(channel, rate, { driver: this.#driver, clock: this.#clock });
    this.#bound.set(channel, bound as unknown as BoundChannel<never>);
    return bound;
  }
}
