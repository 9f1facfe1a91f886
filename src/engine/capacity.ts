/**
 * The bound of a channel, and those who wait for room in it: first come, first served, and nobody overtakes them.
 * The bound is exact: what is admitted is stored before anybody else looks.
 */
import { assert } from "../base/assert.js";
import { type Clock, stayAlive, type Timer } from "../base/clock.js";
import { MillraceError } from "../base/errors.js";
import type { CapacitySpec } from "./channel-spec.js";
import { Deque } from "./deque.js";
import type { PublishOptions } from "./message.js";

/** What a channel holds now. */
export interface Usage {
  readonly channel: string;
  messages(): number;
  bytes(): number;
}

/** What somebody wants to put in. */
export interface Wanted {
  readonly messages: number;
  readonly bytes: number;
}

interface Waiter {
  readonly wanted: Wanted;
  admit(): void;
  refuse(error: Error): void;
}

export class Room {
  capacity: CapacitySpec;
  readonly #clock: Clock;
  readonly #usage: Usage;
  readonly #waiters = new Deque<Waiter>();
  /** Who waits for room waits for it in a process that lives. */
  #alive: Timer | undefined;

  constructor(clock: Clock, usage: Usage, capacity: CapacitySpec) {
    this.#clock = clock;
    this.#usage = usage;
    this.capacity = capacity;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  /** Whether bytes have to be counted at all. */
  get countsBytes(): boolean {
    return this.capacity.bytes !== Infinity;
  }

  /** Whether a full channel drops messages, so that nobody waits. */
  get drops(): boolean {
    return this.capacity.whenFull !== "block" && this.capacity.whenFull !== "reject";
  }

  /** Whether it can go in at once: it fits, and nobody has waited before it. */
  admits(wanted: Wanted): boolean {
    return this.#waiters.length === 0 && this.#fits(wanted);
  }

  /**
   * Calls `admit`, in the turn in which there is room for it; `admit` must use the room at once. As `options` and the
   * channel's policy say, `refuse` with QUEUE_FULL, TIMEOUT or ABORTED; CLOSED when the channel closes meanwhile.
   */
  wait(wanted: Wanted, options: PublishOptions | undefined, then: { admit(): void; refuse(error: Error): void }): void {
    const refusal = this.#refusal(wanted, options);
    if (refusal !== undefined) {
      then.refuse(refusal);
      return;
    }
    const signal = options?.signal;
    const timeoutMs = options?.timeoutMs ?? Infinity;
    let timer: Timer | undefined;
    const leave = (): void => {
      timer?.cancel();
      signal?.removeEventListener("abort", abort);
      if (this.#waiters.length > 0) return;
      this.#alive?.cancel();
      this.#alive = undefined;
    };
    const give = (error: MillraceError): void => {
      this.#waiters.remove(waiter);
      leave();
      then.refuse(error);
      this.release();
    };
    const abort = (): void => give(this.#aborted(signal));
    const waiter: Waiter = {
      wanted,
      admit: () => {
        leave();
        then.admit();
      },
      refuse: (error) => {
        leave();
        then.refuse(error);
      },
    };
    if (timeoutMs !== Infinity) timer = this.#clock.after(timeoutMs, () => give(this.#timeout(timeoutMs)));
    signal?.addEventListener("abort", abort);
    this.#waiters.push(waiter);
    this.#alive ??= stayAlive();
  }

  /** There may be room now: lets in who has waited longest, as long as they fit. */
  release(): void {
    for (
      let first = this.#waiters.first;
      first !== undefined && this.#fits(first.wanted);
      first = this.#waiters.first
    ) {
      this.#waiters.shift();
      first.admit();
    }
  }

  /** Lets in all who wait, whether or not they fit: they do not have to wait any more. */
  admitAll(): void {
    for (let first = this.#waiters.shift(); first !== undefined; first = this.#waiters.shift()) first.admit();
  }

  /** Nobody will be let in any more. */
  fail(error: Error): void {
    for (let first = this.#waiters.shift(); first !== undefined; first = this.#waiters.shift()) first.refuse(error);
  }

  #fits(wanted: Wanted): boolean {
    const { messages, bytes } = this.capacity;
    if (this.#usage.messages() + wanted.messages > messages) return false;
    return bytes === Infinity || this.#usage.bytes() + wanted.bytes <= bytes;
  }

  #refusal(wanted: Wanted, options: PublishOptions | undefined): MillraceError | undefined {
    const { messages, bytes, whenFull } = this.capacity;
    assert(wanted.messages <= messages, "what can never fit is not waited for");
    if (wanted.bytes > bytes) return neverFits(this.#usage.channel, wanted.bytes, bytes);
    if (whenFull !== "block") return this.#full();
    if (options?.signal?.aborted === true) return this.#aborted(options.signal);
    if (options?.timeoutMs === 0) return this.#timeout(0);
    return undefined;
  }

  #name(): string {
    return JSON.stringify(this.#usage.channel);
  }

  #full(): MillraceError {
    const { messages, bytes } = this.capacity;
    const text = `${this.#name()} is full: it holds ${this.#usage.messages()} messages, at most ${messages} messages and ${bytes} bytes are allowed. Try again when consumers have settled some, or raise its capacity`;
    return new MillraceError("QUEUE_FULL", text);
  }

  #timeout(timeoutMs: number): MillraceError {
    const text = `no room in ${this.#name()} within ${timeoutMs} ms: nothing was sent. Its consumers settle too slowly, or its capacity is too small`;
    return new MillraceError("TIMEOUT", text);
  }

  #aborted(signal: AbortSignal | undefined): MillraceError {
    const text = `the signal aborted while the send waited for room in ${this.#name()}: nothing was sent`;
    return new MillraceError("ABORTED", text, { cause: signal?.reason });
  }
}

export function neverFits(channel: string, wantedBytes: number, bytes: number): MillraceError {
  const text = `${wantedBytes} bytes can never fit into ${JSON.stringify(channel)}, which holds ${bytes} bytes at most: send less at once, or raise its capacity`;
  return new MillraceError("PAYLOAD_TOO_LARGE", text);
}
