/**
 * One subscriber of an ephemeral topic: a bounded buffer, from which it takes in order. Nothing of it is stored, and nobody else can
 * get its messages, so there are no leases: what it took is its own until it settles it or closes.
 */
import { assert } from "../base/assert.js";
import type { Clock } from "../base/clock.js";
import { MillraceError } from "../base/errors.js";
import type { Limits } from "../base/limits.js";
import type { Random } from "../base/random.js";
import { Alarm } from "./alarm.js";
import type { CapacitySpec } from "./channel-spec.js";
import { Deque } from "./deque.js";
import { EphemeralDelivery, type EphemeralMessage } from "./ephemeral-message.js";
import type { Delivery, Settlement, Source, Staged } from "./message.js";

export interface SubscriptionHome {
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  capacity(): CapacitySpec;
  stage(sends: readonly Staged[]): void;
  flush(): Promise<void>;
  failed(error: Error): void;
  /** There may be room in the buffer again. */
  drained(): void;
  left(subscription: Subscription): void;
}

interface Delayed {
  readonly delivery: EphemeralDelivery;
  readonly dueMs: number;
}

interface Waiting {
  readonly max: number;
  readonly resolve: (deliveries: readonly EphemeralDelivery[]) => void;
  readonly reject: (error: unknown) => void;
}

export class Subscription implements Source {
  readonly #home: SubscriptionHome;
  readonly #buffer = new Deque<EphemeralDelivery>();
  readonly #alarm: Alarm;
  #delayed: Delayed[] = [];
  #bufferedBytes = 0;
  #inFlight = 0;
  #dropped = 0;
  #settledCount = 0;
  #hasStaged = false;
  #waiting: Waiting | undefined;
  #mode: "open" | "stopped" | "closed" = "open";
  #failure: Error | undefined;

  constructor(home: SubscriptionHome) {
    this.#home = home;
    this.#alarm = new Alarm(home.clock, { ring: () => this.#ring(), failed: (error) => home.failed(error) });
  }

  get buffered(): number {
    return this.#buffer.length;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get delayed(): number {
    return this.#delayed.length;
  }

  get dropped(): number {
    return this.#dropped;
  }

  get settledCount(): number {
    return this.#settledCount;
  }

  /** Puts it into the buffer. Whether it went in: `serve` comes after. */
  offer(message: EphemeralMessage): boolean {
    if (this.#mode !== "open") return false;
    const { messages, bytes: bytesMax, whenFull } = this.#home.capacity();
    const { bytes } = message;
    const isFull = (): boolean => this.#buffer.length + 1 > messages || this.#bufferedBytes + bytes > bytesMax;
    const drops = whenFull !== "block" && whenFull !== "reject";
    if (drops && bytes <= bytesMax && whenFull !== "drop-newest")
      while (isFull() && this.#buffer.length > 0) this.#drop();
    if (drops && isFull()) {
      this.#dropped++;
      return false;
    }
    this.#buffer.push(new EphemeralDelivery(message, 1, undefined));
    this.#bufferedBytes += bytes;
    return true;
  }

  /** Gives a waiting `take` what is there. */
  serve(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#buffer.length === 0) return;
    const room = this.#home.limits.inFlightMax - this.#inFlight - this.#delayed.length;
    const deliveries: EphemeralDelivery[] = [];
    while (deliveries.length < Math.min(waiting.max, room)) {
      const delivery = this.#buffer.shift();
      if (delivery === undefined) break;
      this.#bufferedBytes -= delivery.message.bytes;
      delivery.holder = this;
      deliveries.push(delivery);
    }
    if (deliveries.length === 0) return;
    this.#inFlight += deliveries.length;
    this.#waiting = undefined;
    waiting.resolve(deliveries);
    this.#home.drained();
  }

  take(max: number): Promise<readonly Delivery[]> {
    assert(this.#waiting === undefined, "one take at a time");
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#mode !== "open") return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.#waiting = { max, resolve, reject };
      this.serve();
    });
  }

  settle(delivery: Delivery, settlement: Settlement): boolean {
    if (!(delivery instanceof EphemeralDelivery) || delivery.holder !== this) return false;
    if (settlement.kind === "done") {
      if (settlement.sends.length > 0) {
        this.#home.stage(settlement.sends);
        this.#hasStaged = true;
      }
      this.#settledCount++;
    } else if (settlement.kind === "retry") this.#retry(delivery, settlement);
    else this.#return(new EphemeralDelivery(delivery.message, delivery.attempt, delivery.firstFailedAtMs));
    delivery.holder = undefined;
    this.#inFlight--;
    this.serve();
    return true;
  }

  claim(): never {
    throw new MillraceError(
      "NOT_SUPPORTED",
      "a topic that keeps nothing remembers nothing of what was done: declare it durable",
    );
  }

  extend(): void {
    // Nothing ends by itself here.
  }

  /** Nothing here is stored but what was sent with a settlement: most have nothing to wait for. */
  flush(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return this.#hasStaged ? this.#home.flush() : Promise.resolve();
  }

  stop(): void {
    if (this.#mode !== "open") return;
    this.#mode = "stopped";
    this.#waiting?.resolve([]);
    this.#waiting = undefined;
  }

  close(): Promise<void> {
    this.stop();
    if (this.#mode === "closed") return Promise.resolve();
    this.#mode = "closed";
    this.#alarm.cancel();
    this.#buffer.clear();
    this.#home.left(this);
    return Promise.resolve();
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.#alarm.cancel();
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }

  #drop(): void {
    const { random } = this.#home;
    const isAny = this.#home.capacity().whenFull === "drop-random";
    const gone = this.#buffer.takeAt(isAny ? Math.floor(random() * this.#buffer.length) : 0);
    this.#bufferedBytes -= gone?.message.bytes ?? 0;
    this.#dropped++;
  }

  #retry(delivery: EphemeralDelivery, retrying: { delayMs: number; counts: boolean }): void {
    const { clock } = this.#home;
    const attempt = delivery.attempt + (retrying.counts ? 1 : 0);
    const firstFailedAtMs = delivery.firstFailedAtMs ?? (retrying.counts ? clock.nowMs() : undefined);
    const again = new EphemeralDelivery(delivery.message, attempt, firstFailedAtMs);
    if (retrying.delayMs <= 0) {
      this.#return(again);
      return;
    }
    const dueMs = clock.monotonicMs() + retrying.delayMs;
    this.#delayed.push({ delivery: again, dueMs });
    this.#alarm.setBy(dueMs);
  }

  /** Before everything that waits. It was there before, so it does not count against the buffer's bound. */
  #return(delivery: EphemeralDelivery): void {
    this.#buffer.unshift(delivery);
    this.#bufferedBytes += delivery.message.bytes;
  }

  #ring(): void {
    const nowMs = this.#home.clock.monotonicMs();
    const due = this.#delayed.filter((each) => each.dueMs <= nowMs);
    this.#delayed = this.#delayed.filter((each) => each.dueMs > nowMs);
    for (const { delivery } of due.sort((one, other) => other.dueMs - one.dueMs)) this.#return(delivery);
    for (const { dueMs } of this.#delayed) this.#alarm.setBy(dueMs);
    this.serve();
  }
}
