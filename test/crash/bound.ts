/** What may become of the messages of the queue that is bounded and drops the oldest that waits. */
import type { Expectation, SentMessage } from "./history.js";
import type { Discovery, Found } from "./judge.js";
import { boundedMessages } from "./subject.js";

/** Counts how many there can be at most: only a send that finds the queue full may drop anything. */
export class Bound {
  readonly #expected: Expectation;
  readonly #droppable = new Set<number>();
  #depthAtMost = 0;

  constructor(expected: Expectation) {
    this.#expected = expected;
    for (const { number, channel } of expected.sent.values())
      if (channel === "bounded" && !this.#isSettled(number)) this.#depthAtMost++;
  }

  /** Somebody may have sent another while it was full, and nobody held it. */
  mayBeDropped(number: number): boolean {
    return this.#droppable.has(number);
  }

  send({ channel }: SentMessage): void {
    if (channel !== "bounded") return;
    if (this.#depthAtMost < boundedMessages) {
      this.#depthAtMost++;
      return;
    }
    const leased = this.#expected.leased.get("bounded");
    for (const each of this.#expected.sent.values()) {
      if (each.channel === "bounded" && leased?.has(each.number) !== true) this.#droppable.add(each.number);
    }
  }

  /** Durably. */
  settled(reader: string): void {
    if (reader === "bounded") this.#depthAtMost--;
  }

  #isSettled(number: number): boolean {
    return this.#expected.settledBy("bounded", number) !== undefined;
  }
}

/** No more than it takes; and of two that nobody ever had, the older one went first. */
export function boundIsKept(expected: Expectation, found: Discovery): string | undefined {
  const there = found.handed.get("bounded") ?? [];
  if (there.length > boundedMessages) return `bounded has ${there.length} messages, and takes ${boundedMessages}`;
  // Who was ever in hand may have been so when it was its turn to go.
  const oldest = there
    .filter(({ number }) => !expected.wasHandedTo("bounded", number))
    .toSorted((one, other) => one.number - other.number)[0];
  return oldest === undefined ? undefined : olderIsGone(expected, there, oldest);
}

function olderIsGone(expected: Expectation, there: readonly Found[], oldest: Found): string | undefined {
  const numbers = new Set(there.map(({ number }) => number));
  for (const { number, channel } of expected.sent.values()) {
    if (channel !== "bounded" || number <= oldest.number || numbers.has(number)) continue;
    if (expected.acknowledged.has(number) && expected.settledBy("bounded", number) === undefined)
      return `message ${number} was dropped, and message ${oldest.number}, which was older, was not`;
  }
  return undefined;
}
