import type { DeclaredChannel, Driver, IncomingDelivery, Source } from "../driver.js";
import type { Logger } from "../base/logger.js";
import type { Clock } from "../base/clock.js";
import type { Channel } from "./channel.js";
import { deadLetterSpecOf } from "./complete.js";
import { deadLetterOf } from "./dead-letter.js";
import { deadLetterName } from "./names.js";
import { HandlersWord } from "./verdict.js";

export interface BurialParts {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly logger: Logger;
}

export type BuriedChannel = Pick<Channel<never>, "name" | "policy">;

/** How many are buried in one go. */
const batchMax = 256;

/** Burying one takes no time; this is for a process that hangs. */
const leaseMs = 30_000;

/** What could not be buried is tried again after this. */
const retryMs = 5_000;

/**
 * Takes what has expired in one queue, and makes dead letters of it, reason "expired": for as long as its Millrace is open, whether or
 * not anybody handles the queue.
 */
export class Burial {
  readonly #parts: BurialParts;
  readonly #channel: BuriedChannel;
  readonly #source: Source;
  readonly #ended: Promise<void>;
  #buried = 0;

  /** undefined where nothing is handed over: the driver lets messages expire by itself, or not at all. */
  static of(channel: BuriedChannel, declared: DeclaredChannel, parts: BurialParts): Burial | undefined {
    const source = declared.expired?.({ leaseMs, member: undefined, onLost: () => {} });
    return source === undefined ? undefined : new Burial(channel, source, parts);
  }

  private constructor(channel: BuriedChannel, source: Source, parts: BurialParts) {
    this.#channel = channel;
    this.#source = source;
    this.#parts = parts;
    // What ends it is told to everybody who sends or handles as well.
    this.#ended = this.#serve().catch((error: unknown) => {
      parts.logger.debug({ channel: channel.name, error }, "no more expired messages are buried");
    });
  }

  async close(): Promise<void> {
    this.#source.stop();
    await this.#ended;
    await this.#source.close();
  }

  async #serve(): Promise<void> {
    for (;;) {
      const deliveries = await this.#source.take(batchMax);
      if (deliveries.length === 0) return;
      try {
        await this.#bury(deliveries);
      } catch (error) {
        const text = `queue "${this.#channel.name}": expired messages could not be buried; they come again`;
        this.#parts.logger.error({ error }, text);
        for (const each of deliveries) this.#source.settle(each, { kind: "retry", delayMs: retryMs, counts: false });
      }
    }
  }

  async #bury(deliveries: readonly IncomingDelivery[]): Promise<void> {
    const { driver } = this.#parts;
    const letters = await driver.declare(deadLetterSpecOf(this.#channel, "", driver));
    for (const incoming of deliveries) {
      const message = deadLetterOf(this.#deathOf(incoming), driver.messageBytesMax);
      if (this.#source.settle(incoming, { kind: "done", sends: [{ channel: letters, message }] })) this.#tell(incoming);
    }
  }

  #deathOf(incoming: IncomingDelivery): Parameters<typeof deadLetterOf>[0] {
    const nowMs = this.#parts.clock.nowMs();
    return {
      channel: this.#channel.name,
      group: "",
      incoming,
      reason: "expired",
      error: new HandlersWord("Expired", "its time was over before it was done"),
      attempts: incoming.attempt,
      firstFailedAtMs: incoming.firstFailedAtMs ?? nowMs,
      lastFailedAtMs: nowMs,
    };
  }

  #tell({ id }: IncomingDelivery): void {
    this.#buried++;
    const { logger } = this.#parts;
    const fields = { channel: deadLetterName(this.#channel.name, ""), id, reason: "expired" };
    logger.debug(fields, "dead letter");
    if (this.#buried !== this.#channel.policy.deadLetter.alertAt) return;
    logger.error(
      fields,
      `queue "${this.#channel.name}": messages expire before they are done; look with "millrace dead list" or admin.dead()`,
    );
  }
}
