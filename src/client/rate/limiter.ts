import type { Clock, Timer } from "../../base/clock.js";
import type { Algorithm } from "./algorithm.js";
import { DueHeap } from "./heap.js";
import type { Due } from "./heap.js";
import { KeyState } from "./key-state.js";
import type { Waiter } from "./key-state.js";

/** When a key may be forgotten, if it is not used again before. */
interface Idle extends Due {
  readonly key: string;
  readonly state: KeyState;
}

/** The key of a limit that has none. */
export const whole = "";

/** A clock that moves in fractions must not be read as a tick less than it was waited for. */
const readingError = 1e-3;

/**
 * Hands out the tokens of one limit, on one clock, to all who share it: first come, first served for each key, and nobody overtakes.
 * One timer for all of them, and none while nobody waits.
 *
 * It remembers `keysMax` keys. A key is forgotten once it is full again: from then on it is like one that was never used. Keys beyond
 * that share one allowance, and a key that comes to be remembered begins with what is left of that. So no key ever gets
 * more than its limit; where there are too many at once, some get less.
 */
export class Limiter {
  readonly #clock: Clock;
  readonly #keysMax: number;
  #algorithm: Algorithm;
  readonly #states = new Map<string, KeyState>();
  readonly #beyond: KeyState;
  readonly #waiting = new DueHeap<KeyState>();
  readonly #idle = new DueHeap<Idle>();
  #waiters = 0;
  #joined = 0;
  #overflows = 0;
  #timer: Timer | undefined;
  #timerAt = Infinity;

  constructor(clock: Clock, rule: { readonly algorithm: Algorithm; readonly keysMax: number }) {
    this.#clock = clock;
    this.#algorithm = rule.algorithm;
    this.#keysMax = rule.keysMax;
    this.#beyond = new KeyState(this.#algorithm.fresh(this.#nowTicks()));
  }

  /** How many wait now, on any key. */
  get waiters(): number {
    return this.#waiters;
  }

  /** How many keys are remembered. */
  get keys(): number {
    this.#forgetIdle();
    return this.#states.size;
  }

  /** How many times a key had to do with the shared allowance, because too many others are in use. */
  get overflows(): number {
    return this.#overflows;
  }

  /** The most that can be had at once. */
  get most(): number {
    return this.#algorithm.most;
  }

  /** What could be taken now: nothing while others wait for it. */
  available(key: string): number {
    const nowTicks = this.#nowTicks();
    const state = this.#states.get(key);
    if (state !== undefined) return this.#left(state, nowTicks);
    return this.#left(this.#beyond, nowTicks);
  }

  /** Whether it could be taken now. */
  has(key: string, cost: number): boolean {
    return this.available(key) >= Math.min(cost, this.most);
  }

  /** Takes it if it is there and nobody waits for it. */
  tryTake(key: string, cost: number): boolean {
    if (!this.has(key, cost)) return false;
    this.#algorithm.take(this.#keep(key).level, cost, this.#nowTicks());
    return true;
  }

  /** How long until `cost` could be taken, by somebody behind all who wait now and `ahead` more. */
  delayMs(key: string, cost: number, ahead = 0): number {
    const state = this.#states.get(key) ?? this.#beyond;
    const nowTicks = this.#nowTicks();
    const readyAt = this.#algorithm.readyAt(state.level, { cost, ahead: ahead + state.cost }, nowTicks);
    return (readyAt - nowTicks) / this.#algorithm.ticksPerMs;
  }

  /** Takes it once it is there and all before have had theirs, then calls `granted`: from a timer, never before this returns. */
  wait(key: string, cost: number, granted: () => void): Waiter {
    return this.#join(key, { cost, needs: Math.max(1, cost), granted, since: ++this.#joined });
  }

  /**
   * Calls `granted` once when `needs` could be taken, and takes nothing. Who was told and found that others had been quicker
   * asks again with the `since` of the first time, and is told before them.
   */
  whenAvailable(key: string, needs: number, asks: { readonly granted: () => void; readonly since?: number }): Waiter {
    return this.#join(key, { cost: 0, needs, granted: asks.granted, since: asks.since ?? ++this.#joined });
  }

