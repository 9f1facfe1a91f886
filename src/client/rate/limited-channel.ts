import type { Clock } from "../../base/clock.js";
import { MillraceError } from "../../base/errors.js";
import type { DeclaredChannel, Driver, OutgoingMessage, PublishOptions, Receipt } from "../../driver.js";
import { BoundChannel } from "../bound-channel.js";
import type { Channel } from "../channel.js";
import type { CompleteSendOptions } from "../send-options.js";
import type { SendAllOptions, SendOptions } from "../sender.js";
import type { ChannelRate } from "./channel-rate.js";
import type { Limiter } from "./limiter.js";

export interface LimitedOn {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly onDeclared: (declared: DeclaredChannel) => void;
}

/** A channel that may be sent to only so often. The others are not asked whether they have a limit: this is another class. */
export class LimitedChannel<T> extends BoundChannel<T> {
  readonly #rate: ChannelRate<T>;
  readonly #clock: Clock;
  readonly #limiter: Limiter;

  constructor(channel: Channel<T>, rate: ChannelRate<T>, on: LimitedOn) {
    super(channel, on.driver, on.onDeclared);
    this.#rate = rate;
    this.#clock = on.clock;
    this.#limiter = rate.limit.on(on.clock);
  }

  override send(value: T): Promise<Receipt> {
    return this.#send(value, undefined);
  }

  override async sendWith(value: T, options: SendOptions): Promise<Receipt> {
    return this.#send(value, this.completeOptions(options, "send"));
  }

  override async sendAll(values: readonly T[], options: SendAllOptions | undefined): Promise<Receipt[]> {
    const complete = options === undefined ? undefined : this.completeOptions(options, "sendAll");
    const prepared = this.prepareAll(values, complete);
    const messages = prepared instanceof Promise ? await prepared : prepared;
    if (messages.length === 0) return [];
    const wait = this.#waitOf(complete?.publish);
    await this.turn(values, messages, complete?.publish);
    const declared = this.declared ?? (await this.declare());
    return declared.publishAll(messages, wait());
  }

  override turn(
    values: readonly T[],
    messages: readonly OutgoingMessage[],
    options: PublishOptions | undefined,
  ): Promise<void> | undefined {
    const costs = this.#costs(values, messages);
    if (costs.every(([key, cost]) => this.#limiter.has(key, cost))) {
      for (const [key, cost] of costs) this.#limiter.tryTake(key, cost);
      return undefined;
    }
    const isCrowded = this.#limiter.waiters >= this.#rate.waitingMax;
    if (this.#rate.whenOver === "reject" || isCrowded) throw this.#refusal(costs, isCrowded);
    return this.#take(costs, options);
  }

  /** Encoded at once: changing the value while it waits changes nothing. */
  async #send(value: T, complete: CompleteSendOptions | undefined): Promise<Receipt> {
    const prepared = this.prepare(value, complete);
    const message = prepared instanceof Promise ? await prepared : prepared;
    const wait = this.#waitOf(complete?.publish);
    const turn = this.turn([value], [message], complete?.publish);
    if (turn !== undefined) await turn;
    const declared = this.declared ?? (await this.declare());
    return declared.publish(message, wait());
  }

  #costs(values: readonly T[], messages: readonly OutgoingMessage[]): readonly (readonly [string, number])[] {
    const { limit } = this.#rate;
    if (limit.per === undefined) return [["", values.length]];
    const costs = new Map<string, number>();
    for (let index = 0; index < values.length; index++) {
      const key = limit.keyOf(values[index] as T, messages[index]?.key);
      costs.set(key, (costs.get(key) ?? 0) + 1);
    }
    return [...costs];
  }

  async #take(costs: readonly (readonly [string, number])[], options: PublishOptions | undefined): Promise<void> {
    const wait = this.#waitOf(options);
    for (const [key, cost] of costs) {
      if (!this.#limiter.tryTake(key, cost)) await this.#takeLater(key, cost, wait());
    }
  }

  #takeLater(key: string, cost: number, options: PublishOptions | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const { signal, timeoutMs = Infinity } = options ?? {};
      const end = (): void => {
        timer?.cancel();
        signal?.removeEventListener("abort", aborted);
      };
      const waiter = this.#limiter.wait(key, cost, () => {
        end();
        resolve();
      });
      const refuse = (error: MillraceError): void => {
        end();
        this.#limiter.cancel(waiter);
        reject(error);
      };
      const aborted = (): void => {
        const text = `${this.#what}: the signal aborted while the send waited for its turn; nothing was sent`;
        refuse(new MillraceError("ABORTED", text, { cause: signal?.reason }));
      };
      const late = (): void => {
        const text = `${this.#what}: it was not its turn within the timeout; nothing was sent`;
        refuse(new MillraceError("TIMEOUT", text));
      };
      const timer = timeoutMs === Infinity ? undefined : this.#clock.after(timeoutMs, late);
      signal?.addEventListener("abort", aborted);
    });
  }

  /** What is left of the time a send may take, whenever it is asked for. */
  #waitOf(options: PublishOptions | undefined): () => PublishOptions | undefined {
    if (options === undefined || options.timeoutMs === Infinity) return () => options;
    const endMs = this.#clock.monotonicMs() + options.timeoutMs;
    return () => ({ ...options, timeoutMs: Math.max(0, endMs - this.#clock.monotonicMs()) });
  }

  #refusal(costs: readonly (readonly [string, number])[], isCrowded: boolean): MillraceError {
    const { limit, waitingMax } = this.#rate;
    const retryAfterMs = Math.max(...costs.map(([key, cost]) => this.#limiter.delayMs(key, cost)));
    const why = isCrowded
      ? `${waitingMax} sends wait for their turn already`
      : `more than ${limit.limit} messages in ${limit.everyMs} ms`;
    return new MillraceError("RATE_LIMITED", `${this.#what}: ${why}; try again in ${Math.ceil(retryAfterMs)} ms`, {
      retryAfterMs,
    });
  }

  get #what(): string {
    return `${this.channel.kind} "${this.channel.name}"`;
  }
}
