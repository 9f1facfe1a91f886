import { MillraceError } from "../base/errors.js";
import type { DriverSettlement, IncomingDelivery, Source, StagedMessage } from "../driver.js";
import { DeadLetterBox } from "./dead-letter-box.js";
import type { Environment } from "./environment.js";
import { describeHandling } from "./handling.js";
import type { Handling } from "./handling.js";
import type { HeldDelivery } from "./held-delivery.js";
import { afterError } from "./verdict.js";
import type { Dead, Retry, Rules, Verdict } from "./verdict.js";

const isDone: DriverSettlement = { kind: "done", sends: [] };

/** How long a message waits whose settlement the broker could not take, through no fault of its own. */
const refusedRetryMs = 5_000;

/** Carries verdicts out: tells the source, with everything that goes out in the same commit. */
export class Settler<T> {
  readonly #handling: Handling<T>;
  readonly #environment: Environment;
  readonly #source: Source;
  readonly #rules: Rules;
  readonly #box: DeadLetterBox<T>;

  constructor(handling: Handling<T>, environment: Environment, source: Source) {
    this.#handling = handling;
    this.#environment = environment;
    this.#source = source;
    this.#rules = { policy: handling.policy, rules: handling.rules, random: environment.random };
    this.#box = new DeadLetterBox(handling, environment);
  }

  /** Whether deliveries are settled before their handler begins. */
  get settlesAhead(): boolean {
    return this.#handling.guarantee === "at-most-once";
  }

  /** The way of nearly every message. */
  done(held: HeldDelivery<T>): void {
    held.concluded = true;
    if (this.settlesAhead) return;
    const { mark } = held;
    this.#source.settle(held.incoming, mark === undefined ? isDone : { kind: "done", sends: [], mark });
  }

  /** A promise only where something has to be waited for; it rejects only with what the source cannot go on after. */
  carryOut(held: HeldDelivery<T>, verdict: Verdict, sends: readonly StagedMessage[]): void | Promise<void> {
    held.conclude();
    if (this.settlesAhead) return this.#afterTheFact(held, verdict, sends);
    if (verdict.kind === "dead") return this.#bury(held, verdict);
    if (verdict.kind === "retry") return this.retry(held, verdict);
    if (sends.length === 0) return this.done(held);
    try {
      this.#source.settle(held.incoming, { kind: "done", sends, mark: held.mark });
    } catch (error) {
      return this.#refused(held, error);
    }
  }

  retry(held: HeldDelivery<T>, verdict: Retry): void {
    this.#source.settle(held.incoming, { kind: "retry", delayMs: verdict.delayMs, counts: verdict.counts });
  }

  /** Gives back what no handler has had, to come again after a while. */
  putOff(delivery: IncomingDelivery, delayMs: number): void {
    this.#source.settle(delivery, { kind: "retry", delayMs, counts: false });
  }

  /** Gives back what no handler has had. */
  release(delivery: IncomingDelivery): void {
    this.#source.settle(delivery, { kind: "release" });
  }

  /** Settles before the handler begins. False when it is no longer ours. */
  ahead(held: HeldDelivery<T>): boolean {
    return this.#source.settle(held.incoming, isDone);
  }

  /** Resolves once everything that was settled is durable. */
  flush(): Promise<void> {
    return this.#source.flush();
  }

  /** What the handler sent cannot be stored with its settlement: for now, as on a full disk, or at all, as when it is too much. */
  #refused(held: HeldDelivery<T>, error: unknown): void | Promise<void> {
    const passing = error instanceof MillraceError && error.retryable;
    if (passing) return this.#again(held, error, "what the handler sent could not be stored");
    const verdict = afterError(error, held.attempt, this.#rules);
    return verdict.kind === "dead" ? this.#bury(held, verdict) : this.retry(held, verdict as Retry);
  }

  #bury(held: HeldDelivery<T>, verdict: Dead): void | Promise<void> {
    const staged = this.#box.stage(held, verdict);
    if (!(staged instanceof Promise)) return this.#settleBuried(held, verdict, staged);
    return staged.then(
      (letter) => this.#settleBuried(held, verdict, letter),
      (error: unknown) => this.#again(held, error, "a dead letter could not be written"),
    );
  }

  #settleBuried(held: HeldDelivery<T>, verdict: Dead, letter: StagedMessage): void {
    try {
      if (this.#source.settle(held.incoming, { kind: "done", sends: [letter] })) this.#box.tell(held, verdict);
    } catch (error) {
      this.#again(held, error, "a dead letter could not be written");
    }
  }

  #again(held: HeldDelivery<T>, error: unknown, why: string): void {
    this.#environment.logger.error({ id: held.incoming.id, error }, `${this.#what}: ${why}; its message comes again`);
    this.#source.settle(held.incoming, { kind: "retry", delayMs: refusedRetryMs, counts: false });
  }

  /** The message was settled before its handler began: what there is left to do is told, and done if it can be. */
  #afterTheFact(held: HeldDelivery<T>, verdict: Verdict, sends: readonly StagedMessage[]): void | Promise<void> {
    if (verdict.kind === "done")
      return sends.length === 0 ? undefined : this.#commit(held, sends).then(() => undefined);
    if (!this.#handling.channel.spec.durable) {
      const text = `${this.#what}: the handler failed, and the message is not kept`;
      this.#environment.logger.warn({ id: held.incoming.id, error: verdict.error }, text);
      return;
    }
    // There are no further attempts: a retry ends here too.
    const dead: Dead = verdict.kind === "dead" ? verdict : { kind: "dead", reason: "attempts", error: verdict.error };
    return Promise.resolve(this.#box.stage(held, dead)).then(
      async (letter) => {
        if (await this.#commit(held, [letter])) this.#box.tell(held, dead);
      },
      (error: unknown) => this.#lost(held, error),
    );
  }

  async #commit(held: HeldDelivery<T>, sends: readonly StagedMessage[]): Promise<boolean> {
    try {
      await this.#environment.driver.commit(sends);
      return true;
    } catch (error) {
      this.#lost(held, error);
      return false;
    }
  }

  #lost(held: HeldDelivery<T>, error: unknown): void {
    const text = `${this.#what}: what came of a message settled before its handler could not be stored`;
    this.#environment.logger.error({ id: held.incoming.id, error }, text);
  }

  get #what(): string {
    return describeHandling(this.#handling);
  }
}
