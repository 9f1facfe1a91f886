/** A topic without a log: a message goes to whoever subscribes at this moment, through a bounded buffer each. */
import { MillraceError } from "../base/errors.js";
import type { Clock } from "../base/clock.js";
import type { Limits } from "../base/limits.js";
import type { Random } from "../base/random.js";
import { Room } from "./capacity.js";
import type { ChannelSpec } from "./channel-spec.js";
import { EphemeralMessage } from "./ephemeral-message.js";
import { couldFit, cut, sendInParts, tooManyAtOnce } from "./parts.js";
import { Subscription } from "./subscription.js";
import type {
  ConsumeOptions,
  Incoming,
  OutgoingMessage,
  PublishOptions,
  ReadOptions,
  Receipt,
  Source,
  Staged,
} from "./message.js";
import type { KnownChannel } from "./meta.js";

export interface EphemeralHome {
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  /** Stores the messages of a settlement in one commit. */
  stage(sends: readonly Staged[], alongside: () => void): void;
  flush(): Promise<void>;
  failed(error: Error): void;
}

export class EphemeralChannel {
  readonly known: KnownChannel;
  readonly #home: EphemeralHome;
  readonly #subscriptions = new Set<Subscription>();
  readonly #room: Room;
  #sent = 0;
  /** Messages without an id are known by their number. */
  #numbered = 0;
  /** Of subscriptions that are closed. */
  #droppedBefore = 0;
  #settledBefore = 0;
  #ended: Error | undefined;

  constructor(home: EphemeralHome, known: KnownChannel) {
    this.#home = home;
    this.known = known;
    const usage = {
      channel: known.spec.name,
      messages: () => this.#most((each) => each.buffered),
      bytes: () => this.#most((each) => each.bufferedBytes),
    };
    this.#room = new Room(home.clock, usage, known.spec.capacity);
  }

  get spec(): ChannelSpec {
    return this.known.spec;
  }

  get name(): string {
    return this.known.spec.name;
  }

  get sent(): number {
    return this.#sent;
  }

  get subscriptions(): Iterable<Subscription> {
    return this.#subscriptions;
  }

  /** Messages that buffers had no room for: one message counts for each subscriber that missed it. */
  get dropped(): number {
    return [...this.#subscriptions].reduce((sum, each) => sum + each.dropped, this.#droppedBefore);
  }

  get settled(): number {
    return [...this.#subscriptions].reduce((sum, each) => sum + each.settledCount, this.#settledBefore);
  }

  async publish(message: OutgoingMessage, options?: PublishOptions): Promise<Receipt> {
    const [receipt] = await this.publishAll([message], options);
    return receipt as Receipt;
  }

  publishAll(messages: readonly OutgoingMessage[], options?: PublishOptions): Promise<Receipt[]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const { capacity } = this.spec;
    const sent = messages.map((message) => this.#enclose(message));
    const wanted = { messages: sent.length, bytes: sent.reduce((sum, each) => sum + each.bytes, 0) };
    const waits = (capacity.whenFull === "block" || capacity.whenFull === "reject") && this.#subscriptions.size > 0;
    if (!waits || this.#room.admits(wanted)) return Promise.resolve(this.#fanOut(sent));
    if (messages.length === 1 || couldFit(wanted, capacity)) {
      return new Promise((resolve, reject) => {
        this.#room.wait(wanted, options, { admit: () => resolve(this.#fanOut(sent)), refuse: reject });
      });
    }
    if (capacity.whenFull === "reject") return Promise.reject(tooManyAtOnce(this.name, wanted, capacity));
    const size = (message: OutgoingMessage): number => this.#enclose(message).bytes;
    return sendInParts(cut(messages, capacity, size), (part) => this.publishAll(part, options));
  }

  room(options: PublishOptions): Promise<void> | undefined {
    const { whenFull } = this.spec.capacity;
    if (whenFull !== "block" && whenFull !== "reject") return undefined;
    if (this.#room.admits({ messages: 1, bytes: 0 })) return undefined;
    return new Promise((resolve, reject) => {
      this.#room.wait({ messages: 1, bytes: 0 }, options, { admit: resolve, refuse: reject });
    });
  }

  /** Of a transaction or a settlement, once that is durable: goes to the subscribers whatever room they have. */
  deliver(message: OutgoingMessage): Receipt {
    return this.#fanOut([this.#enclose(message)])[0] as Receipt;
  }

  consume(_options: ConsumeOptions): Promise<Source> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const left = (subscription: Subscription): void => {
      this.#subscriptions.delete(subscription);
      this.#droppedBefore += subscription.dropped;
      this.#settledBefore += subscription.settledCount;
      this.#room.release();
    };
    const { clock, random, limits } = this.#home;
    const subscription = new Subscription({
      clock,
      random,
      limits,
      capacity: () => this.spec.capacity,
      stage: (sends) => this.#home.stage(sends, () => {}),
      flush: () => this.#home.flush(),
      failed: (error) => this.#home.failed(error),
      drained: () => this.#room.release(),
      left,
    });
    this.#subscriptions.add(subscription);
    return Promise.resolve(subscription);
  }

  read(_options: ReadOptions): AsyncIterable<readonly Incoming[]> {
    const text = `the topic ${JSON.stringify(this.name)} keeps nothing, so it cannot be read: use a stream`;
    throw new MillraceError("NOT_SUPPORTED", text);
  }

  respecify(): void {
    this.#room.capacity = this.spec.capacity;
    this.#room.release();
  }

  fail(error: Error): void {
    this.#ended ??= error;
    this.#room.fail(error);
    for (const subscription of this.#subscriptions) subscription.fail(error);
  }

  async close(): Promise<void> {
    const closed = new MillraceError("CLOSED", `${JSON.stringify(this.name)} was closed: nothing was sent`);
    this.#ended ??= closed;
    this.#room.fail(closed);
    for (const subscription of this.#subscriptions) await subscription.close();
  }

  #fanOut(messages: readonly EphemeralMessage[]): Receipt[] {
    this.#sent += messages.length;
    const receipts = messages.map((message) => {
      let taken = 0;
      for (const subscription of this.#subscriptions) if (subscription.offer(message)) taken++;
      return message.receipt(taken === 0 && this.#subscriptions.size > 0);
    });
    for (const subscription of this.#subscriptions) subscription.serve();
    return receipts;
  }

  #enclose(message: OutgoingMessage): EphemeralMessage {
    this.#numbered++;
    return new EphemeralMessage(message, `${this.name}/0/${this.#numbered}`, this.#home.clock.nowMs());
  }

  #most(of: (subscription: Subscription) => number): number {
    let most = 0;
    for (const subscription of this.#subscriptions) most = Math.max(most, of(subscription));
    return most;
  }
}
