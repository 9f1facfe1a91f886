import { assert } from "../base/assert.js";
import { stayAlive } from "../base/clock.js";
import { durationMs } from "../base/duration.js";
import { MillraceError } from "../base/errors.js";
import { delayMs, exponential } from "./backoff.js";
import { checkOptions } from "./checks.js";
import type { CloseOptions, Consumer, ConsumerState } from "./consumer.js";
import { defaults } from "./defaults.js";
import { Deferred } from "./deferred.js";
import { describeHandling } from "./handling.js";
import { OutageWatch } from "./outage.js";
import type { Outage } from "./outage.js";
import { Session } from "./session.js";
import type { SessionParts } from "./session.js";

/** The pauses between attempts to get going again. */
const rebuilding = exponential("100ms", "30s");

/** Probing is a way of running, and told apart for those who look. */
type Mode = Exclude<ConsumerState, "probing">;

const legal: Readonly<Record<Mode, readonly Mode[]>> = {
  starting: ["running", "paused", "closed"],
  running: ["paused", "stalled", "closed"],
  paused: ["running", "stalled", "closed"],
  stalled: ["running", "paused", "closed"],
  closed: [],
};

/**
 * A handler at work on a channel.
 *
 *   starting ──▶ running ◀──▶ paused
 *      │           │  ▲          │
 *      │           ▼  │          │
 *      │         stalled ◀───────┤          stalled: the driver cannot give us messages for a while; we try again
 *      ▼           ▼             ▼
 *      └────────▶ closed ◀───────┘          closed: by `close`, or by an error that trying again cannot mend
 */
export class ChannelConsumer<T> implements Consumer {
  readonly #parts: SessionParts<T>;
  readonly #ready = new Deferred<void>();
  readonly #closed = new Deferred<void>();
  /** Resolved by the first `close`. */
  readonly #closing = new Deferred<{ readonly drainMs: number }>();
  #isClosing = false;
  #isPaused = false;
  #state: Mode = "starting";
  #session: Session<T> | undefined;

  constructor(parts: Omit<SessionParts<T>, "outage">) {
    const { handling, environment } = parts;
    const { outage } = handling;
    const watch = outage && new OutageWatch(outage, environment, `the ${describeHandling(handling)}`);
    this.#parts = { ...parts, outage: watch };
  }

  get state(): ConsumerState {
    return this.#state === "running" && this.outage !== undefined ? "probing" : this.#state;
  }

  get channel(): string {
    return this.#parts.handling.channel.name;
  }

  get group(): string {
    return this.#parts.handling.group;
  }

  get outage(): Outage | undefined {
    return this.#parts.outage?.current;
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** A process with a consumer lives until that is closed, though it may wait for days. */
  start(): void {
    const alive = stayAlive();
    this.#live()
      .finally(() => alive.cancel())
      .then(
        () => this.#end(),
        (error: unknown) => this.#fail(error),
      );
  }

  pause(): void {
    this.#isPaused = true;
    this.#session?.pause();
    if (this.#state === "running") this.#enter("paused");
  }

  resume(): void {
    this.#isPaused = false;
    this.#session?.resume();
    if (this.#state === "paused") this.#enter("running");
  }

  close(options: CloseOptions = {}): Promise<void> {
    const drainMs = drainOf(options, "consumer.close");
    if (this.#state === "closed") return Promise.resolve();
    this.#parts.outage?.stop();
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#closing.resolve({ drainMs });
      this.#session?.stop();
    }
    return this.#closed.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** From start to close, however many sources it takes. */
  async #live(): Promise<void> {
    let session = await this.#open();
    this.#enter(this.#isPaused ? "paused" : "running");
    this.#ready.resolve();
    while (!this.#isClosing) {
      try {
        await session.serve();
      } catch (error) {
        await session.abandon(error);
        if (!isPassing(error)) throw error;
        const next = await this.#rebuild(error);
        if (next === undefined) return;
        session = next;
      }
    }
    const { drainMs } = await this.#closing.promise;
    await session.drain(drainMs);
  }

  async #open(): Promise<Session<T>> {
    const session = await Session.open(this.#parts);
    this.#session = session;
    if (this.#isPaused) session.pause();
    if (this.#isClosing) session.stop();
    return session;
  }

  /** Tries until it succeeds; undefined when it was closed meanwhile. */
  async #rebuild(cause: unknown): Promise<Session<T> | undefined> {
    this.#session = undefined;
    const { logger, random } = this.#parts.environment;
    this.#enter("stalled");
    for (let attempt = 1, error = cause; ; attempt++) {
      const waitMs = delayMs(rebuilding, attempt, random());
      logger.warn({ error, attempt, waitMs }, `${this.#what} is stalled and tries again`);
      await this.#sleep(waitMs);
      if (this.#isClosing) return undefined;
      try {
        const session = await this.#open();
        this.#enter(this.#isPaused ? "paused" : "running");
        logger.info({ attempt }, `${this.#what} runs again`);
        return session;
      } catch (failure) {
        if (!isPassing(failure)) throw failure;
        error = failure;
      }
    }
  }

  async #sleep(waitMs: number): Promise<void> {
    const over = new Deferred<void>();
    const timer = this.#parts.environment.clock.after(waitMs, () => over.resolve());
    await Promise.race([over.promise, this.#closing.promise]);
    timer.cancel();
  }

  #end(): void {
    this.#enter("closed");
    this.#ready.resolve();
    this.#closed.resolve();
  }

  #fail(error: unknown): void {
    this.#parts.environment.logger.error({ error }, `${this.#what} has ended`);
    this.#enter("closed");
    this.#ready.reject(error);
    this.#closed.reject(error);
  }

  /** The only place that changes the state. */
  #enter(next: Mode): void {
    if (next === this.#state) return;
    assert(legal[this.#state].includes(next), `a consumer that is ${this.#state} cannot become ${next}`);
    this.#state = next;
  }

  get #what(): string {
    return `the ${describeHandling(this.#parts.handling)}`;
  }
}

/** An error that the same call may not meet again. */
function isPassing(error: unknown): boolean {
  return error instanceof MillraceError && error.retryable;
}

const known = new Set(["drain"]);

/** @throws TypeError when the options are wrong. */
export function drainOf(options: CloseOptions, what: string): number {
  checkOptions(options, known, what);
  return durationMs(options.drain ?? defaults.drainMs, `${what}: drain`);
}
