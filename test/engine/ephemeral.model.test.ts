/** An ephemeral topic against a tiny model of it: a bounded list for each who listens, and a count of what it had no room for. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hasCode } from "../../src/base/errors.js";
import type { EphemeralChannel } from "../../src/engine/ephemeral-channel.js";
import type { Delivery } from "../../src/engine/message.js";
import { type Consumer, consume, done, errorOf, message, release, retry, texts, turn, World } from "./world.js";

const capacityMax = 5;
const policies = ["drop-oldest", "drop-newest", "reject"] as const;
type Policy = (typeof policies)[number];

type Step =
  | { readonly do: "send"; readonly count: number }
  | { readonly do: "listen" }
  | { readonly do: "leave" | "take" | "done" | "release" | "retry"; readonly who: number };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("send" as const), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("listen" as const) }) },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constantFrom("leave" as const, "take", "take", "take", "done", "done", "release", "retry"),
      who: fc.nat(3),
    }),
  },
);

class Listener {
  readonly consumer: Consumer;
  /** Numbers and attempts, in the order they will be handed out in. */
  buffer: (readonly [number: number, attempt: number])[] = [];
  readonly held: { readonly number: number; readonly delivery: Delivery }[] = [];

  constructor(consumer: Consumer) {
    this.consumer = consumer;
  }

  /** How many it drops. */
  offer(number: number, policy: Policy): number {
    if (this.buffer.length < capacityMax) this.buffer.push([number, 1]);
    else if (policy === "drop-newest") return 1;
    else {
      const dropped = this.buffer.length + 1 - capacityMax;
      this.buffer = [...this.buffer.slice(dropped), [number, 1]];
      return dropped;
    }
    return 0;
  }
}

class Pair {
  readonly #topic: EphemeralChannel;
  readonly #policy: Policy;
  readonly #listeners: Listener[] = [];
  #sent = 0;
  #dropped = 0;

  constructor(topic: EphemeralChannel, policy: Policy) {
    this.#topic = topic;
    this.#policy = policy;
  }

  async run(step: Step): Promise<void> {
    if (step.do === "send") for (let count = 0; count < step.count; count++) await this.#send();
    else if (step.do === "listen") this.#listeners.push(new Listener(await consume(this.#topic)));
    else await this.#act(step);
    await turn();
    assert.equal(this.#topic.dropped, this.#dropped);
    assert.equal(
      [...this.#topic.subscriptions].reduce((sum, each) => sum + each.buffered, 0),
      this.#listeners.reduce((sum, each) => sum + each.buffer.length, 0),
    );
  }

  async #send(): Promise<void> {
    const number = this.#sent;
    const isFull = this.#listeners.some((each) => each.buffer.length >= capacityMax);
    const sending = this.#topic.publish(message(`${number}`));
    if (this.#policy === "reject" && isFull) {
      assert.ok(hasCode(await errorOf(sending), "QUEUE_FULL"));
      return;
    }
    this.#sent++;
    let taken = 0;
    for (const listener of this.#listeners) {
      this.#dropped += listener.offer(number, this.#policy);
      if (listener.buffer.some(([each]) => each === number)) taken++;
    }
    assert.equal((await sending).dropped, taken === 0 && this.#listeners.length > 0);
  }

  async #act(step: Extract<Step, { who: number }>): Promise<void> {
    const at = step.who % Math.max(1, this.#listeners.length);
    const listener = this.#listeners[at];
    if (listener === undefined) return;
    if (step.do === "leave") {
      this.#listeners.splice(at, 1);
      return listener.consumer.source.close();
    }
    if (step.do === "take") return this.#take(listener);
    const held = listener.held.shift();
    if (held === undefined) return;
    const settlement = step.do === "done" ? done : step.do === "release" ? release : retry();
    assert.deepEqual(listener.consumer.settle([held.delivery], settlement), [true]);
    // It comes back in front of the others, and its place is not taken from it.
    if (step.do !== "done")
      listener.buffer.unshift([held.number, held.delivery.attempt + (step.do === "retry" ? 1 : 0)]);
  }

  async #take(listener: Listener): Promise<void> {
    // A take that finds nothing waits, and is answered at a time nobody chose.
    if (listener.buffer.length === 0) return;
    const expected = listener.buffer.splice(0, 3);
    const deliveries = await listener.consumer.take(3);
    assert.deepEqual(
      deliveries.map((delivery) => [Number(texts([delivery])[0]), delivery.attempt]),
      expected,
    );
    for (const delivery of deliveries) listener.held.push({ number: Number(texts([delivery])[0]), delivery });
  }
}

test.for(policies)("an ephemeral topic whose buffers are full and %s does what its model does", async (policy) => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 10, maxLength: 80, size: "max" }), async (run) => {
      const world = await World.open();
      const capacity = { messages: capacityMax, bytes: Infinity, whenFull: policy };
      const pair = new Pair(await world.ephemeral("ticker", { capacity }), policy);
      for (const step of run) await pair.run(step);
      await world.engine.close();
    }),
    { numRuns: 300 },
  );
  expect.assertions(0);
});