  /** It waits no longer. Nothing when it has been granted. */
  cancel(waiter: Waiter): void {
    if (!waiter.at.leave(waiter)) return;
    this.#waiters -= 1;
    this.#place(waiter.at, this.#nowTicks());
    this.#arm();
  }

  /** Goes on under another rule: what is there is kept, and who waits is served by the new one. */
  change(algorithm: Algorithm): void {
    const from = this.#algorithm;
    this.#algorithm = algorithm;
    const nowTicks = this.#nowTicks();
    for (const state of [this.#beyond, ...this.#states.values()]) {
      state.level = algorithm.adopt(state.level, from, nowTicks);
      this.#place(state, nowTicks);
    }
    for (const idle of this.#idle) this.#idle.set(idle, algorithm.fullAt(idle.state.level, nowTicks));
    this.#disarm();
    this.#arm();
  }

  #left(state: KeyState, nowTicks: number): number {
    return state.length > 0 ? 0 : Math.max(0, this.#algorithm.available(state.level, nowTicks));
  }

  /** The state of a key that is about to be used. */
  #keep(key: string): KeyState {
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    this.#forgetIdle();
    // Who waits beyond must not be overtaken by a message of the same key.
    if (this.#states.size >= this.#keysMax || this.#beyond.length > 0) {
      this.#overflows += 1;
      return this.#beyond;
    }
    const state = new KeyState({ ...this.#beyond.level });
    this.#states.set(key, state);
    const idle: Idle = { key, state, dueAt: 0, place: -1 };
    this.#idle.set(idle, this.#nowTicks() + 1);
    return state;
  }

  /** Looks at those that may be full: each is forgotten, or looked at again when it will be. */
  #forgetIdle(): void {
    const nowTicks = this.#nowTicks();
    for (let idle = this.#idle.first; idle !== undefined && idle.dueAt <= nowTicks; idle = this.#idle.first) {
      const fullAt = this.#algorithm.fullAt(idle.state.level, nowTicks);
      if (fullAt > nowTicks || idle.state.length > 0) {
        this.#idle.set(idle, Math.max(fullAt, nowTicks + 1));
      } else {
        this.#idle.remove(idle);
        this.#states.delete(idle.key);
      }
    }
  }

  #join(key: string, wanted: Pick<Waiter, "cost" | "needs" | "granted" | "since">): Waiter {
    const at = this.#keep(key);
    const waiter: Waiter = { ...wanted, at, before: undefined, after: undefined };
    at.join(waiter);
    this.#waiters += 1;
    if (at.first === waiter) this.#place(at, this.#nowTicks());
    this.#arm();
    return waiter;
  }

  /** Where a state belongs among those that are waited for: where the first in its line can be served. */
  #place(state: KeyState, nowTicks: number): void {
    const { first } = state;
    if (first === undefined) return this.#waiting.remove(state);
    const wanted = { cost: first.needs, ahead: 0 };
    this.#waiting.set(state, this.#algorithm.readyAt(state.level, wanted, nowTicks));
  }

  #serve(): void {
    this.#disarm();
    const nowTicks = this.#nowTicks();
    for (let state = this.#waiting.first; state !== undefined && state.dueAt <= nowTicks; state = this.#waiting.first) {
      const waiter = state.first as Waiter;
      state.leave(waiter);
      this.#waiters -= 1;
      if (waiter.cost > 0) this.#algorithm.take(state.level, waiter.cost, nowTicks);
      this.#place(state, nowTicks);
      waiter.granted();
    }
    this.#arm();
  }

  /** One timer, for who can be served first. */
  #arm(): void {
    const dueAt = this.#waiting.first?.dueAt ?? Infinity;
    if (dueAt === Infinity) return this.#disarm();
    if (this.#timerAt <= dueAt) return;
    this.#disarm();
    this.#timerAt = dueAt;
    const waitMs = Math.max(0, dueAt - this.#nowTicks()) / this.#algorithm.ticksPerMs;
    this.#timer = this.#clock.after(waitMs, () => this.#serve());
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAt = Infinity;
  }

  #nowTicks(): number {
    return Math.floor(this.#clock.monotonicMs() * this.#algorithm.ticksPerMs + readingError);
  }
}
