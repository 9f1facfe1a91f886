/**
 * What a process did and was told, in order. A crash cuts it: what was told before the cut must be true for whoever
 * opens the directory next; what was begun and not told may or may not be.
 */
import type { ChannelName, ReaderName } from "./operations.js";

export type Happening =
  /** Messages of one commit: all there, or none. */
  | { readonly what: "sent"; readonly messages: readonly SentMessage[] }
  | { readonly what: "acknowledged"; readonly messages: readonly SentMessage[] }
  | { readonly what: "handed"; readonly reader: ReaderName; readonly message: number; readonly attempt: number }
  /** `sends` are in the same commit. */
  | { readonly what: "settled"; readonly reader: ReaderName; readonly message: number; readonly sends: readonly SentMessage[] }
  /** Everything settled before this number of happenings is durable. */
  | { readonly what: "flushed"; readonly before: number }
  | { readonly what: "declared"; readonly name: string };

export interface SentMessage {
  /** Unique, and its payload; in the order of sending. */
  readonly number: number;
  readonly channel: ChannelName;
  readonly key: string;
}

/** What must and what may be true after a crash. */
export class Expectation {
  /** In the order of sending. */
  readonly sent: Map<number, SentMessage> = new Map();
  readonly acknowledged: Set<number> = new Set();
  /** Numbers of messages that belong to one commit. */
  readonly commits: number[][] = [];
  readonly settled: Map<ReaderName, Map<number, { readonly durable: boolean; readonly sends: readonly number[] }>> = new Map();
  /** The last attempt handed out. */
  readonly attempts: Map<string, number> = new Map();
  readonly declared: Set<string> = new Set();

  constructor(history: readonly Happening[], length: number) {
    let flushedBefore = 0;
    for (let index = 0; index < length; index++) {
      const happening = history[index] as Happening;
      if (happening.what === "flushed") flushedBefore = Math.max(flushedBefore, happening.before);
    }
    for (let index = 0; index < length; index++) this.#take(history[index] as Happening, index < flushedBefore);
  }

  settledBy(reader: ReaderName, message: number): { readonly durable: boolean; readonly sends: readonly number[] } | undefined {
    return this.settled.get(reader)?.get(message);
  }

  #take(happening: Happening, durable: boolean): void {
    switch (happening.what) {
      case "sent":
        this.#send(happening.messages);
        return;
      case "acknowledged":
        for (const message of happening.messages) this.acknowledged.add(message.number);
        return;
      case "handed":
        this.attempts.set(`${happening.reader} ${happening.message}`, happening.attempt);
        return;
      case "settled":
        this.#settle(happening, durable);
        return;
      case "declared":
        this.declared.add(happening.name);
        return;
      case "flushed":
        return;
    }
  }

  #send(messages: readonly SentMessage[]): void {
    this.commits.push(messages.map((message) => message.number));
    for (const message of messages) this.sent.set(message.number, message);
  }

  #settle({ reader, message, sends }: Extract<Happening, { what: "settled" }>, durable: boolean): void {
    if (sends.length > 0) this.#send(sends);
    const numbers = sends.map((each) => each.number);
    if (durable) for (const number of numbers) this.acknowledged.add(number);
    let settled = this.settled.get(reader);
    if (settled === undefined) this.settled.set(reader, (settled = new Map()));
    settled.set(message, { durable, sends: numbers });
  }
}
