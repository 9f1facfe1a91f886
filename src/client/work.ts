import type { Clock } from "../base/clock.js";
import { MillraceError } from "../base/errors.js";
import type { IncomingDelivery, StagedMessage } from "../driver.js";
import type { Abandoned } from "./abandoned.js";
import type { Places } from "./concurrency/places.js";
import type { Outcomes } from "./conclusion.js";
import { isForAnother } from "./dead-letter-view.js";
import { defaults } from "./defaults.js";
import type { Handling } from "./handling.js";
import { afterError, doneVerdict } from "./verdict.js";
import type { Retry, Rules, Verdict } from "./verdict.js";
import type { HeldDelivery } from "./held-delivery.js";
import { HeldList } from "./held-list.js";
import type { Throttle, Turn } from "./rate/throttle.js";
import type { OutageWatch } from "./outage.js";
import type { Reading } from "./reading.js";
import type { Runner } from "./runner.js";
import type { SchedulerEvents } from "./scheduler.js";
import type { Settler } from "./settler.js";
import { within } from "./time-limit.js";

/** What a scheduler wants to know of its work. */
export interface WorkEvents<T> {
  /** Nothing of it is under way any more. */
  ended(held: HeldDelivery<T>): void;
  /** Only where order matters: takes a failed delivery, to `settleKept` it when everything called with it is decided. */
  keep?(held: HeldDelivery<T>, verdict: Retry): void;
}

/** What a runner is made of. */
export interface RunnerParts<T> {
  readonly reading: Reading<T>;
  /** Whom it reports to. */
  readonly outcomes: Outcomes<T>;
  readonly rules: Rules;
}

/** The handlers under way of one source: calls them, watches those that take time, and carries out what they decide. */
export class Work<T> implements Outcomes<T>, Turn<T> {
  readonly begun = new HeldList<T>();
  readonly #runner: Runner<T>;
  readonly #handling: Handling<T>;
  readonly #rules: Rules;
  readonly #settler: Settler<T>;
  readonly #throttle: Throttle<T> | undefined;
  readonly #clock: Clock;
  readonly #places: Places;
  readonly #mine: WorkEvents<T>;
  readonly #events: SchedulerEvents;
  readonly #outage: OutageWatch | undefined;
  readonly #abandoned: Abandoned<T>;
  /** The call whose time was over last. */
  #timedOut: { readonly head: HeldDelivery<T>; readonly error: MillraceError } | undefined;

  constructor(parts: WorkParts<T>, mine: WorkEvents<T>) {
    this.#handling = parts.handling;
    this.#rules = parts.rules;
    this.#settler = parts.settler;
    this.#throttle = parts.throttle;
    this.#clock = parts.clock;
    this.#places = parts.places;
    this.#events = parts.events;
    this.#outage = parts.outage;
    this.#abandoned = parts.abandoned;
    this.#mine = mine;
    this.#runner = parts.makeRunner({ reading: parts.reading, outcomes: this, rules: parts.rules });
  }

