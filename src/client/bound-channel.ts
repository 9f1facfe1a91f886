import type { DeclaredChannel, Driver, OutgoingMessage, PublishOptions, Receipt } from "../driver.js";
import type { Channel } from "./channel.js";
import { shown } from "./checks.js";
import { Encoder } from "./outgoing.js";
import { checkedBy } from "./schema.js";
import { completeSendOptions, refusesIds } from "./send-options.js";
import type { CompleteSendOptions } from "./send-options.js";
import type { SendAllOptions, SendOptions } from "./sender.js";
import { notSupported, specFor } from "./support.js";

/**
 * A channel as one driver knows it: declared there when it is first used, and from then on one synchronous step from
 * a value to the driver's `publish`.
 */
export class BoundChannel<T> {
  readonly channel: Channel<T>;
  readonly #driver: Driver;
  readonly #onDeclared: (declared: DeclaredChannel) => void;
  readonly #encoder: Encoder<T>;
  #declared: DeclaredChannel | undefined;
  #declaring: Promise<DeclaredChannel> | undefined;

  /** @throws MillraceError NOT_SUPPORTED for what the driver cannot do. */
  constructor(channel: Channel<T>, driver: Driver, onDeclared: (declared: DeclaredChannel) => void) {
    this.channel = channel;
    this.#driver = driver;
    this.#onDeclared = onDeclared;
    this.#encoder = new Encoder(channel, driver.messageBytesMax);
    specFor(driver, channel);
    if (channel.id !== undefined) this.#refuseUnusableId();
  }

  /** Declares the channel once; a declaration that failed is tried anew by the next call. */
  declare(): Promise<DeclaredChannel> {
    if (this.#declaring !== undefined) return this.#declaring;
    const declaring = this.#driver.declare(specFor(this.#driver, this.channel));
    this.#declaring = declaring;
    // Registered before anything else waits: whoever sends later finds the channel declared, and overtakes nobody.
    declaring.then(
      (declared) => {
        this.#declared = declared;
        this.#onDeclared(declared);
      },
      () => {
        this.#declaring = undefined;
      },
    );
    return declaring;
  }

  /** What is declared already; undefined until `declare` has resolved. */
  get declared(): DeclaredChannel | undefined {
    return this.#declared;
  }

  /** The way of nearly every message: nothing is awaited and nothing is made but the message. Rejects, and never throws. */
  send(value: T): Promise<Receipt> {
    try {
      const message = this.prepare(value, undefined);
      const declared = this.#declared;
      if (declared !== undefined && !(message instanceof Promise)) return declared.publish(message);
      return this.#publishLater(message, undefined);
    } catch (error) {
      return rejected(error);
    }
  }

  sendWith(value: T, options: SendOptions): Promise<Receipt> {
    try {
      const complete = this.completeOptions(options, "send");
      return this.#publishLater(this.prepare(value, complete), complete.publish);
    } catch (error) {
      return rejected(error);
    }
  }

  async sendAll(values: readonly T[], options: SendAllOptions | undefined): Promise<Receipt[]> {
    const complete = options === undefined ? undefined : this.completeOptions(options, "sendAll");
    const prepared = this.prepareAll(values, complete);
    const messages = prepared instanceof Promise ? await prepared : prepared;
    if (messages.length === 0) return [];
    const declared = this.#declared ?? (await this.declare());
    return declared.publishAll(messages, complete?.publish);
  }

  /**
   * Waits until these may be sent, where there is a limit to how often: undefined when they may at once.
   * @throws MillraceError RATE_LIMITED when they may not, and shall not wait.
   */
  turn(
    _values: readonly T[],
    _messages: readonly OutgoingMessage[],
    _options: PublishOptions | undefined,
  ): Promise<void> | undefined {
    return undefined;
  }

  completeOptions(options: SendOptions, call: "send" | "sendAll"): CompleteSendOptions {
    const complete = completeSendOptions(options, call, { driver: this.#driver, channel: this.channel });
    if (complete.id !== undefined) this.#refuseUnusableId();
    return complete;
  }

  /** The value as it goes to the driver, checked and encoded at once: changing it later changes nothing. A promise only when the schema is asynchronous. */
  prepare(value: T, options: CompleteSendOptions | undefined): OutgoingMessage | Promise<OutgoingMessage> {
    const { schema } = this.channel;
    if (schema === undefined) return this.#encode(value, options);
    const checked = checkedBy(schema, value, this.channel);
    if (checked instanceof Promise) return checked.then((result) => this.#encode(result, options));
    return this.#encode(checked, options);
  }

  prepareAll(
    values: readonly T[],
    options: CompleteSendOptions | undefined,
  ): readonly OutgoingMessage[] | Promise<readonly OutgoingMessage[]> {
    if (!Array.isArray(values))
      throw new TypeError(`sendAll takes an array of values, not ${shown(values)}; for other iterables there is load`);
    const messages: OutgoingMessage[] = [];
    for (let index = 0; index < values.length; index++) {
      const message = this.prepare(values[index] as T, options);
      if (message instanceof Promise) return this.#prepareRest(messages, message, { values, next: index + 1, options });
      messages.push(message);
    }
    return messages;
  }

  /** Goes on with values whose schema checks asynchronously; all at once, because each may take its time. */
  async #prepareRest(
    messages: readonly OutgoingMessage[],
    message: Promise<OutgoingMessage>,
    rest: { readonly values: readonly T[]; readonly next: number; readonly options: CompleteSendOptions | undefined },
  ): Promise<readonly OutgoingMessage[]> {
    const others = rest.values.slice(rest.next).map(async (value) => this.prepare(value, rest.options));
    return [...messages, ...(await Promise.all([message, ...others]))];
  }

  #encode(value: T, options: CompleteSendOptions | undefined): OutgoingMessage {
    return options === undefined ? this.#encoder.encode(value) : this.#encoder.encodeWith(value, options);
  }

  #publishLater(
    message: OutgoingMessage | Promise<OutgoingMessage>,
    options: PublishOptions | undefined,
  ): Promise<Receipt> {
    const declaring = this.declare();
    if (!(message instanceof Promise)) return declaring.then((declared) => declared.publish(message, options));
    return message.then((checked) => declaring.then((declared) => declared.publish(checked, options)));
  }

  #refuseUnusableId(): void {
    if (!refusesIds(this.#driver, this.channel)) return;
    throw notSupported(
      this.#driver,
      { channel: this.channel, option: "id" },
      {
        level: "refused",
        note: "a queue promises that an id counts once; declare it with { dedup: 0 } for ids that are stored and not compared",
      },
    );
  }
}

/** A function that returns a promise fails in one way only. */
function rejected(error: unknown): Promise<never> {
  return Promise.reject(error);
}
