import { assert } from "../base/assert.js";
import { stayAlive } from "../base/clock.js";
import { durationMs } from "../base/duration.js";
import { MillraceError } from "../base/errors.js";
import { Abandoned } from "./abandoned.js";
import { delayMs, exponential } from "./backoff.js";
import { checkOptions } from "./checks.js";
import type { CloseOptions, Consumer, ConsumerInfo, ConsumerState } from "./consumer.js";
import { defaults } from "./defaults.js";
import { Deferred } from "./deferred.js";
import { describeHandling } from "./handling.js";
import { OutageWatch } from "./outage.js";
import type { Outage } from "./outage.js";
import { Session } from "./session.js";
import type { SessionParts } from "./session.js";
import { within } from "./time-limit.js";

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
 *      │         stalled ◀───────┤          stalled: the driver cannot give us messages for a while, and we try again;
 *      ▼           ▼             ▼                   or too many handlers never return, and we wait for them
 *      └────────▶ closed ◀───────┘          closed: by `close`, or by an error that trying again cannot mend
 */
export class ChannelConsumer<T> implements Consumer {
  readonly #parts: SessionParts<T>;
  readonly #ready = new Deferred<void>();
  readonly #closed = new Deferred<void>();
  /** Resolved by the first `close`. */
  readonly #closing = new Deferred<{ readonly drainMs: number }>();
  readonly #abandoned: Abandoned<T>;
  #isClosing = false;
  #isPaused = false;
  #state: Mode = "starting";
  #reason: string | undefined;
  #sinceMs: number;
  #stalls = 0;
  #session: Session<T> | undefined;

  constructor(parts: Omit<SessionParts<T>, "abandoned" | "outage">) {
    const { environment, handling } = parts;
    const abandonedMax = Math.max(defaults.abandonedMaxLeast, handling.concurrency);
    this.#abandoned = new Abandoned(abandonedMax, () => this.#countAbandoned());
    const watch = handling.outage && new OutageWatch(handling.outage, environment, `the ${describeHandling(handling)}`);
    this.#parts = { ...parts, abandoned: this.#abandoned, outage: watch };
    this.#sinceMs = environment.clock.monotonicMs();
  }

  get state(): ConsumerState {
    return this.#state === "running" && this.outage !== undefined ? "probing" : this.#state;
  }

  get outage(): Outage | undefined {
    return this.#parts.outage?.current;
  }

  get reason(): string | undefined {
    const outage = this.state === "probing" ? this.outage : undefined;
    return outage === undefined ? this.#reason : `one message after the other fails with ${outage.error.message}`;
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  info(): ConsumerInfo {
    const { handling, environment } = this.#parts;
    return {
      channel: handling.channel.name,
      kind: handling.channel.kind,
      group: handling.group,
      state: this.state,
      reason: this.reason,
      forMs: environment.clock.monotonicMs() - this.#sinceMs,
      running: this.#session?.running ?? 0,
      waiting: this.#session?.waiting ?? 0,
      places: this.#session?.places,
      abandoned: this.#abandoned.count,
      stalls: this.#stalls,
    };
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
    if (this.#state === "paused") this.#goOn();
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
    this.#goOn();
    this.#ready.resolve();
    while (!this.#isClosing) {
      try {
        await session.serve();
      } catch (error) {
        if (isPassing(error)) this.#stall(error);
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
    const opening = Session.open(this.#parts);
    const { clock } = this.#parts.environment;
    const limit = { clock, ms: defaults.answerMs.open, what: `${this.#what}: joining the channel` };
    const session = await within(opening, limit).catch((error: unknown) => {
      // Should it come after all, it is not wanted any more.
      void opening.then((late) => late.abandon(error)).catch(() => {});
      throw error;
    });
    this.#session = session;
    if (this.#isPaused) session.pause();
    if (this.#isClosing) session.stop();
    return session;
  }

  /** Tries until it succeeds; undefined when it was closed meanwhile. */
  async #rebuild(cause: unknown): Promise<Session<T> | undefined> {
    this.#session = undefined;
    const { logger, random } = this.#parts.environment;
    for (let attempt = 1, error = cause; ; attempt++) {
      const waitMs = delayMs(rebuilding, attempt, random());
      logger.warn({ error, attempt, waitMs }, `${this.#what} is stalled and tries again`);
      await this.#sleep(waitMs);
      if (this.#isClosing) return undefined;
      try {
        const session = await this.#open();
        this.#goOn();
        logger.info({ attempt }, `${this.#what} runs again`);
        return session;
      } catch (failure) {
        if (!isPassing(failure)) throw failure;
        error = failure;
        this.#stall(failure);
      }
    }
  }

  async #sleep(waitMs: number): Promise<void> {
    const over = new Deferred<void>();
    const timer = this.#parts.environment.clock.after(waitMs, () => over.resolve());
    await Promise.race([over.promise, this.#closing.promise]);
    timer.cancel();
  }

  /** More of them than there may be, or no more than that again. */
  #countAbandoned(): void {
    if (this.#session === undefined || this.#state === "starting" || this.#state === "closed") return;
    const { logger } = this.#parts.environment;
    const fields = { abandoned: this.#abandoned.count };
    if (this.#abandoned.isFull) {
      logger.warn(fields, `${this.#what} is stalled: handlers never return; see delivery.signal, and set timeout`);
    } else {
      logger.info(fields, `${this.#what} runs again: handlers have returned`);
    }
    this.#goOn();
    this.#session.nudge();
  }

  /** There is a source: what it is doing with it. */
  #goOn(): void {
    if (this.#abandoned.isFull) {
      const text = `handlers never return: ${this.#abandoned.count} are still running though their time is over`;
      return this.#stall(new MillraceError("HANDLER_TIMEOUT", text));
    }
    this.#enter(this.#isPaused ? "paused" : "running");
  }

  #stall(error: unknown): void {
    if (this.#state === "starting") this.#enter("running");
    this.#enter("stalled");
    this.#reason = error instanceof Error ? error.message : String(error);
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
    this.#reason = undefined;
    this.#sinceMs = this.#parts.environment.clock.monotonicMs();
    if (next === "stalled") this.#stalls += 1;
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
