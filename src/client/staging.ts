import { MillraceError } from "../base/errors.js";
import type { OutgoingMessage, Receipt, StagedMessage } from "../driver.js";
import type { BoundChannel } from "./bound-channel.js";
import type { BoundChannels } from "./bound-channels.js";
import type { Channel } from "./channel.js";
import type { CompleteSendOptions } from "./send-options.js";
import { defaults } from "./defaults.js";
import type { SendAllOptions, Sender, SendOptions } from "./sender.js";

/**
 * Messages gathered to be sent in one commit, in the order of the calls. A send resolves once its message is staged;
 * its receipt has the id given, or "" as long as there is no position to make one of; whether it is a duplicate shows at the commit.
 * A send that fails spoils the whole: who catches its error and goes on still gets it from `end`.
 */
export class Staging implements Sender {
  readonly #channels: BoundChannels;
  readonly #closedMessage: string;
  /** A place is taken at the call, and filled once the channel is declared and has room. */
  readonly #places: (StagedMessage | undefined)[] = [];
  readonly #pending = new Set<Promise<unknown>>();
  #failure: { readonly error: unknown } | undefined;
  #ended = false;

  /** @param closedMessage what to say to those who send after the end */
  constructor(channels: BoundChannels, closedMessage: string) {
    this.#channels = channels;
    this.#closedMessage = closedMessage;
  }

  send<T>(channel: Channel<T>, value: NoInfer<T>, options?: SendOptions): Promise<Receipt> {
    if (this.#ended) return this.#tooLate();
    return this.#track(this.#stageOne(channel, value, options));
  }

  sendAll<T>(channel: Channel<T>, values: readonly NoInfer<T>[], options?: SendAllOptions): Promise<Receipt[]> {
    if (this.#ended) return this.#tooLate();
    return this.#track(this.#stageAll(channel, values, options));
  }

  /** Takes no more, waits for what is being staged, and hands it all over; throws what made a send fail. */
  end(): readonly StagedMessage[] | Promise<readonly StagedMessage[]> {
    this.#ended = true;
    if (this.#pending.size === 0) return this.#handOver();
    return Promise.allSettled(this.#pending).then(() => this.#handOver());
  }

  /** Takes no more, and forgets what there is. */
  discard(): void {
    this.#ended = true;
  }

  #handOver(): readonly StagedMessage[] {
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#places.filter((staged) => staged !== undefined);
  }

  /** Nobody has to wait for a staged send, and its failure is not lost: `end` throws it. */
  #track<R>(staging: Promise<R>): Promise<R> {
    this.#pending.add(staging);
    staging.then(
      () => this.#pending.delete(staging),
      (error: unknown) => {
        this.#pending.delete(staging);
        this.#failure ??= { error };
      },
    );
    return staging;
  }

  async #stageOne<T>(channel: Channel<T>, value: T, options: SendOptions | undefined): Promise<Receipt> {
    const bound = this.#channels.get(channel);
    const complete = options === undefined ? undefined : bound.completeOptions(options, "send");
    const prepared = bound.prepare(value, complete);
    const place = this.#places.push(undefined) - 1;
    const message = prepared instanceof Promise ? await prepared : prepared;
    const turn = bound.turn([value], [message], complete?.publish);
    if (turn !== undefined) await turn;
    return this.#stage(bound, { message, place, complete });
  }

  async #stageAll<T>(
    channel: Channel<T>,
    values: readonly T[],
    options: SendAllOptions | undefined,
  ): Promise<Receipt[]> {
    const bound = this.#channels.get(channel);
    const complete = options === undefined ? undefined : bound.completeOptions(options, "sendAll");
    const prepared = bound.prepareAll(values, complete);
    const first = this.#places.length;
    this.#places.length += values.length;
    const messages = prepared instanceof Promise ? await prepared : prepared;
    const turn = messages.length === 0 ? undefined : bound.turn(values, messages, complete?.publish);
    if (turn !== undefined) await turn;
    const receipts: Receipt[] = [];
    for (const [index, message] of messages.entries()) {
      receipts.push(await this.#stage(bound, { message, place: first + index, complete }));
    }
    return receipts;
  }

  async #stage<T>(
    bound: BoundChannel<T>,
    staged: {
      readonly message: OutgoingMessage;
      readonly place: number;
      readonly complete: CompleteSendOptions | undefined;
    },
  ): Promise<Receipt> {
    const { message, place, complete } = staged;
    const channel = bound.declared ?? (await bound.declare());
    const room = channel.room(complete?.publish ?? { signal: undefined, timeoutMs: defaults.sendTimeoutMs });
    if (room !== undefined) await room;
    this.#places[place] = { channel, message };
    return { id: message.id ?? "", duplicate: false, dropped: false };
  }

  /** Not tracked: this failure reaches nobody but the caller, who may not ignore it. */
  #tooLate(): Promise<never> {
    return Promise.reject(new MillraceError("TRANSACTION_ENDED", this.#closedMessage));
  }
}
