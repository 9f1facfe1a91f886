/**
 * A queue against a tiny model of it, in random interleavings of everything that can happen to its messages. The model knows nothing of
 * logs, bitmaps and timers: a message is where it is, has its attempts, and is due at a time.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { QueueChannel } from "../../src/engine/queue-channel.js";
import { Consumer, consume, done, leaseMs, message, release, retry, texts, turn, World } from "./world.js";

const sourcesMax = 3;

type Step =
  | {
      readonly do: "send";
      readonly count: number;
      readonly priority: number;
      readonly delayMs: number;
      readonly expiresMs: number | undefined;
    }
  | { readonly do: "bury" }
  | { readonly do: "take"; readonly source: number; readonly max: number }
  | { readonly do: "done"; readonly source: number; readonly which: number }
  | { readonly do: "release"; readonly source: number; readonly which: number }
  | {
      readonly do: "retry";
      readonly source: number;
      readonly which: number;
      readonly delayMs: number;
      readonly counts: boolean;
    }
  | { readonly do: "extend"; readonly source: number; readonly which: number }
  | { readonly do: "close"; readonly source: number }
  | { readonly do: "advance"; readonly ms: number }
  | { readonly do: "jump"; readonly ms: number }
  | { readonly do: "kill" }
  | { readonly do: "restart" };

const source = fc.nat(sourcesMax - 1);
const which = fc.nat(5);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      count: fc.integer({ min: 1, max: 8 }),
      priority: fc.constantFrom(1, 1, 2),
      delayMs: fc.constantFrom(0, 0, 1, 1000, 1500, leaseMs, leaseMs * 3),
      expiresMs: fc.constantFrom(undefined, undefined, 1, 1000, leaseMs * 2),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("take" as const), source, max: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("done" as const), source, which }) },
  { weight: 2, arbitrary: fc.constant({ do: "bury" as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("release" as const), source, which }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("retry" as const),
      source,
      which,
      delayMs: fc.constantFrom(0, 1000, leaseMs - 1, leaseMs, leaseMs * 3),
      counts: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("extend" as const), source, which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("close" as const), source }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(1, 1000, leaseMs / 2, leaseMs) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("jump" as const), ms: fc.constantFrom(-3_600_000, 3_600_000) }) },
  { weight: 3, arbitrary: fc.constantFrom({ do: "kill" as const }, { do: "restart" as const }) },
);

type Ending = Extract<Step, { readonly which: number }>;

interface Modelled {
  /** In order of sending, of all messages. */
  readonly number: number;
  readonly priority: number;
  /** It was sent with a delay: then it is in a lane of its own, and "fresh" once its time has come. */
  readonly delayed: boolean;
  /** In its lane. */
  readonly offset: number;
  state: "fresh" | "returned" | "leased" | "settled";
  /** Deliveries that count, the present one included. */
  attempts: number;
  /** Fresh or returned: not before this time. Leased: its deadline. Passing time, as the clock counts it. */
  atMs: number;
  /** From then on it is not delivered any more; and in wall time. */
  overMs: number;
  overAtMs: number;
  /** What a restart knows of the time it is due: wall time, 0 when it was due at once. */
  dueAtMs: number;
  source: number;
}

class Model {
  readonly messages: Modelled[] = [];

  readonly ageMs: number;

  constructor(ageMs: number) {
    this.ageMs = ageMs;
  }

  send(step: Extract<Step, { do: "send" }>, nowMs: number, wallMs: number): void {
    const { count, priority, delayMs } = step;
    const delayed = delayMs > 0;
    const afterMs = delayMs + Math.min(this.ageMs, step.expiresMs ?? Infinity);
    for (let each = 0; each < count; each++) {
      this.messages.push({
        number: this.messages.length,
        priority,
        delayed,
        offset: this.lane(priority, delayed).length,
        state: "fresh",
        attempts: 0,
        atMs: delayed ? nowMs + delayMs : 0,
        dueAtMs: delayed ? wallMs + delayMs : 0,
        overMs: nowMs + afterMs,
        overAtMs: wallMs + afterMs,
        source: -1,
      });
    }
  }

  lane(priority: number, delayed: boolean): Modelled[] {
    return this.messages.filter((each) => each.priority === priority && each.delayed === delayed);
  }

  /** The higher priority first; of the same, what was delayed first; of these, what came back first; then by time. */
  available(nowMs: number): Modelled[] {
    const waiting = this.messages.filter((each) => each.state === "returned" || each.state === "fresh");
    return waiting
      .filter((each) => each.atMs <= nowMs && each.overMs > nowMs)
      .sort(
        (one, other) =>
          other.priority - one.priority ||
          Number(other.delayed) - Number(one.delayed) ||
          Number(other.state === "returned") - Number(one.state === "returned") ||
          one.atMs - other.atMs ||
          one.offset - other.offset,
      );
  }

