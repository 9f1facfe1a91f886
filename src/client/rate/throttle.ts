import type { Clock, Timer } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { IncomingDelivery } from "../../driver.js";
import { defaults } from "../defaults.js";
import type { HeldDelivery } from "../held-delivery.js";
import type { Reading } from "../reading.js";
import { whole } from "./limiter.js";
import type { Limiter } from "./limiter.js";
import type { Waiter } from "./key-state.js";
import { PutOff } from "./put-off.js";
import type { SharedRateLimit } from "./rate-limit.js";

/** What becomes of deliveries that are to be begun. */
export interface Turn<T> {
  start(batch: readonly HeldDelivery<T>[]): void;
  /** Back to the driver, uncounted, to come again after this. */
  putOff(held: HeldDelivery<T>, delayMs: number): void;
  /** Back to the driver, uncounted, for anybody. */
  release(held: HeldDelivery<T>): void;
  /** Its lease has ended: nothing is left to be done. */
  drop(held: HeldDelivery<T>): void;
  fail(held: HeldDelivery<T>, error: unknown): void;
}

/** A call of the handler that waits for its tokens. */
interface Call<T> {
  batch: readonly HeldDelivery<T>[];
  readonly turn: Turn<T>;
  /** What it still has to get, by key. */
  readonly wants: [key: string, cost: number][];
  waiter: Waiter | undefined;
}

export interface ThrottleParts<T> {
  readonly rate: SharedRateLimit<T>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly reading: Reading<T>;
  /** Of a stream: a message must not be overtaken in its partition. */
  readonly ordered: boolean;
  /** What it is, for the log. */
  readonly what: string;
  /** There may be room again. */
  readonly freed: () => void;
}

/**
 * Lets the handlers of one consumer begin as its rate allows.
 *
 * What the rate does not allow yet is left where it is, unleased, for others: `room`. What is fetched all the same, because others
 * share the limit or the limit is per key, waits here under its lease, or, of a queue or topic with a limit per key, goes back to the
 * driver until its key has tokens, so that other keys go on.
 */
export class Throttle<T> {
  readonly #parts: ThrottleParts<T>;
  readonly #limiter: Limiter;
  readonly #waiting = new Set<Call<T>>();
  readonly #putOff: PutOff;
  #told: Waiter | undefined;
  /** Since when it waits to be told, in the count of the limiter; undefined when it has got something since. */
  #since: number | undefined;
  #timer: Timer | undefined;
  #isFull = false;
  #saidCrowded = false;
  #stopped = false;

  constructor(parts: ThrottleParts<T>) {
    this.#parts = parts;
    this.#limiter = parts.rate.on(parts.clock);
    this.#putOff = new PutOff();
  }

