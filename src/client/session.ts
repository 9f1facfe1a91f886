import type { Timer } from "../base/clock.js";
import { MillraceError } from "../base/errors.js";
import type { IncomingDelivery, Source } from "../driver.js";
import type { Abandoned } from "./abandoned.js";
import { BatchScheduler } from "./batch-scheduler.js";
import { Elastic } from "./concurrency/elastic.js";
import { Places } from "./concurrency/places.js";
import { waitingShare } from "./concurrency/waiting-share.js";
import { defaults } from "./defaults.js";
import { Deferred } from "./deferred.js";
import type { Environment } from "./environment.js";
import { closedError, describeHandling } from "./handling.js";
import type { Handling } from "./handling.js";
import { KeyScheduler } from "./key-scheduler.js";
import { LaneScheduler } from "./lane-scheduler.js";
import type { OutageWatch } from "./outage.js";
import { ProgressCheck } from "./progress-check.js";
import type { Progress } from "./progress-check.js";
import { QueueScheduler } from "./queue-scheduler.js";
import { Throttle } from "./rate/throttle.js";
import { Reading } from "./reading.js";
import type { Runner } from "./runner.js";
import type { Scheduler, SchedulerParts } from "./scheduler.js";
import { Settler } from "./settler.js";
import { within } from "./time-limit.js";
import { messagesWaiting } from "./waiting-messages.js";
import { Watch } from "./watch.js";
import type { RunnerParts } from "./work.js";

/** After so long without a pause, everybody else in the process has a turn. */
const fetchMsMax = 10;

export interface SessionParts<T> {
  readonly handling: Handling<T>;
  readonly environment: Environment;
  /** Outlives the session, as an outage does. */
  readonly outage: OutageWatch | undefined;
  readonly makeRunner: (parts: RunnerParts<T>) => Runner<T>;
  /** Of all sources that the consumer has had. */
  readonly abandoned: Abandoned<T>;
}

/** One source of a consumer, from `consume` to its end: fetches deliveries, and gives back what is left over. */
export class Session<T> {
  readonly #parts: SessionParts<T>;
  readonly #source: Source;
  readonly #throttle: Throttle<T> | undefined;
  readonly #scheduler: Scheduler<T>;
  readonly #watch: Watch<T>;
  readonly #check: ProgressCheck;
  readonly #places: Places;
  readonly #elastic: Elastic | undefined;
  #paused = false;
  #fetches = 0;
  /** A driver that is asked to stop has so long to answer. */
  #leaving: Timer | undefined;
  #isFetching = false;
  #stopped = false;
  #failure: { readonly error: unknown } | undefined;
  /** Rejected with the failure. Whoever waits for the driver need not wait for it any more. */
  readonly #broken = new Deferred<never>();
  /** Resolved when something happened that the fetching, or the draining, waits for. */
  #news: Deferred<void> | undefined;

  static async open<T>(parts: SessionParts<T>): Promise<Session<T>> {
    const { handling, environment } = parts;
    const declared = await environment.channels.get(handling.channel).declare();
    // Until the session is there, nothing has been handed out that could be lost.
    const opened: { session?: Session<T> } = {};
    const source = await declared.consume({
      group: handling.group,
      leaseMs: handling.policy.leaseMs,
      from: handling.from,
      member: handling.member,
      stream: handling.reading,
      settle: handling.settle,
      onLost: (deliveries) => opened.session?.lose(deliveries),
    });
    opened.session = new Session(parts, source);
    return opened.session;
  }

