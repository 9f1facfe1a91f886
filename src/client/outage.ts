import type { Clock, Timer } from "../base/clock.js";
import { hasCode } from "../base/errors.js";
import type { IncomingDelivery } from "../driver.js";
import { delayMs } from "./backoff.js";
import { describeError } from "./dead-letter.js";
import type { ErrorDescription } from "./dead-letter.js";
import type { Environment } from "./environment.js";
import { fingerprintOf, fingerprintText } from "./error-fingerprint.js";
import { OutageDetector } from "./outage-detector.js";
import { OutageErrors } from "./outage-errors.js";
import type { OutageRule } from "./outage-rule.js";
import { HandlersWord } from "./verdict.js";
import type { Dead, Retry, Verdict } from "./verdict.js";

/** What a consumer takes for an outage of something that all its messages need. */
export interface Outage {
  /** The error that began it. */
  readonly error: { readonly name: string; readonly message: string };
  readonly fingerprint: string;
  readonly since: Date;
  /** Single messages tried since then. */
  readonly probes: number;
}

/** What is judged of a delivery. */
interface Judged {
  readonly incoming: IncomingDelivery;
  readonly attempt: number;
}

export interface OutageListener {
  /** What waits has to go back. */
  began(): void;
  /** More may be asked for. */
  eased(): void;
}

interface Lasting {
  readonly error: ErrorDescription;
  readonly errors: OutageErrors;
  readonly since: Date;
  /** The same, of the monotonic clock. */
  readonly beganAtMs: number;
  probes: number;
  pauseMs: number;
  probeAtMs: number;
  /** Under way now. */
  probe: IncomingDelivery | undefined;
}

/**
 * Keeps a consumer from emptying its channel into the dead letters while something is out that every message needs.
 *
 *   clear ──▶ lasting ──▶ clear
 *
 * clear: everything runs at full speed. lasting: one message at a time is tried, with pauses between, and a failure does not count
 * as an attempt, for a day at most; a message that is handled ends it. What the handler rejects, what nobody can read, and what fails with an
 * error that no other message has, goes its way as ever: it must not keep the others from being tried.
 */
export class OutageWatch {
  /** The session that fetches. */
  #listener: OutageListener | undefined;
  readonly #rule: OutageRule;
  readonly #environment: Environment;
  readonly #what: string;
  readonly #detector: OutageDetector;
  #lasting: Lasting | undefined;
  #timer: Timer | undefined;
  #lastThrown: unknown;

  constructor(rule: OutageRule, environment: Environment, what: string) {
    this.#rule = rule;
    this.#environment = environment;
    this.#what = what;
    this.#detector = new OutageDetector(rule);
  }