  /** What has expired and is in nobody's hands. */
  expired(nowMs: number): Modelled[] {
    return this.messages.filter(
      (each) => each.overMs <= nowMs && (each.state === "fresh" || each.state === "returned"),
    );
  }

  heldBy(index: number): Modelled[] {
    return this.messages.filter((each) => each.state === "leased" && each.source === index);
  }

  lease(taken: readonly Modelled[], index: number, nowMs: number): void {
    for (const each of taken)
      Object.assign(each, { state: "leased", attempts: each.attempts + 1, atMs: nowMs + leaseMs, source: index });
  }

  return(each: Modelled, nowMs: number, back: { delayMs: number; counts: boolean; wallMs: number }): void {
    each.state = "returned";
    each.attempts -= back.counts ? 0 : 1;
    each.atMs = back.delayMs > 0 ? nowMs + back.delayMs : 0;
    each.dueAtMs = back.delayMs > 0 ? back.wallMs + back.delayMs : 0;
  }

  expire(nowMs: number): void {
    for (const each of this.messages)
      if (each.state === "leased" && each.atMs <= nowMs)
        this.return(each, nowMs, { delayMs: 0, counts: true, wallMs: 0 });
  }

  /** A new process: no leases, and a clock that begins at 0. */
  reopen(wallMs: number): void {
    for (const each of this.messages) {
      if (each.state === "leased") this.return(each, 0, { delayMs: 0, counts: true, wallMs });
      if (each.state === "returned") each.atMs = each.dueAtMs === 0 ? 0 : Math.max(0, each.dueAtMs - wallMs);
      if (each.state === "fresh" && each.delayed) each.atMs = each.dueAtMs - wallMs;
      each.overMs = each.overAtMs - wallMs;
    }
  }
}

class Pair {
  readonly model: Model;
  readonly expires: number | undefined;
  readonly isInMemory: boolean;
  readonly world: World;
  queue: QueueChannel;
  consumers: Consumer[] = [];
  held: { readonly number: number; readonly delivery: Parameters<Consumer["settle"]>[0][number] }[][] = [];

  constructor(
    world: World,
    queue: QueueChannel,
    { expiresMs, isInMemory }: { readonly expiresMs: number | undefined; readonly isInMemory: boolean },
  ) {
    this.expires = expiresMs;
    this.isInMemory = isInMemory;
    this.model = new Model(expiresMs ?? Infinity);
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
    if (step.do === "send") await this.#send(step);
    else if (step.do === "take") await this.#take(step.source, step.max);
    else if (step.do === "close") await this.#close(step.source);
    else if (step.do === "advance") await this.#advance(step.ms);
    else if (step.do === "jump") this.world.clock.jump(step.ms);
    else if (step.do === "bury") await this.#bury();
    else if (step.do === "kill" || step.do === "restart") await this.#reopen(step.do);
    else this.#settle(step);
    await turn();
    this.#compare();
  }

