/**
 * A full queue that drops, held against a list: what waits stands in it in the order of arrival, what is leased is apart. Under any
 * sequence of sends, takes, settlements, restarts and power cuts; where chance decides, the model asks what has become of the list.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/base/random.js";
import type { Delivery } from "../../src/engine/message.js";
import type { QueueChannel } from "../../src/engine/queue-channel.js";
import { type Consumer, consume, done, message, release, retry, texts, turn, World } from "./world.js";

const capacity = 5;

type Drops = "drop-oldest" | "drop-newest" | "drop-random";
type Step =
  | { readonly do: "send"; readonly count: number; readonly way: "each" | "batch" | "commit" }
  | { readonly do: "take"; readonly max: number }
  | { readonly do: "settle"; readonly which: number; readonly how: "done" | "retry" | "release" }
  | { readonly do: "restart" | "cut" };

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      count: fc.integer({ min: 1, max: 8 }),
      way: fc.constantFrom("each" as const, "batch" as const, "commit" as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("take" as const), max: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      which: fc.nat(4),
      how: fc.constantFrom("done", "retry", "release"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("restart" as const, "cut" as const) }) },
);

class Trial {
  readonly #world: World;
  readonly #whenFull: Drops;
  #queue!: QueueChannel;
  #consumer!: Consumer;
  #waiting: number[] = [];
  #leased: Delivery[] = [];
  #sent = 0;

  constructor(world: World, whenFull: Drops) {
    this.#world = world;
    this.#whenFull = whenFull;
  }

  async open(): Promise<void> {
    const bound = { messages: capacity, bytes: Infinity, whenFull: this.#whenFull };
    this.#queue = await this.#world.queue("work", { capacity: bound });
    this.#consumer = await consume(this.#queue);
    this.#leased = [];
  }

  async run(step: Step): Promise<void> {
    if (step.do === "send") await this.#send(step.count, step.way);
    else if (step.do === "take") await this.#take(step.max);
    else if (step.do === "settle") await this.#settle(step.which, step.how);
    else await this.#reopen(step.do);
    assert.equal(this.#queue.depth, this.#waiting.length + this.#leased.length);
    assert.ok(this.#queue.depth <= capacity);
  }

  async drain(): Promise<void> {
    const left = texts(await this.#consumer.take()).map(Number);
    assert.deepEqual(left.toSorted(ascending), this.#waiting);
  }

  async #send(count: number, way: "each" | "batch" | "commit"): Promise<void> {
    const values = Array.from({ length: count }, () => this.#sent++);
    const messages = values.map((value) => message(String(value)));
    const queue = this.#queue;
    const sending =
      way === "each"
        ? Promise.all(messages.map((one) => queue.publish(one)))
        : way === "batch"
          ? queue.publishAll(messages)
          : this.#world.engine.commit(messages.map((one) => ({ channel: queue, message: one })));
    const receipts = await sending;
    const told = values.filter((_, index) => receipts[index]?.dropped === false);
    if (this.#whenFull === "drop-random") return this.#sendAtRandom(values, told);
    for (const value of values) {
      if (this.#waiting.length + this.#leased.length < capacity) this.#waiting.push(value);
      else if (this.#whenFull === "drop-oldest" && this.#waiting.length > 0) {
        this.#waiting.shift();
        this.#waiting.push(value);
      }
    }
    // What was told to be dropped is; what was told to be stored may have been dropped by a later one.
    for (const value of this.#waiting.filter((each) => values.includes(each))) assert.ok(told.includes(value));
  }

  async #sendAtRandom(values: readonly number[], told: readonly number[]): Promise<void> {
    const room = capacity - this.#leased.length;
    const before = [...this.#waiting, ...values];
    const peeked = await this.#world.admin.peek("work", { group: "", limit: 100, after: undefined });
    const leased = new Set(texts(this.#leased));
    this.#waiting = texts(peeked)
      .filter((text) => !leased.has(text))
      .map(Number);
    for (const text of leased) assert.ok(texts(peeked).includes(text), `${text} was leased and is gone`);
    assert.equal(this.#waiting.length, Math.min(room, before.length));
    for (const value of this.#waiting) assert.ok(before.includes(value));
    for (const value of values.filter((each) => this.#waiting.includes(each))) assert.ok(told.includes(value));
    if (room > 0) assert.ok(this.#waiting.includes(values.at(-1) as number), "the last one goes in");
  }

  async #take(max: number): Promise<void> {
    // A take that has to wait would lease what comes while the model does not look.
    if (this.#waiting.length === 0) return;
    const deliveries = await this.#consumer.take(max);
    this.#leased.push(...deliveries);
    for (const text of texts(deliveries)) this.#waiting.splice(this.#waiting.indexOf(Number(text)), 1);
  }

  async #settle(which: number, how: "done" | "retry" | "release"): Promise<void> {
    const [delivery] = this.#leased.splice(which, 1);
    if (delivery === undefined) return;
    const settlement = how === "done" ? done : how === "retry" ? retry(0) : release;
    assert.deepEqual(this.#consumer.settle([delivery], settlement), [true]);
    if (how !== "done") this.#waiting = [...this.#waiting, Number(texts([delivery])[0])].toSorted(ascending);
    await turn();
  }

  async #reopen(how: "restart" | "cut"): Promise<void> {
    await this.#consumer.source.flush();
    this.#waiting = [...this.#waiting, ...texts(this.#leased).map(Number)].toSorted(ascending);
    await (how === "restart" ? this.#world.restart() : this.#world.cutPower());
    await this.open();
  }
}

function ascending(one: number, other: number): number {
  return one - other;
}

describe.for(["drop-oldest", "drop-newest", "drop-random"] as const)(
  "a queue that is full and has the policy %s",
  (whenFull) => {
    test("holds what a list would, and never more than it may", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 40, size: "max" }), fc.nat(), async (run, seed) => {
          const trial = new Trial(await World.open({ random: seededRandom(seed) }), whenFull);
          await trial.open();
          for (const step of run) await trial.run(step);
          await trial.run({ do: "restart" });
          await trial.drain();
        }),
        { numRuns: 120 },
      );
      expect.assertions(0);
    });
  },
);