  /** Calls the handler with deliveries that belong together, when their rate allows it. They may have ended when this returns. */
  begin(batch: readonly HeldDelivery<T>[], nowMs: number): void {
    const ours = this.#handling.group === "" ? batch : this.#passOver(batch);
    if (ours.length === 0) return;
    if (this.#throttle === undefined) this.#call(ours, nowMs);
    else this.#throttle.begin(ours, this);
  }

  /** Their rate allows it now. */
  start(batch: readonly HeldDelivery<T>[]): void {
    this.#call(batch, this.#clock.monotonicMs());
  }

  putOff(held: HeldDelivery<T>, delayMs: number): void {
    this.#guarded(() => this.#settler.putOff(held.incoming, delayMs));
    this.drop(held);
  }

  release(held: HeldDelivery<T>): void {
    this.releaseWaiting(held.incoming);
    this.drop(held);
  }

  drop(held: HeldDelivery<T>): void {
    held.conclude();
    this.#outage?.forget([held.incoming]);
    this.#end(held);
  }

  fail(held: HeldDelivery<T>, error: unknown): void {
    this.decided(held, afterError(error, held.attempt, this.#rules), []);
  }

  #call(batch: readonly HeldDelivery<T>[], nowMs: number): void {
    for (const held of batch) held.startedAtMs = nowMs;
    if (batch.length > 1) for (const held of batch) held.head = batch[0];
    if (this.#settler.settlesAhead) this.#beginSettled(batch);
    else this.#runner.start(batch);
    let watched = false;
    for (const held of batch) {
      if (held.ended) continue;
      this.begun.add(held);
      watched = true;
    }
    if (watched) this.#events.watch();
  }

  done(held: HeldDelivery<T>): void {
    if (held.concluded) return this.#abandoned.returned(held);
    this.#outage?.handled(held);
    try {
      this.#settler.done(held);
    } catch (error) {
      this.#events.broken(error);
    }
    this.#end(held);
  }

  decided(held: HeldDelivery<T>, decided: Verdict, sends: readonly StagedMessage[]): void {
    if (held.concluded) return this.#abandoned.returned(held);
    const verdict = this.#outage === undefined ? decided : this.#outage.judge(held, decided);
    if (verdict.kind === "retry" && this.#mine.keep !== undefined && !this.#settler.settlesAhead) {
      held.conclude();
      return this.#mine.keep(held, verdict);
    }
    try {
      const finishing = this.#settler.carryOut(held, verdict, sends);
      if (finishing === undefined) this.#end(held);
      else void this.#inTime(finishing).then(() => this.#end(held));
    } catch (error) {
      this.#events.broken(error);
      this.#end(held);
    }
  }

  /** The handler's time is over: it has failed, and what it still says is ignored. */
  expire(held: HeldDelivery<T>): void {
    if (held.concluded) return;
    const error = this.#timeoutOf(held.head ?? held);
    held.abort(error);
    this.#abandoned.add(held);
    this.decided(held, afterError(error, held.attempt, this.#rules), []);
  }

  /** One error for all of a call: it has failed once. */
  #timeoutOf(head: HeldDelivery<T>): MillraceError {
    if (this.#timedOut?.head !== head) {
      const text = `the handler ran longer than its ${this.#handling.timeoutMs} ms; see delivery.signal, or raise timeout`;
      this.#timedOut = { head, error: new MillraceError("HANDLER_TIMEOUT", text) };
    }
    return this.#timedOut.error;
  }

  /** Ends what was kept. */
  settleKept(held: HeldDelivery<T>, verdict: Retry): void {
    this.#guarded(() => this.#settler.retry(held, verdict));
    held.ended = true;
    this.#places.ended(held.startedAtMs);
    this.begun.remove(held);
  }

  /** Gives back what has not begun. */
  releaseWaiting(delivery: IncomingDelivery): void {
    this.#guarded(() => this.#settler.release(delivery));
  }

  /** What was redriven for another group is done for this one, and its handler never hears of it. */
  #passOver(batch: readonly HeldDelivery<T>[]): readonly HeldDelivery<T>[] {
    let ours = batch;
    for (const held of batch) {
      if (!isForAnother(held.incoming, this.#handling.group)) continue;
      this.#outage?.forget([held.incoming]);
      if (this.#settler.settlesAhead) this.#guarded(() => void this.#settler.ahead(held));
      this.done(held);
      ours = ours.filter((each) => each !== held);
    }
    return ours;
  }

  #guarded(settle: () => void): void {
    try {
      settle();
    } catch (error) {
      this.#events.broken(error);
    }
  }

  #beginSettled(batch: readonly HeldDelivery<T>[]): void {
    const ours: HeldDelivery<T>[] = [];
    try {
      for (const held of batch) {
        if (this.#settler.ahead(held)) ours.push(held);
        else this.decided(held, doneVerdict, []);
      }
    } catch (error) {
      this.#events.broken(error);
    }
    this.#settler.flush().then(
      () => {
        // The consumer may have closed meanwhile.
        for (const held of ours) if (held.concluded) this.#abandoned.returned(held);
        this.#runner.start(ours.filter((held) => !held.concluded));
      },
      (error: unknown) => {
        // Nobody has begun with them.
        for (const held of ours) {
          held.conclude();
          this.#abandoned.returned(held);
        }
        this.#events.broken(error);
      },
    );
  }

  /** Never rejects. What is not there in time may be stuck for ever: the message's place must not be. */
  async #inTime(finishing: Promise<void>): Promise<void> {
    const what = `storing what became of a message of ${this.#handling.channel.kind} "${this.#handling.channel.name}"`;
    const limit = { clock: this.#clock, ms: defaults.answerMs.settle, what };
    await within(finishing, limit).catch((error: unknown) => this.#events.broken(error));
  }

  #end(held: HeldDelivery<T>): void {
    held.ended = true;
    this.#places.ended(held.startedAtMs);
    this.begun.remove(held);
    this.#mine.ended(held);
  }
}

export interface WorkParts<T> {
  readonly places: Places;
  readonly abandoned: Abandoned<T>;
  readonly clock: Clock;
  readonly throttle: Throttle<T> | undefined;
  readonly handling: Handling<T>;
  readonly settler: Settler<T>;
  readonly rules: Rules;
  readonly events: SchedulerEvents;
  readonly outage: OutageWatch | undefined;
  readonly reading: Reading<T>;
  readonly makeRunner: (parts: RunnerParts<T>) => Runner<T>;
}
