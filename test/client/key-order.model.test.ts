/**
 * A consumer of a stream with several handlers at once, over the engine in memory, against what its user may count on: never two handlers of one key at a time, each key
 * in order, no more handlers than asked for, everything handled in the end, and a replay only of what was done before; whatever handlers do, and whoever pauses, closes and moves the group.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sleep } from "../../src/base/clock.js";
import { fixed, open, silentLogger, stream } from "../../src/index.js";
import type { Consumer, Millrace } from "../../src/index.js";
import { ManualClock } from "./manual-clock.js";

const events = stream<number>("events", { partitions: 2, attempts: 1_000, backoff: fixed("1s") });
const keys = ["a", "b", "c", "d", undefined];

type Step =
  | { readonly do: "send"; readonly key: number; readonly count: number }
  | { readonly do: "advance"; readonly ms: number }
  | { readonly do: "pause" | "resume" | "reopen" }
  | { readonly do: "seek"; readonly to: "earliest" | "latest" };

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      key: fc.nat(keys.length - 1),
      count: fc.integer({ min: 1, max: 5 }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(1, 7, 30, 1000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("pause" as const, "resume" as const) }) },
  { weight: 1, arbitrary: fc.constant({ do: "reopen" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("seek" as const),
      to: fc.constantFrom("earliest" as const, "latest" as const),
    }),
  },
);

interface Sent {
  readonly key: string | undefined;
  /** Its handler succeeded under a lease that counted, since the group was moved last, or it was passed over. */
  isDone: boolean;
  /** Its handler succeeded so, at any time. */
  isHandled: boolean;
  /** And before the group was moved last. */
  wasHandled: boolean;
}

interface Options {
  readonly concurrency: number;
  readonly onFailure: "block" | "park";
}

class Trial {
  readonly #mill: Millrace;
  readonly #clock: ManualClock;
  readonly #options: Options;
  readonly #sent: Sent[] = [];
  readonly #busy = new Map<string, number>();
  #running = 0;
  #moves = 0;
  #calls = 0;
  #failing = true;
  #failure: Error | undefined;
  #consumer!: Consumer;

  constructor(mill: Millrace, clock: ManualClock, options: Options) {
    this.#mill = mill;
    this.#clock = clock;
    this.#options = options;
  }

  begin(): void {
    this.#consumer = this.#mill.handle(events, (value, delivery) => this.#handle(value, delivery), {
      group: "g",
      ...this.#options,
    });
  }

  async run(step: Step): Promise<void> {
    if (step.do === "send") await this.#send(step);
    else if (step.do === "advance") await this.#clock.advance(step.ms);
    else if (step.do === "pause") this.#consumer.pause();
    else if (step.do === "resume") this.#consumer.resume();
    else if (step.do === "seek") await this.#seek(step.to);
    else {
      const closing = this.#consumer.close();
      await this.#clock.advance(40_000);
      await closing;
      this.begin();
    }
    await this.#clock.advance(0);
    this.#check();
  }

  async finish(): Promise<void> {
    this.#failing = false;
    this.#consumer.resume();
    await this.#clock.advance(60_000);
    this.#check();
    assert.ok(
      this.#sent.every(({ isDone }) => isDone),
      "something was never handled",
    );
  }

  async #send({ key, count }: Extract<Step, { readonly count: number }>): Promise<void> {
    for (let each = 0; each < count; each++) {
      const of = keys[key];
      this.#sent.push({ key: of, isDone: false, isHandled: false, wasHandled: false });
      await this.#mill.send(events, this.#sent.length - 1, of === undefined ? {} : { key: of });
    }
  }

  async #handle(
    index: number,
    { replay, signal }: { readonly replay: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    const sent = this.#sent[index]!;
    const moves = this.#moves;
    const { key = `alone ${index}` } = sent;
    this.#guard(() => {
      assert.equal(replay, sent.wasHandled, "wrong about being a replay");
      assert.ok(!sent.isDone, "it is done already");
      const before = this.#sent.slice(0, index).filter((each) => each.key !== undefined && each.key === sent.key);
      assert.ok(
        before.every(({ isDone }) => isDone),
        "out of the order of its key",
      );
      assert.ok(this.#running < this.#options.concurrency || this.#moves > 0, "more handlers than asked for");
      assert.ok((this.#busy.get(key) ?? -1) < moves, "two handlers of one key");
    });
    this.#busy.set(key, moves);
    this.#running++;
    const call = this.#calls++;
    await sleep(this.#clock, (call * 7) % 23);
    this.#running--;
    if (this.#busy.get(key) === moves) this.#busy.delete(key);
    if (this.#failing && call % 5 === 3) throw new Error("not this time");
    // What is settled under a lease from before a move counts for nothing.
    if (moves !== this.#moves || signal.aborted) return;
    sent.isDone = true;
    sent.isHandled = true;
  }

  async #seek(to: "earliest" | "latest"): Promise<void> {
    await this.#consumer.ready;
    const seeking = this.#mill.admin.seek(events, "g", to);
    // It takes effect within the turn that asks; by then handlers that have ended have been heard.
    this.#moves++;
    for (const sent of this.#sent) {
      sent.wasHandled = sent.isHandled;
      sent.isDone = to === "latest";
    }
    await seeking;
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#failure ??= error as Error;
    }
  }
}

test("several handlers at once keep their promises", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { minLength: 5, maxLength: 40, size: "max" }),
      fc.record({
        concurrency: fc.integer({ min: 1, max: 5 }),
        onFailure: fc.constantFrom("block" as const, "park" as const),
      }),
      async (run, options) => {
        const clock = new ManualClock();
        const mill = await open("memory:", { clock, logger: silentLogger, random: () => 0.5 });
        const trial = new Trial(mill, clock, options);
        trial.begin();
        await clock.advance(0);
        for (const step of run) await trial.run(step);
        await trial.finish();
        await mill.close({ drain: 0 });
      },
    ),
    { numRuns: 30 },
  );
  expect.assertions(0);
});
