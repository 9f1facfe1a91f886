import type { DeclaredChannel } from "../driver.js";
import { Burial, type BurialParts } from "./burial.js";
import { BoundChannel } from "./bound-channel.js";
import type { Channel } from "./channel.js";
import { deadEnding } from "./names.js";
import { LimitedChannel } from "./rate/limited-channel.js";

/** Every channel that has been used with one driver. */
export class BoundChannels {
  readonly #parts: BurialParts;
  /** By the declared value itself, so that channels made anew for each send do not pile up. */
  readonly #bound = new WeakMap<object, BoundChannel<never>>();
  /** By the name of the queue. */
  readonly #burials = new Map<string, Burial>();
  #closed = false;

  constructor(parts: BurialParts) {
    this.#parts = parts;
  }

  /** Nothing is buried any more. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const burial of this.#burials.values()) await burial.close();
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
    const { driver, clock } = this.#parts;
    const onDeclared = (declared: DeclaredChannel): void => this.#bury(channel, declared);
    const bound =
      rate === undefined
        ? new BoundChannel(channel, driver, onDeclared)
        : new LimitedChannel(channel, rate, { driver, clock, onDeclared });
    this.#bound.set(channel, bound as unknown as BoundChannel<never>);
    return bound;
  }

  /** What expires in a queue of ours is buried by us. */
  #bury<T>(channel: Channel<T>, declared: DeclaredChannel): void {
    if (
      channel.kind !== "queue" ||
      channel.name.endsWith(deadEnding) ||
      this.#closed ||
      this.#burials.has(channel.name)
    )
      return;
    const burial = Burial.of(channel, declared, this.#parts);
    if (burial !== undefined) this.#burials.set(channel.name, burial);
  }
}
