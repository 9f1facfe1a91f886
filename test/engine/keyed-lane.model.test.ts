/**
 * A queue with order "per-key" against a model of it, in random interleavings of everything that can happen to its messages. The model is
 * a list for each key, of which only the first may be handed out, and a bag for the messages without a key. It does not say which of
 * the keys comes first.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { QueueChannel } from "../../src/engine/queue-channel.js";
import { type Consumer, consume, done, leaseMs, message, release, retry, texts, turn, World } from "./world.js";

const sourcesMax = 2;
const keys = ["a", "b", "c", undefined] as const;

type Step =
  | { readonly do: "send"; readonly keys: readonly (string | undefined)[] }
  | { readonly do: "take"; readonly source: number; readonly max: number }
  | { readonly do: "done" | "release"; readonly source: number; readonly which: number }
  | { readonly do: "retry"; readonly source: number; readonly which: number; readonly delayMs: number }
  | { readonly do: "remove"; readonly which: number }
  | { readonly do: "close"; readonly source: number }
  | { readonly do: "advance"; readonly ms: number }
  | { readonly do: "kill" | "restart" | "cutPower" };

const source = fc.nat(sourcesMax - 1);
const which = fc.nat(7);
const sent = fc.array(fc.constantFrom(...keys), { minLength: 1, maxLength: 10 });
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("send" as const), keys: sent }) },
  {
    weight: 9,
    arbitrary: fc.record({ do: fc.constant("take" as const), source, max: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 9, arbitrary: fc.record({ do: fc.constant("done" as const), source, which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("release" as const), source, which }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("retry" as const),
      source,
      which,
      delayMs: fc.constantFrom(0, 1000, leaseMs * 3),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("remove" as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("close" as const), source }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(1000, leaseMs) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("kill" as const, "restart" as const, "cutPower" as const) }),
  },
);

type Ending = Extract<Step, { readonly source: number; readonly which: number }>;

interface Modelled {
  readonly offset: number;
  readonly key: string | undefined;
  attempts: number;
  /** Which source has it leased; -1: none. */
  source: number;
  /** Leased: the deadline. Otherwise: not before this time. Both as the clock counts. */
  atMs: number;
  /** What a restart knows of the time it is due: wall time. */
  dueAtMs: number;
}

class Model {
  sent = 0;
  /** What is not settled, in order. */
  messages: Modelled[] = [];

  send(key: string | undefined): void {
    this.messages.push({ offset: this.sent++, key, attempts: 0, source: -1, atMs: 0, dueAtMs: 0 });
  }

  /** First of its key, not leased, and due. */
  available(nowMs: number): Modelled[] {
    return this.messages.filter((each) => this.isFirst(each) && each.source < 0 && each.atMs <= nowMs);
  }

  isFirst(each: Modelled): boolean {
    return each.key === undefined || this.messages.find(({ key }) => key === each.key) === each;
  }

  back(each: Modelled, atMs: number, dueAtMs: number): void {
    Object.assign(each, { source: -1, atMs, dueAtMs });
  }

  settle(each: Modelled): void {
    this.messages = this.messages.filter((other) => other !== each);
  }
}

class Pair {
  readonly model = new Model();
  readonly world: World;
  queue: QueueChannel;
  consumers: Consumer[] = [];
  held: {
    readonly each: Modelled;
    readonly attempt: number;
    readonly delivery: Parameters<Consumer["settle"]>[0][number];
  }[][] = [];

  constructor(world: World, queue: QueueChannel) {
    this.world = world;
    this.queue = queue;
  }

  get nowMs(): number {
    return this.world.clock.monotonicMs();
  }

  async openConsumers(): Promise<void> {
    this.consumers = await Promise.all(Array.from({ length: sourcesMax }, () => consume(this.queue)));
    this.held = this.consumers.map(() => []);
  }

  async run(step: Step): Promise<void> {
    if (step.do === "send") await this.#send(step.keys);
    else if (step.do === "take") await this.#take(step.source, step.max);
    else if (step.do === "remove") this.#remove(step.which);
    else if (step.do === "close") await this.#close(step.source);
    else if (step.do === "advance") await this.#advance(step.ms);
    else if ("which" in step) this.#settle(step);
    else await this.#reopen(step.do);
    await turn();
    this.#compare();
  }

