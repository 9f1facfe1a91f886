import { durationMs } from "../base/duration.js";
import type { Duration } from "../base/duration.js";
import { MillraceError } from "../base/errors.js";
import type { Claim, DoneMark, IncomingDelivery, Receipt, Source } from "../driver.js";
import type { BoundChannels } from "./bound-channels.js";
import type { Channel } from "./channel.js";
import { redrivenCount } from "./dead-letter-view.js";
import { bounds } from "./defaults.js";
import type { Delivery } from "./delivery.js";
import type { Message } from "./message.js";
import type { Reading } from "./reading.js";
import { ReceivedMessage } from "./received-message.js";
import { Staging } from "./staging.js";
import type { SendAllOptions, SendOptions } from "./sender.js";

/** What all deliveries of one source have in common. */
export interface Holder<T> {
  readonly source: Source;
  readonly reading: Reading<T>;
  readonly channels: BoundChannels;
  readonly monotonicMs: () => number;
}

/** A delivery on its way through a handler. There is one for each message, so everything but three fields is made when asked for. */
export class HeldDelivery<T> implements Delivery<T> {
  readonly incoming: IncomingDelivery;
  readonly attempt: number;
  /** When the handler began, monotonic. */
  startedAtMs = 0;
  /** Until when a handler has asked to hold it, monotonic; 0 when it has not. */
  heldUntilMs = 0;
  /** Set once, when what becomes of it is decided: whatever the handler says after that is ignored. */
  concluded = false;
  /** Set once, when nothing of it is under way any more and its place is free. */
  ended = false;
  /** Its neighbours in the list of those begun; see `HeldList`. */
  isListed = false;
  before: HeldDelivery<T> | undefined = undefined;
  after: HeldDelivery<T> | undefined = undefined;
  /** Set in the commit of its settlement, when it is done. */
  mark: DoneMark | undefined = undefined;
  /** The call it came in with others, and how many of them have not ended; undefined when it came alone. */
  call: { open: number } | undefined = undefined;
  /** The first of its call, when it came in one with others. */
  head: HeldDelivery<T> | undefined = undefined;
  /** Of the first of a call: its handler runs, and nobody waits for it; see `Abandoned`. */
  isAbandoned = false;
  /** The value as it was read for the handler; its message does not read it again. */
  value: T | undefined = undefined;
  hasValue = false;
  readonly #holder: Holder<T>;
  #message: Message<T> | undefined = undefined;
  #staging: Staging | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #aborted: { readonly reason: unknown } | undefined = undefined;

  constructor(incoming: IncomingDelivery, attempt: number, holder: Holder<T>) {
    this.incoming = incoming;
    this.attempt = attempt;
    this.#holder = holder;
  }

  get message(): Message<T> {
    if (this.#message === undefined) {
      const read = this.hasValue ? { value: this.value as T } : undefined;
      this.#message = new ReceivedMessage(this.incoming, this.#holder.reading, read);
    }
    return this.#message;
  }

  get redriven(): number {
    return redrivenCount(this.incoming);
  }

  get replay(): boolean {
    return this.incoming.replay;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  /** What was sent through it and goes out with its settlement; undefined when nothing was. */
  get staging(): Staging | undefined {
    return this.#staging;
  }

  send<S>(channel: Channel<S>, value: NoInfer<S>, options?: SendOptions): Promise<Receipt> {
    return this.#stage().send(channel, value, options);
  }

  sendAll<S>(channel: Channel<S>, values: readonly NoInfer<S>[], options?: SendAllOptions): Promise<Receipt[]> {
    return this.#stage().sendAll(channel, values, options);
  }

  async extend(lease: Duration): Promise<void> {
    const leaseMs = durationMs(lease, "delivery.extend: lease");
    if (leaseMs > bounds.leaseMs.max) throw new TypeError("delivery.extend: lease must not be over 12h");
    if (this.concluded || this.#aborted !== undefined) {
      throw new MillraceError(
        "LEASE_EXPIRED",
        `message ${this.incoming.id} is no longer this handler's: it is settled, or its lease ended`,
      );
    }
    this.heldUntilMs = this.#holder.monotonicMs() + leaseMs;
    this.#holder.source.extend([this.incoming], leaseMs);
  }

  unwrap(): unknown {
    return this.incoming.unwrap();
  }

  /** Takes the key for this delivery, if it is free. */
  claim(mark: DoneMark): Claim {
    return this.#holder.source.claim(this.incoming, mark);
  }

  keep(value: T): undefined {
    this.value = value;
    this.hasValue = true;
  }

  /** Tells the handler that it works in vain. */
  abort(reason: MillraceError): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = { reason };
    this.#controller?.abort(reason);
  }

  /** The handler's time is over, whatever came of it: what it sends now goes nowhere. */
  conclude(): void {
    this.concluded = true;
    this.#staging?.discard();
  }

  #stage(): Staging {
    if (this.#staging === undefined) {
      this.#staging = new Staging(
        this.#holder.channels,
        `message ${this.incoming.id} is settled: what is sent through its delivery must be sent before the handler ends`,
      );
      if (this.concluded) this.#staging.discard();
    }
    return this.#staging;
  }
}