  get current(): Outage | undefined {
    if (this.#lasting === undefined) return undefined;
    const { error, since, probes } = this.#lasting;
    const { name, message } = error;
    return { error: { name, message }, fingerprint: fingerprintOf(name, message), since, probes };
  }

  /** What another session had under way is lost with it. */
  serve(listener: OutageListener): void {
    this.#listener = listener;
    if (this.#lasting !== undefined) this.#lasting.probe = undefined;
  }

  /** How many of `room` may be asked for now. */
  room(room: number): number {
    const lasting = this.#lasting;
    if (lasting === undefined) return room;
    return lasting.probe !== undefined || this.#clock.monotonicMs() < lasting.probeAtMs ? 0 : Math.min(1, room);
  }

  /** Which of those that came may go to the handler: all, or one, or none. The others have to go back. */
  admit(deliveries: readonly IncomingDelivery[]): readonly IncomingDelivery[] {
    const lasting = this.#lasting;
    if (lasting === undefined) return deliveries;
    if (this.room(1) === 0) return [];
    lasting.probe = deliveries[0];
    lasting.probes += 1;
    return deliveries.slice(0, 1);
  }

  /** They went back, or were lost, without an outcome. */
  forget(deliveries: readonly IncomingDelivery[]): void {
    const lasting = this.#lasting;
    if (lasting?.probe === undefined || !deliveries.includes(lasting.probe)) return;
    lasting.probe = undefined;
    this.#listener?.eased();
  }

  /** The way of nearly every message. */
  handled(held: Judged): void {
    this.#detector.handled(held.attempt, held.incoming);
    if (this.#lasting !== undefined && this.#lasting.probe === held.incoming) this.#end(this.#lasting);
  }

  /** What becomes of a delivery, in view of what became of others. */
  judge(held: Judged, verdict: Verdict): Verdict {
    if (verdict.kind === "done") {
      this.handled(held);
      return verdict;
    }
    if (!isFailure(verdict)) {
      this.#answered(held);
      return verdict;
    }
    const error = describeError(verdict.error);
    const fingerprint = fingerprintText(error.name, error.message);
    if (this.#lasting === undefined) this.#count(held, verdict.error, { error, fingerprint });
    return this.#lasting === undefined ? verdict : this.#spare(this.#lasting, { held, verdict, fingerprint });
  }

  /** A failure while it lasts: it goes without saying, unless it says something of its own. */
  #spare(
    lasting: Lasting,
    failure: { readonly held: Judged; readonly verdict: Retry | Dead; readonly fingerprint: string },
  ): Verdict {
    const { held, verdict, fingerprint } = failure;
    if (lasting.probe === held.incoming) this.#pause(lasting);
    const isOver = this.#clock.monotonicMs() - lasting.beganAtMs >= this.#rule.sparesMs;
    const counts = isOver || !lasting.errors.covers(fingerprint, held.incoming.id);
    if (counts && verdict.kind === "dead") return verdict;
    // Later than the next probe, so that another message has its turn.
    const delayMs = Math.max(verdict.kind === "retry" ? verdict.delayMs : 0, 2 * lasting.pauseMs);
    const wasCounted = verdict.kind === "dead" || verdict.counts;
    return { kind: "retry", delayMs, counts: counts && wasCounted, error: verdict.error };
  }

  stop(): void {
    this.#timer?.cancel();
    this.#listener = undefined;
  }

  /** The handler had its say, for which nothing need have been there that is out: it says nothing about it either. */
  #answered(held: Judged): void {
    const lasting = this.#lasting;
    if (lasting === undefined) {
      this.#detector.handled(held.attempt, held.incoming);
    } else if (lasting.probe === held.incoming) {
      lasting.probe = undefined;
      this.#listener?.eased();
    }
  }

  #count(held: Judged, thrown: unknown, as: { readonly error: ErrorDescription; readonly fingerprint: string }): void {
    // A batch that fails as a whole has failed once.
    const isSame = typeof thrown === "object" && thrown !== null && thrown === this.#lastThrown;
    this.#lastThrown = thrown;
    if (isSame) return;
    const failed = { id: held.incoming.id, attempt: held.attempt };
    if (this.#detector.failed(failed, as.fingerprint, this.#clock.monotonicMs())) this.#begin(as);
  }

  #begin({ error, fingerprint }: { readonly error: ErrorDescription; readonly fingerprint: string }): void {
    const since = new Date(this.#clock.nowMs());
    const errors = new OutageErrors(fingerprint);
    const beganAtMs = this.#clock.monotonicMs();
    this.#lasting = { error, errors, since, beganAtMs, probes: 0, pauseMs: 0, probeAtMs: 0, probe: undefined };
    this.#detector.reset();
    this.#environment.logger.error(
      { error: `${error.name}: ${error.message}`, share: this.#rule.share, samples: this.#rule.samples },
      `${this.#what}: one message after the other fails with the same error, which looks like an outage; ` +
        "single messages are tried until one is handled, and no failure counts meanwhile",
    );
    this.#pause(this.#lasting);
    this.#listener?.began();
  }

  #pause(lasting: Lasting): void {
    lasting.probe = undefined;
    lasting.pauseMs = delayMs(this.#rule.probe, lasting.probes + 1, this.#environment.random());
    lasting.probeAtMs = this.#clock.monotonicMs() + lasting.pauseMs;
    this.#timer?.cancel();
    this.#timer = this.#clock.after(lasting.pauseMs, () => this.#listener?.eased());
  }

  #end(lasting: Lasting): void {
    this.#lasting = undefined;
    this.#timer?.cancel();
    const lastedMs = this.#clock.nowMs() - lasting.since.getTime();
    this.#environment.logger.info(
      { error: `${lasting.error.name}: ${lasting.error.message}`, lastedMs, probes: lasting.probes },
      `${this.#what}: a message was handled: the outage is over, and it runs at full speed again`,
    );
    this.#listener?.eased();
  }

  get #clock(): Clock {
    return this.#environment.clock;
  }
}

/** The handler threw, or its time was over; not what it said on purpose, and not what never got to it. */
function isFailure(verdict: Exclude<Verdict, { readonly kind: "done" }>): boolean {
  if (verdict.kind === "dead" && verdict.reason !== "attempts") return false;
  return !(verdict.error instanceof HandlersWord) && !hasCode(verdict.error, "LEASE_EXPIRED");
}