  /** How many may be fetched by somebody who has `fetched` already that did not begin. When it is none, `freed` is called later. */
  room(fetched: number): number {
    if (this.#parts.rate.per !== undefined) return this.#roomPerKey();
    const free = this.#limiter.available(whole) - fetched;
    if (free > 0) return free;
    // With all in hand that can be had at once, it is the beginning of those that makes room.
    if (fetched < this.#limiter.most && !this.#stopped && this.#told === undefined) this.#askToBeTold(fetched + 1);
    return 0;
  }

  /** Starts them at once, or when there are tokens for all of them. */
  begin(batch: readonly HeldDelivery<T>[], turn: Turn<T>): void {
    if (this.#parts.rate.per !== undefined && !this.#parts.ordered) return this.#beginOrPutOff(batch, turn);
    const costs = new Map<string, number>();
    const ours = batch.filter((held) => {
      const key = this.#keyOf(held, turn);
      if (key !== undefined) costs.set(key, (costs.get(key) ?? 0) + 1);
      return !held.concluded;
    });
    if (ours.length > 0) this.#go({ batch: ours, turn, wants: [...costs], waiter: undefined });
  }

  /** Under a lease, and waiting for tokens. */
  waiting(): IncomingDelivery[] {
    return [...this.#waiting].flatMap(({ batch }) => batch.map((held) => held.incoming));
  }

  /** Gives back what waits here. */
  release(): void {
    for (const call of [...this.#waiting].toReversed()) {
      this.#forget(call);
      for (const held of call.batch.toReversed()) call.turn.release(held);
    }
  }

  /** The leases of these have ended. */
  lose(lost: ReadonlySet<IncomingDelivery>): void {
    for (const call of [...this.#waiting]) {
      const gone = call.batch.filter((held) => lost.has(held.incoming));
      call.batch = call.batch.filter((held) => !lost.has(held.incoming));
      if (call.batch.length === 0) this.#forget(call);
      for (const held of gone) call.turn.drop(held);
    }
  }

  /** Begins nothing any more. What waits is forgotten, or was given back before. */
  stop(): void {
    this.#stopped = true;
    for (const call of [...this.#waiting]) this.#forget(call);
    if (this.#told !== undefined) this.#limiter.cancel(this.#told);
    this.#timer?.cancel();
  }

  #askToBeTold(needs: number): void {
    const granted = (): void => {
      this.#told = undefined;
      this.#parts.freed();
    };
    const since = this.#since === undefined ? {} : { since: this.#since };
    this.#told = this.#limiter.whenAvailable(whole, needs, { granted, ...since });
    this.#since = this.#told.since;
  }

  #go(call: Call<T>): void {
    this.#since = undefined;
    for (let want = call.wants[0]; want !== undefined; want = call.wants[0]) {
      const [key, cost] = want;
      if (!this.#limiter.tryTake(key, cost)) {
        this.#waiting.add(call);
        call.waiter = this.#limiter.wait(key, cost, () => {
          call.wants.shift();
          this.#go(call);
        });
        return;
      }
      call.wants.shift();
    }
    this.#waiting.delete(call);
    call.turn.start(call.batch);
  }

  #beginOrPutOff(batch: readonly HeldDelivery<T>[], turn: Turn<T>): void {
    const started = batch.filter((held) => {
      const key = this.#keyOf(held, turn);
      if (held.concluded) return false;
      if (key === undefined || this.#limiter.tryTake(key, 1)) return true;
      this.#sayWhenCrowded();
      const nowMs = this.#parts.clock.monotonicMs();
      // Each behind those of its key that were put off before, so that they do not all come again for one token.
      const turnMs = this.#limiter.delayMs(key, 1, this.#putOff.ahead(key, nowMs));
      const delayMs = Math.min(Math.ceil(turnMs), defaults.rate.putOffMsMax);
      this.#putOff.add(key, nowMs + delayMs);
      turn.putOff(held, delayMs);
      return false;
    });
    if (started.length > 0) turn.start(started);
  }

  #roomPerKey(): number {
    const { clock, logger, what } = this.#parts;
    const nowMs = clock.monotonicMs();
    const wasFull = this.#isFull;
    this.#isFull = this.#putOff.count(nowMs) >= defaults.rate.putOffMax;
    if (!this.#isFull) return Infinity;
    if (!wasFull) {
      const fields = { limit: "putOffMax", most: defaults.rate.putOffMax };
      logger.warn(fields, `${what} fetches no more until messages that are out of tokens are due: a limit is reached`);
    }
    this.#timer ??= clock.after(Math.max(0, this.#putOff.firstDueMs - nowMs), () => {
      this.#timer = undefined;
      this.#parts.freed();
    });
    return 0;
  }

  /** Says once that there are more keys than are told apart. */
  #sayWhenCrowded(): void {
    if (this.#saidCrowded || this.#limiter.overflows === 0) return;
    this.#saidCrowded = true;
    const { logger, what } = this.#parts;
    const text = `${what}: more keys are in use than its rate limit tells apart, so some get less than the limit; raise its keysMax`;
    logger.warn({ limit: "keysMax", most: this.#limiter.keys }, text);
  }

  /** undefined when it needs no token: it cannot be read, and so will not reach the handler, or has failed here. */
  #keyOf(held: HeldDelivery<T>, turn: Turn<T>): string | undefined {
    const { rate, reading } = this.#parts;
    if (rate.per === undefined) return whole;
    let value: T;
    try {
      value = reading.decode(held.incoming.value);
    } catch {
      return undefined;
    }
    try {
      return rate.keyOf(value, held.incoming.key);
    } catch (error) {
      turn.fail(held, error);
      return undefined;
    }
  }

  #forget(call: Call<T>): void {
    this.#waiting.delete(call);
    if (call.waiter !== undefined) this.#limiter.cancel(call.waiter);
  }
}