  async #send(step: Extract<Step, { do: "send" }>): Promise<void> {
    const first = this.model.messages.length;
    this.model.send(step, this.nowMs, this.world.clock.nowMs());
    const { priority, delayMs, expiresMs } = step;
    await this.queue.publishAll(
      Array.from({ length: step.count }, (_, index) =>
        message(String(first + index), { priority, delayMs, expiresMs }),
      ),
    );
  }

  async #take(index: number, max: number): Promise<void> {
    const expected = this.model.available(this.nowMs).slice(0, max);
    // With nothing there, a take would wait and the next message be leased at a time nobody chose.
    if (expected.length === 0) return this.#expectNothing();
    const deliveries = await this.consumers[index]!.take(max);
    this.model.lease(expected, index, this.nowMs);
    const said = deliveries.map((delivery) => [Number(delivery.offset), texts([delivery])[0], delivery.attempt]);
    assert.deepEqual(
      said,
      expected.map((each) => [each.offset, String(each.number), each.attempts]),
    );
    for (const delivery of deliveries) this.held[index]!.push({ number: Number(texts([delivery])[0]), delivery });
  }

  /** Everything that has expired is handed out to be buried, and nothing else. */
  async #bury(): Promise<void> {
    const source = this.queue.expired({ leaseMs, member: undefined, onLost: () => {} });
    const grave = new Consumer(source, []);
    const expected = this.model.expired(this.nowMs);
    const buried = await grave.take();
    assert.deepEqual(
      texts(buried).map(Number).sort(ascending),
      expected.map(({ number }) => number),
    );
    grave.settle(buried);
    await grave.source.close();
    for (const each of expected) each.state = "settled";
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
    const each = this.model.messages[chosen.number]!;
    const isHeld = each.state === "leased" && each.source === step.source && each.attempts === chosen.delivery.attempt;
    const consumer = this.consumers[step.source]!;
    if (step.do === "extend") {
      consumer.source.extend([chosen.delivery], leaseMs);
      if (isHeld) each.atMs = this.nowMs + leaseMs;
      return;
    }
    this.held[step.source] = held.filter((other) => other !== chosen);
    const settlement = step.do === "retry" ? retry(step.delayMs, step.counts) : step.do === "done" ? done : release;
    assert.deepEqual(consumer.settle([chosen.delivery], settlement), [isHeld]);
    if (!isHeld) return;
    if (step.do === "done") each.state = "settled";
    else if (step.do === "release") this.model.return(each, this.nowMs, { delayMs: 0, counts: false, wallMs: 0 });
    else if (step.do === "retry") this.model.return(each, this.nowMs, { ...step, wallMs: this.world.clock.nowMs() });
  }

  async #close(index: number): Promise<void> {
    await this.consumers[index]!.source.close();
    for (const each of this.model.heldBy(index))
      this.model.return(each, this.nowMs, { delayMs: 0, counts: false, wallMs: 0 });
    this.consumers[index] = await consume(this.queue);
    this.held[index] = [];
  }

  async #advance(ms: number): Promise<void> {
    await this.world.clock.advance(ms);
    this.model.expire(this.nowMs);
  }

  async #reopen(how: "kill" | "restart"): Promise<void> {
    // Closing gives back, which is not counted; dying is.
    if (how === "restart") for (let index = 0; index < sourcesMax; index++) await this.#close(index);
    await this.world[how]();
    this.model.reopen(this.world.clock.nowMs());
    this.queue = await openQueue(this.world, this.expires);
    await this.openConsumers();
  }

  #compare(): void {
    const { work } = this.queue;
    const { messages } = this.model;
    const count = (state: Modelled["state"]): number => messages.filter((each) => each.state === state).length;
    assert.equal(work.inFlight, count("leased"));
    assert.equal(this.queue.depth, messages.length - count("settled"));
    // What has expired is neither ready nor delayed: until it is buried, which it is at once, it may count as either. And what was settled
    // before its time is counted until then where the index is on disk.
    if (this.model.expired(this.nowMs).length === 0 && this.isInMemory) this.#compareDelayed();
    for (const priority of [1, 2]) {
      const lane = this.model.lane(priority, false);
      const first = lane.find((each) => each.state !== "settled");
      const { progress } = work.lanes.find((each) => each.partition === priority - 1)!;
      assert.equal(progress.floor, first?.offset ?? lane.length);
    }
  }

  #compareDelayed(): void {
    const { work } = this.queue;
    const { messages } = this.model;
    const isDelayed = (each: Modelled): boolean => each.state === "returned" || each.state === "fresh";
    assert.equal(work.delayed, messages.filter((each) => isDelayed(each) && each.atMs > this.nowMs).length);
  }
}

function openQueue(world: World, expiresMs: number | undefined): Promise<QueueChannel> {
  return world.queue("work", { priorities: 2, expiresMs });
}

function ascending(one: number, other: number): number {
  return one - other;
}

describe("a queue", () => {
  test("does what its model does, whatever happens in whatever order", async () => {
    const anyRun = fc.array(steps, { minLength: 5, maxLength: 60, size: "max" });
    const anyQueue = fc.record({
      times: fc.boolean(),
      ageMs: fc.constantFrom(undefined, 1000, leaseMs),
      dueInMemory: fc.constantFrom(2, 5, 1000),
    });
    await fc.assert(
      fc.asyncProperty(anyRun, anyQueue, async (anySteps, { times, ageMs, dueInMemory }) => {
        // What a restart makes of a time after the wall clock was set depends on when it was written down: a test of its own.
        const run = anySteps
          .filter((step) => !times || step.do !== "jump")
          .map((step) => (step.do === "send" && !times ? { ...step, delayMs: 0, expiresMs: undefined } : step));
        const expiresMs = times ? ageMs : undefined;
        const world = await World.open({ limits: { dueInMemory } });
        const pair = new Pair(world, await openQueue(world, expiresMs), {
          expiresMs,
          isInMemory: dueInMemory === 1000,
        });
        await pair.openConsumers();
        for (const step of run) await pair.run(step);
        await world.engine.close();
      }),
      { numRuns: 400 },
    );
    expect.assertions(0);
  });
});
