import type { DriverSettlement, IncomingDelivery, Source, StagedMessage } from "../driver.js";
import { DeadLetterBox } from "./dead-letter-box.js";
import type { Environment } from "./environment.js";
import { describeHandling } from "./handling.js";
import type { Handling } from "./handling.js";
import type { HeldDelivery } from "./held-delivery.js";
import type { Dead, Retry, Verdict } from "./verdict.js";

const isDone: DriverSettlement = { kind: "done", sends: [] };

/** How long a message waits whose dead letter could not be written. */
const deadLetterRetryMs = 5_000;

/** Carries verdicts out: tells the source, with everything that goes out in the same commit. */
export class Settler<T> {
  readonly #handling: Handling<T>;
  readonly #environment: Environment;
  readonly #source: Source;
  readonly #box: DeadLetterBox<T>;

  constructor(handling: Handling<T>, environment: Environment, source: Source) {
    this.#handling = handling;
    this.#environment = environment;
    this.#source = source;
    this.#box = new DeadLetterBox(handling, environment);
  }

  /** Whether deliveries are settled before their handler begins. */
  get settlesAhead(): boolean {
    return this.#handling.guarantee === "at-most-once";
  }

  /** The way of nearly every message. */
  done(held: HeldDelivery<T>): void {
    held.concluded = true;
    if (!this.settlesAhead) this.#source.settle(held.incoming, isDone);
  }

  /** A promise only where something has to be waited for; it never rejects. */
  carryOut(held: HeldDelivery<T>, verdict: Verdict, sends: readonly StagedMessage[]): void | Promise<void> {
    held.conclude();
    if (this.settlesAhead) return this.#afterTheFact(held, verdict, sends);
    if (verdict.kind === "dead") return this.#bury(held, verdict);
    if (verdict.kind === "done")
      this.#source.settle(held.incoming, sends.length === 0 ? isDone : { kind: "done", sends });
    else this.retry(held, verdict);
  }

  retry(held: HeldDelivery<T>, verdict: Retry): void {
    this.#source.settle(held.incoming, { kind: "retry", delayMs: verdict.delayMs, counts: verdict.counts });
  }

  /** Gives back what no handler has had. */
  release(delivery: IncomingDelivery): void {
    this.#source.settle(delivery, { kind: "release" });
  }

  /** Settles before the handler begins. False when it is no longer ours. */
  ahead(held: HeldDelivery<T>): boolean {
    return this.#source.settle(held.incoming, isDone);
  }

  /** Once everything that was settled is durable. */
  flush(): Promise<void> {
    return this.#source.flush();
  }

  #bury(held: HeldDelivery<T>, verdict: Dead): void | Promise<void> {
    const staged = this.#box.stage(held, verdict);
    if (!(staged instanceof Promise)) {
      this.#source.settle(held.incoming, { kind: "done", sends: [staged] });
      return;
    }
    return staged.then(
      (letter) => {
        this.#source.settle(held.incoming, { kind: "done", sends: [letter] });
      },
      (error: unknown) => {
        this.#environment.logger.error(
          { id: held.incoming.id, error },
          `${this.#what}: a dead letter could not be written; its message comes again`,
        );
        this.#source.settle(held.incoming, { kind: "retry", delayMs: deadLetterRetryMs, counts: false });
      },
    );
  }

  /** The message was settled before its handler began: what there is left to do is told, and done if it can be. */
  #afterTheFact(held: HeldDelivery<T>, verdict: Verdict, sends: readonly StagedMessage[]): void | Promise<void> {
    if (verdict.kind === "done") return sends.length === 0 ? undefined : this.#commit(held, sends);
    if (!this.#handling.channel.spec.durable) {
      this.#environment.logger.warn(
        { id: held.incoming.id, error: verdict.error },
        `${this.#what}: the handler failed, and the message is not kept`,
      );
      return;
    }
    // There are no further attempts: a retry ends here too.
    const dead: Dead = verdict.kind === "dead" ? verdict : { kind: "dead", reason: "attempts", error: verdict.error };
    return Promise.resolve(this.#box.stage(held, dead)).then(
      (letter) => this.#commit(held, [letter]),
      (error: unknown) => this.#lost(held, error),
    );
  }

  async #commit(held: HeldDelivery<T>, sends: readonly StagedMessage[]): Promise<void> {
    try {
      await this.#environment.driver.commit(sends);
    } catch (error) {
      this.#lost(held, error);
    }
  }

  #lost(held: HeldDelivery<T>, error: unknown): void {
    this.#environment.logger.error(
      { id: held.incoming.id, error },
      `${this.#what}: what came of a message settled before its handler could not be stored`,
    );
  }

  get #what(): string {
    return describeHandling(this.#handling);
  }
}
