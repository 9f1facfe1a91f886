import { hasCode } from "../../src/base/errors.js";
import type { Receipt } from "../../src/driver.js";
import type { Happening, SentMessage } from "./history.js";
import type { ChannelName, SendWith } from "./operations.js";
import { outgoing, type Station } from "./station.js";

/** Sends, and writes down what came of it. */
export class Senders {
  readonly #station: Station;
  #waiting = 0;

  constructor(station: Station) {
    this.#station = station;
  }

  /** Sends that have not been told their fate. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Resolves once it is told. */
  async send(to: ChannelName, count: number, how: SendWith = {}): Promise<void> {
    const messages = Array.from({ length: count }, () => this.#station.message(to, how));
    // Each partition's share of a batch is stored together: one commit of its own for each is all that is promised.
    for (const message of messages) this.#station.note({ what: "sent", messages: [message] });
    await this.#outcome(() => this.#station.channel(to).publishAll(messages.map(outgoing)), messages);
  }

  async transaction(channels: readonly ChannelName[]): Promise<void> {
    const messages = channels.map((channel) => this.#station.message(channel));
    this.#station.note({ what: "sent", messages });
    await this.#outcome(
      () => this.#station.driver.commit(messages.map((message) => this.#station.staged(message))),
      messages,
    );
  }

  async #outcome(call: () => Promise<readonly Receipt[]>, messages: readonly SentMessage[]): Promise<void> {
    const numbers = numbersOf(messages);
    this.#waiting++;
    try {
      const receipts = await call();
      for (const happening of told(messages, receipts, this.#station.nowMs())) this.#station.note(happening);
    } catch (error) {
      // The one refusal that may be answered by sending it again: so nothing of it must be there.
      if (hasCode(error, "DISK_FULL")) this.#station.note({ what: "refused", messages: numbers });
      this.#station.refused(error);
    } finally {
      this.#waiting--;
    }
  }
}

/** What receipts say of the messages. */
export function told(messages: readonly SentMessage[], receipts: readonly Receipt[], atMs: number): Happening[] {
  const duplicates = numbersOf(messages.filter((_, index) => receipts[index]?.duplicate === true));
  const dropped = numbersOf(messages.filter((_, index) => receipts[index]?.dropped === true));
  const stored = numbersOf(messages).filter((number) => !duplicates.includes(number) && !dropped.includes(number));
  return [
    { what: "refused", messages: dropped },
    { what: "acknowledged", messages: stored, atMs },
    { what: "duplicates", messages: duplicates },
  ];
}

function numbersOf(messages: readonly SentMessage[]): number[] {
  return messages.map((message) => message.number);
}
