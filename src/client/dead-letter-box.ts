import type { DeclaredChannel, StagedMessage } from "../driver.js";
import { deadLetterSpecOf } from "./complete.js";
import { deadLetterOf, describeError } from "./dead-letter.js";
import type { Environment } from "./environment.js";
import { describeHandling } from "./handling.js";
import type { Handling } from "./handling.js";
import type { HeldDelivery } from "./held-delivery.js";
import { deadLetterName } from "./names.js";
import type { Dead } from "./verdict.js";

/** Writes the dead letters of one consumer. Their queue is declared when the first one comes. */
export class DeadLetterBox<T> {
  readonly #handling: Handling<T>;
  readonly #environment: Environment;
  readonly #name: string;
  #declared: DeclaredChannel | undefined;
  #declaring: Promise<DeclaredChannel> | undefined;
  /** Those that were there before count too: an alert must outlive a restart. */
  #count = 0;
  #isTold = false;

  constructor(handling: Handling<T>, environment: Environment) {
    this.#handling = handling;
    this.#environment = environment;
    this.#name = deadLetterName(handling.channel.name, handling.group);
  }

  /** The dead letter of `held`, to be sent with its settlement. Rejects when its queue cannot be declared. */
  stage(held: HeldDelivery<T>, verdict: Dead): StagedMessage | Promise<StagedMessage> {
    if (this.#declared !== undefined) return this.#write(this.#declared, held, verdict);
    this.#declaring ??= this.#declare().finally(() => (this.#declaring = undefined));
    return this.#declaring.then((declared) => this.#write(declared, held, verdict));
  }

  async #declare(): Promise<DeclaredChannel> {
    const { driver } = this.#environment;
    const { channel, policy, group } = this.#handling;
    const declared = await driver.declare(deadLetterSpecOf({ name: channel.name, policy }, group, driver));
    // To count is good to have, and nothing a message may hang on.
    this.#count = await driver.admin.stats(this.#name).then(
      ({ messages }) => messages,
      () => 0,
    );
    this.#declared = declared;
    return declared;
  }

  #write(channel: DeclaredChannel, held: HeldDelivery<T>, verdict: Dead): StagedMessage {
    const { driver, clock } = this.#environment;
    const lastFailedAtMs = clock.nowMs();
    const message = deadLetterOf(
      {
        channel: this.#handling.channel.name,
        group: this.#handling.group,
        incoming: held.incoming,
        reason: verdict.reason,
        error: verdict.error,
        attempts: held.attempt,
        firstFailedAtMs: held.incoming.firstFailedAtMs ?? lastFailedAtMs,
        lastFailedAtMs,
      },
      driver.messageBytesMax,
    );
    return { channel, message };
  }

  /** It is on its way: the log tells of the first, or of as many as the channel says. */
  tell(held: HeldDelivery<T>, verdict: Dead): void {
    this.#count += 1;
    const { logger } = this.#environment;
    const { name, message } = describeError(verdict.error);
    const fields = { channel: this.#name, id: held.incoming.id, reason: verdict.reason, error: `${name}: ${message}` };
    logger.debug(fields, "dead letter");
    if (this.#isTold || this.#count < this.#handling.policy.deadLetter.alertAt) return;
    this.#isTold = true;
    const count = this.#count === 1 ? "a first dead letter" : `${this.#count} dead letters by now`;
    logger.error(
      fields,
      `${describeHandling(this.#handling)}: ${count}; look with "millrace dead list" or admin.dead(), be told with admin.alerts()`,
    );
  }
}