  async #send(sent: readonly (string | undefined)[]): Promise<void> {
    const first = this.model.sent;
    for (const key of sent) this.model.send(key);
    await this.queue.publishAll(sent.map((key, index) => message(String(first + index), { key })));
  }

  async #take(index: number, max: number): Promise<void> {
    const available = this.model.available(this.nowMs);
    // With nothing there, a take would wait and the next message be leased at a time nobody chose.
    if (available.length === 0) return this.#expectNothing();
    const deliveries = await this.consumers[index]!.take(max);
    assert.equal(deliveries.length, Math.min(max, available.length));
    for (const delivery of deliveries) {
      const each = available.find(({ offset }) => offset === Number(delivery.offset));
      assert(each !== undefined && each.source < 0, `${delivery.id} is not the first of its key, or not due`);
      assert.equal(texts([delivery])[0], String(each.offset));
      each.attempts++;
      assert.equal(delivery.attempt, each.attempts);
      Object.assign(each, { source: index, atMs: this.nowMs + leaseMs });
      this.held[index]!.push({ each, attempt: each.attempts, delivery });
    }
  }

  async #expectNothing(): Promise<void> {
    const probe = await consume(this.queue);
    assert.deepEqual(await probe.take(), []);
    await probe.source.close();
  }

  #settle(step: Ending): void {
    const held = this.held[step.source]!;
    const chosen = held[step.which % Math.max(1, held.length)];
    if (chosen === undefined) return;
    const { each, attempt, delivery } = chosen;
    this.held[step.source] = held.filter((other) => other !== chosen);
    const isHeld = this.model.messages.includes(each) && each.source === step.source && each.attempts === attempt;
    const settlement = step.do === "retry" ? retry(step.delayMs) : step.do === "done" ? done : release;
    assert.deepEqual(this.consumers[step.source]!.settle([delivery], settlement), [isHeld]);
    if (!isHeld) return;
    if (step.do === "done") this.model.settle(each);
    else if (step.do === "retry" && step.delayMs > 0) {
      this.model.back(each, this.nowMs + step.delayMs, this.world.clock.nowMs() + step.delayMs);
    } else {
      if (step.do === "release") each.attempts--;
      this.model.back(each, 0, 0);
    }
  }

  /** As one removes or drops a message from outside, wherever it waits. */
  #remove(which: number): void {
    const waiting = this.model.messages.filter((each) => each.source < 0);
    const each = waiting[which % Math.max(1, waiting.length)];
    if (each === undefined) return;
    const batch = this.queue.partitions[0]!.reader(each.offset).next();
    const record = batch?.records(each.offset)[0];
    assert.equal(record?.offset, each.offset);
    this.queue.work.remove(0, record);
    this.model.settle(each);
  }

  async #close(index: number): Promise<void> {
    await this.consumers[index]!.source.close();
    for (const each of this.model.messages.filter(({ source: by }) => by === index)) {
      each.attempts--;
      this.model.back(each, 0, 0);
    }
    this.consumers[index] = await consume(this.queue);
    this.held[index] = [];
  }

  async #advance(ms: number): Promise<void> {
    await this.world.clock.advance(ms);
    for (const each of this.model.messages) {
      if (each.source >= 0 && each.atMs <= this.nowMs) this.model.back(each, 0, 0);
    }
  }

  async #reopen(how: "kill" | "restart" | "cutPower"): Promise<void> {
    // Closing gives back, which is not counted; dying is.
    if (how === "restart") for (let index = 0; index < sourcesMax; index++) await this.#close(index);
    // What was not durable yet may be lost: here it is, so that the model knows.
    await this.consumers[0]!.source.flush();
    await this.world[how]();
    const wallMs = this.world.clock.nowMs();
    for (const each of this.model.messages) {
      if (each.source >= 0) this.model.back(each, 0, 0);
      each.atMs = each.dueAtMs === 0 ? 0 : Math.max(0, each.dueAtMs - wallMs);
    }
    this.queue = await this.world.queue("work", { order: "per-key" });
    await this.openConsumers();
  }

  #compare(): void {
    const { messages, sent: end } = this.model;
    assert.equal(this.queue.work.inFlight, messages.filter(({ source: by }) => by >= 0).length);
    assert.equal(this.queue.depth, messages.length);
    assert.equal(this.queue.work.lanes[0]?.progress.floor, messages[0]?.offset ?? end);
  }
}

describe("a queue with order per key", () => {
  test("does what its model does, whatever happens in whatever order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 80, size: "max" }), async (run) => {
        const world = await World.open();
        const pair = new Pair(world, await world.queue("work", { order: "per-key" }));
        await pair.openConsumers();
        for (const step of run) await pair.run(step);
        await world.engine.close();
      }),
      { numRuns: 200 },
    );
    expect.assertions(0);
  });
});