  private constructor(parts: SessionParts<T>, source: Source) {
    const { handling, environment } = parts;
    this.#parts = parts;
    this.#source = source;
    this.#throttle = this.#makeThrottle();
    const { min, max } = handling.places;
    this.#places = min === max ? new Places(max) : new Places(min, environment.clock);
    this.#scheduler = this.#makeScheduler();
    const { clock, logger } = environment;
    const broken = (error: unknown): void => this.#break(error);
    this.#watch = new Watch({ handling, source, clock, logger, throttle: this.#throttle, broken }, this.#scheduler);
    this.#check = this.#makeCheck();
    this.#elastic = min === max ? undefined : this.#makeElastic();
    parts.outage?.serve({ began: () => this.#releaseWaiting(), eased: () => this.#tell() });
  }

  /** Handlers under way. */
  get running(): number {
    return this.#scheduler.begun.size;
  }

  /** Fetched, and not begun. */
  get waiting(): number {
    return this.#scheduler.waiting().length + (this.#throttle?.waiting().length ?? 0);
  }

  /** How many may be under way now. */
  get places(): number {
    return this.#places.now;
  }

  /** Fetches until `stop`. Rejects with what makes it impossible to go on, even while the driver does not answer. */
  serve(): Promise<void> {
    return Promise.race([this.#fetch(), this.#broken.promise]).finally(() => this.#leaving?.cancel());
  }

  async #fetch(): Promise<void> {
    const { clock } = this.#parts.environment;
    let turnMs = clock.monotonicMs();
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#stopped) return;
      const room = this.#room();
      if (room === 0) await this.#nextNews();
      else this.#accept(await this.#ask(room));
      if (clock.monotonicMs() - turnMs < fetchMsMax) continue;
      await new Promise<void>((resolve) => clock.soon(resolve));
      turnMs = clock.monotonicMs();
    }
  }

  /** Takes nothing, and begins nothing: what waits here goes back, and may go to others. */
  pause(): void {
    this.#paused = true;
    this.#releaseWaiting();
  }

  resume(): void {
    this.#paused = false;
    this.#tell();
  }

  /** There are more, or fewer, handlers that never return than there may be. */
  nudge(): void {
    if (this.#parts.abandoned.isFull) this.#releaseWaiting();
    this.#tell();
  }

  /** Takes nothing and begins nothing any more. `serve` returns soon. */
  stop(): void {
    this.#stopped = true;
    this.#stopSource();
    this.#releaseWaiting();
    this.#tell();
    const text = `the ${describeHandling(this.#parts.handling)}: the driver does not answer`;
    this.#leaving = this.#parts.environment.clock.after(defaults.answerMs.leave, () =>
      this.#break(new MillraceError("TIMEOUT", text)),
    );
  }

  /** After `stop`: lets handlers end, for as long as that may take; then gives everything back and leaves. */
  async drain(drainMs: number): Promise<void> {
    this.#leaving?.cancel();
    if (drainMs > 0) await this.#untilEnded(drainMs);
    this.#abort(closedError(this.#parts.handling));
    if (this.#failure !== undefined) throw this.#failure.error;
    await this.#inTime(this.#source.flush(), "making settlements durable");
    await this.#inTime(this.#source.close(), "leaving");
  }

  /** The source is of no more use: what is held is lost. */
  async abandon(error: unknown): Promise<void> {
    this.#stopped = true;
    const what = describeHandling(this.#parts.handling);
    // None of them comes to an end that an outage could be judged by.
    const held = [...this.#scheduler.waiting(), ...(this.#throttle?.waiting() ?? [])];
    for (const { incoming } of this.#scheduler.begun) held.push(incoming);
    this.#parts.outage?.forget(held);
    this.#abort(new MillraceError("LEASE_EXPIRED", `the ${what} lost its connection to the channel`, { cause: error }));
    this.#scheduler.forget(() => true);
    // It has failed already: that it cannot be closed in good order either is nothing new.
    await this.#inTime(this.#source.close(), "leaving").catch(() => {});
  }

  #inTime(answer: Promise<void>, what: string): Promise<void> {
    const { environment, handling } = this.#parts;
    const limit = {
      clock: environment.clock,
      ms: defaults.answerMs.leave,
      what: `the ${describeHandling(handling)}: ${what}`,
    };
    return within(answer, limit);
  }

  lose(deliveries: readonly IncomingDelivery[]): void {
    this.#watch.doubt();
    const lost = new Set(deliveries);
    this.#parts.outage?.forget(deliveries);
    this.#scheduler.forget((delivery) => lost.has(delivery));
    this.#throttle?.lose(lost);
    this.#tell();
    for (const held of this.#scheduler.begun) {
      if (!lost.has(held.incoming)) continue;
      held.abort(
        new MillraceError(
          "LEASE_EXPIRED",
          `the lease of message ${held.incoming.id} ended: somebody else gets it, or has it already`,
        ),
      );
    }
  }

  async #untilEnded(drainMs: number): Promise<void> {
    let timeIsOver = false;
    const timer = this.#parts.environment.clock.after(drainMs, () => {
      timeIsOver = true;
      this.#tell();
    });
    while (this.#scheduler.begun.size > 0 && !timeIsOver && this.#failure === undefined) await this.#nextNews();
    timer.cancel();
  }

  #room(): number {
    if (this.#paused || this.#parts.abandoned.isFull) return 0;
    const free = this.#scheduler.room();
    const room = this.#parts.outage?.room(free) ?? free;
    if (room === 0 || this.#throttle === undefined) return room;
    return Math.min(room, this.#throttle.room(this.#scheduler.waiting().length));
  }

  #ask(room: number): Promise<readonly IncomingDelivery[]> {
    this.#fetches += 1;
    this.#isFetching = true;
    return this.#source.take(room);
  }

  #accept(deliveries: readonly IncomingDelivery[]): void {
    this.#isFetching = false;
    if (this.#paused || this.#stopped || this.#failure !== undefined) return this.#release(deliveries);
    if (deliveries.length === 0) {
      const text = `the driver closed the source of the ${describeHandling(this.#parts.handling)}`;
      throw new MillraceError("CLOSED", text);
    }
    const admitted = this.#parts.outage?.admit(deliveries) ?? deliveries;
    if (admitted !== deliveries) this.#release(deliveries.slice(admitted.length));
    if (admitted.length === 0) return;
    this.#watch.holding();
    this.#scheduler.add(admitted);
  }

  #makeThrottle(): Throttle<T> | undefined {
    const { handling, environment } = this.#parts;
    const { rate, channel } = handling;
    if (rate === undefined) return undefined;
    return new Throttle({
      rate,
      clock: environment.clock,
      logger: environment.logger,
      reading: new Reading(channel),
      ordered: channel.kind === "stream" && handling.settle === undefined,
      what: `the ${describeHandling(handling)}`,
      freed: () => this.#tell(),
    });
  }

  #makeScheduler(): Scheduler<T> {
    const { handling, environment, makeRunner } = this.#parts;
    const { clock, channels, random } = environment;
    const reading = new Reading(handling.channel);
    const source = this.#source;
    const parts: SchedulerParts<T> = {
      handling,
      clock,
      holder: { source, reading, channels, monotonicMs: () => clock.monotonicMs() },
      rules: { policy: handling.policy, rules: handling.rules, random },
      settler: new Settler(handling, environment, source),
      outage: this.#parts.outage,
      reading,
      makeRunner,
      abandoned: this.#parts.abandoned,
      places: this.#places,
      throttle: this.#throttle,
      events: { freed: () => this.#tell(), watch: () => this.#watch.begun(), broken: (error) => this.#break(error) },
    };
    if (handling.channel.kind === "stream" && handling.settle === undefined)
      return handling.reading?.order === "key" ? new KeyScheduler(parts) : new LaneScheduler(parts);
    return handling.size > 1 ? new BatchScheduler(parts) : new QueueScheduler(parts);
  }

  #makeElastic(): Elastic {
    const { handling, environment, outage } = this.#parts;
    return new Elastic({
      range: handling.places,
      places: this.#places,
      clock: environment.clock,
      // While single messages are tried, more places would be of no use.
      waiting: async () => (outage?.current === undefined ? waitingShare(handling, environment.driver.admin) : 0),
      running: () => this.#scheduler.begun.size,
      grown: () => {
        this.#scheduler.grown();
        this.#tell();
      },
    });
  }

  #makeCheck(): ProgressCheck {
    const { handling, environment } = this.#parts;
    const { admin, supports } = environment.driver;
    const progress: Progress = {
      asking: () => (this.#isFetching && !this.#paused ? this.#fetches : undefined),
      waiting: () => messagesWaiting(handling, admin, supports),
      stuck: (why) => this.#break(new MillraceError("TIMEOUT", why)),
    };
    return new ProgressCheck(progress, environment.clock, defaults.progressMs);
  }

  #break(error: unknown): void {
    this.#failure ??= { error };
    this.#stopSource();
    this.#broken.reject(error);
    this.#tell();
  }

  #stopSource(): void {
    try {
      this.#source.stop();
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  #abort(error: MillraceError): void {
    this.#watch.stop();
    this.#check.stop();
    this.#elastic?.stop();
    this.#throttle?.stop();
    for (const held of this.#scheduler.begun) {
      held.abort(error);
      if (!held.concluded) this.#parts.abandoned.add(held);
      held.conclude();
    }
  }

  #releaseWaiting(): void {
    const waiting = this.#scheduler.waiting();
    this.#scheduler.forget(() => true);
    this.#release(waiting);
    this.#throttle?.release();
    this.#parts.outage?.forget(waiting);
  }

  /** The last first: of a stream, each takes its partition back to itself. */
  #release(deliveries: readonly IncomingDelivery[]): void {
    try {
      for (const delivery of deliveries.toReversed()) this.#source.settle(delivery, { kind: "release" });
    } catch (error) {
      this.#break(error);
    }
  }

  #nextNews(): Promise<void> {
    this.#news ??= new Deferred();
    return this.#news.promise;
  }

  #tell(): void {
    const news = this.#news;
    if (news === undefined) return;
    this.#news = undefined;
    news.resolve();
  }
}
