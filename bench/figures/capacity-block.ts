/** A queue that is full all the time: senders wait for the consumer's room, message by message; against one with room for everything. */
import { bytes, queue } from "millrace";
import type { Consumer } from "millrace";
import { contest, rate } from "../contest.js";
import { Opened } from "../millrace.js";
import { atLeastHalf, value } from "../semantics.js";
import { rateOf } from "../work.js";

const senders = 1_000;
const concurrency = 256;

/** Senders and a consumer at work at the same time. Messages a second. */
class Flows extends Opened {
  override readonly name: string;
  readonly #messages: number;
  #consumer: Consumer | undefined;

  constructor(name: string, messages: number) {
    super();
    this.name = name;
    this.#messages = messages;
  }

  get #channel() {
    return queue("flow", { codec: bytes, capacity: { messages: this.#messages, whenFull: "block" } });
  }

  override async open(directory: string): Promise<void> {
    await super.open(directory);
    this.#consumer = this.mill.handle(this.#channel, () => {}, { concurrency });
  }

  override async close(): Promise<void> {
    await this.#consumer?.close();
    await super.close();
  }

  async round(seconds: number): Promise<readonly number[]> {
    const channel = this.#channel;
    let count = 0;
    const step = async (): Promise<number> => {
      await this.mill.send(channel, value(count++));
      return 1;
    };
    const rates = await Promise.all(Array.from({ length: senders }, () => rateOf(seconds, step)));
    return [rates.flat().reduce((sum, each) => sum + each, 0)];
  }
}

export const capacityBlock = contest({
  name: "capacity-block",
  measures: [
    {
      name: "capacity-block",
      title: "through a full queue, against one with room",
      unit: "messages/s",
      summarise: rate,
      target: atLeastHalf,
    },
  ],
  yardstick: () => new Flows("millrace-with-room", 1_000_000),
  subject: () => new Flows("millrace-full", concurrency * 2),
});
