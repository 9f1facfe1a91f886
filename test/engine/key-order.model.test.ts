/**
 * A group that reads a stream in the order of its keys, against what its members may count on: each key in order, no key is held up by another
 * ("park"), nobody has what another has, what was settled does not come again, no attempt is forgotten, and nothing is left out.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Delivery, StreamReading } from "../../src/engine/message.js";
import type { StreamChannel } from "../../src/engine/stream-channel.js";
import { type Consumer, consume, done, leaseMs, message, release, retry, turn, World } from "./world.js";

const partitions = 2;
const membersMax = 2;
const keys = ["a", "b", "c", "d", undefined];

type Step =
  | { readonly do: "send"; readonly key: number; readonly count: number }
  | { readonly do: "take"; readonly member: number; readonly max: number }
  | { readonly do: "settle"; readonly member: number; readonly which: number; readonly how: How }
  | { readonly do: "leave"; readonly member: number }
  | { readonly do: "advance"; readonly ms: number }
  | { readonly do: "kill" }
  | { readonly do: "cut" };
type How = "done" | "retry" | "later" | "release";

const member = fc.nat(membersMax - 1);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      key: fc.nat(keys.length - 1),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("take" as const), member, max: fc.integer({ min: 1, max: 8 }) }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      member,
      which: fc.nat(6),
      how: fc.constantFrom<How[]>("done", "done", "retry", "later", "release"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), member }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(500, 1000, leaseMs) }) },
  { weight: 1, arbitrary: fc.constant({ do: "kill" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "cut" as const }) },
);

interface Known {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | undefined;
  settled: boolean;
  holder: Consumer | undefined;
  /** Deliveries that counted. */
  attempts: number;
  /** Its lease ended with others: whether the last of them counts depends on which ended first. */
  isUnsure: boolean;
  /** On the wall. */
  dueMs: number;
}

class Trial {
  readonly #world: World;
  readonly #reading: StreamReading;
  #stream!: StreamChannel;
  #members: Consumer[] = [];
  readonly #taking = new Map<Consumer, Promise<void>>();
  readonly #known: Known[] = [];
  #failure: Error | undefined;

  constructor(world: World, reading: StreamReading) {
    this.#world = world;
    this.#reading = reading;
  }

  async open(): Promise<void> {
    this.#stream = await this.#world.stream("events", { partitions });
    this.#members = [];
    for (let index = 0; index < membersMax; index++) this.#members.push(await this.#join());
  }

  async run(step: Step): Promise<void> {
    if (step.do === "send") await this.#send(keys[step.key], step.count);
    else if (step.do === "take") await this.#take(step.member, step.max);
    else if (step.do === "settle") this.#settle(step);
    else if (step.do === "leave") await this.#leave(step.member);
    else if (step.do === "advance") await this.#world.clock.advance(step.ms);
    else await this.#die(step.do);
    await turn();
    this.#lose();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** One member alone is handed out everything that nothing holds back; then it settles all there is. */
  async drain(): Promise<void> {
    for (let index = 1; index < membersMax; index++) await this.#leave(index, false);
    await this.#world.clock.advance(leaseMs * 2);
    this.#lose();
    await this.#leave(0);
    await this.#take(0, 1000);
    const held = (each: Known): boolean => this.#reading.onFailure === "park" && each.dueMs > this.#world.clock.nowMs();
    for (const each of this.#known) {
      const isFree = !this.#known.some((other) => other.key === each.key && held(other));
      if (!each.settled && isFree) assert.ok(each.holder !== undefined, "held back by nothing, and not handed out");
    }
    for (let rounds = 0; rounds < 50 && this.#known.some(({ settled }) => !settled); rounds++) {
      for (const each of this.#heldBy(this.#members[0]!)) this.#done(this.#members[0]!, each);
      await this.#take(0, 1000);
      await this.#world.clock.advance(1000);
    }
    assert.ok(
      this.#known.every(({ settled }) => settled),
      "something was never handed out",
    );
  }

  #join(): Promise<Consumer> {
    return consume(this.#stream, { group: "g", stream: this.#reading });
  }

  async #send(key: string | undefined, count: number): Promise<void> {
    for (let each = 0; each < count; each++) {
      const { partition, offset } = await this.#stream.publish(message("x", { key }));
      this.#known.push({
        partition: partition!,
        offset: Number(offset),
        key,
        settled: false,
        holder: undefined,
        attempts: 0,
        isUnsure: false,
        dueMs: 0,
      });
    }
  }

  async #take(index: number, max: number): Promise<void> {
    const consumer = this.#members[index]!;
    if (!this.#taking.has(consumer)) {
      const taken = (deliveries: readonly Delivery[]): void => {
        this.#taking.delete(consumer);
        this.#lose();
        for (const delivery of deliveries) this.#handedOut(consumer, delivery);
      };
      this.#taking.set(
        consumer,
        consumer.source
          .take(max)
          .then(taken)
          .catch((error: unknown) => void (this.#failure ??= error as Error)),
      );
    }
    await turn();
    if (this.#failure !== undefined) throw this.#failure;
  }

  readonly #deliveries = new Map<Known, Delivery>();

  #handedOut(consumer: Consumer, delivery: Delivery): void {
    const known = this.#of(delivery);
    assert.ok(!known.settled, "it is settled");
    assert.equal(known.holder, undefined, "somebody has it");
    assert.ok(known.dueMs <= this.#world.clock.nowMs(), "before its time");
    const others = this.#known.filter((each) => each.partition === known.partition && each.holder !== undefined);
    assert.ok(
      others.every((each) => each.holder === consumer),
      "two members read one partition",
    );
    if (known.key !== undefined) {
      const ofKey = this.#known.filter((each) => each.key === known.key && !each.settled);
      for (const each of ofKey) {
        assert.equal(each.holder !== undefined, each.offset < known.offset, "not in the order of its key");
        if (each.offset >= known.offset) break;
      }
      assert.ok(
        ofKey.every((each) => each.offset <= known.offset || each.holder === undefined),
        "behind one that is out already",
      );
    }
    const expected = known.attempts + 1;
    assert.ok(delivery.attempt === expected || (known.isUnsure && delivery.attempt === expected - 1), "wrong attempt");
    known.isUnsure = false;
    known.attempts = delivery.attempt;
    known.holder = consumer;
    this.#deliveries.set(known, delivery);
  }

  #settle({ member: index, which, how }: Extract<Step, { readonly how: How }>): void {
    const consumer = this.#members[index]!;
    const known = this.#heldBy(consumer)[which];
    if (known === undefined) return;
    if (how === "done") return this.#done(consumer, known);
    const delivery = this.#deliveries.get(known)!;
    const behind = this.#behind(known);
    const settlement = how === "release" ? release : retry(how === "later" ? 1000 : 0);
    assert.deepEqual(consumer.settle([delivery], settlement), [true]);
    if (how === "release") known.attempts--;
    if (how === "later") known.dueMs = this.#world.clock.nowMs() + 1000;
    known.holder = undefined;
    const lost = consumer.lost.map((each) => this.#of(each));
    assert.deepEqual(new Set(lost), new Set(behind), "not exactly what lies behind it in its key was lost");
    for (const each of behind) each.attempts--;
    this.#lose(false);
  }

  #done(consumer: Consumer, known: Known): void {
    assert.deepEqual(consumer.settle([this.#deliveries.get(known)!], done), [true]);
    known.settled = true;
    known.holder = undefined;
  }

  #behind({ key, offset }: Known): Known[] {
    if (key === undefined) return [];
    return this.#known.filter((each) => each.key === key && each.offset > offset && each.holder !== undefined);
  }

  #heldBy(consumer: Consumer): Known[] {
    return this.#known.filter(({ holder }) => holder === consumer);
  }

  /** What a member was told that it has lost is nobody's. */
  #lose(isUnsure = true): void {
    for (const delivery of this.#members.flatMap(({ lost }) => lost.splice(0))) {
      const known = this.#of(delivery);
      known.holder = undefined;
      known.isUnsure = isUnsure;
    }
  }

  async #leave(index: number, isReplaced = true): Promise<void> {
    const consumer = this.#members[index]!;
    const giveBack = (): void => {
      for (const each of this.#heldBy(consumer)) {
        each.holder = undefined;
        each.attempts--;
      }
    };
    giveBack();
    await consumer.source.close();
    await this.#taking.get(consumer);
    this.#lose();
    // What a waiting take got in this very moment is given back like the rest.
    giveBack();
    if (isReplaced) this.#members[index] = await this.#join();
  }

  /** Leases end with the process, and what was out counts as delivered. */
  async #die(how: "kill" | "cut"): Promise<void> {
    for (const consumer of this.#members) await consumer.source.flush();
    if (how === "cut") await this.#world.cutPower("reordered");
    else await this.#world.kill();
    for (const each of this.#known) each.holder = undefined;
    await this.open();
  }

  #of({ partition, offset }: Delivery): Known {
    const known = this.#known.find((each) => each.partition === partition && each.offset === Number(offset));
    assert.ok(known !== undefined);
    return known;
  }
}

describe.for(["park", "block"] as const)(
  "a group that reads in the order of keys, and whose failures %s",
  (onFailure) => {
    test("keeps its promises, whatever its members do", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 60, size: "max" }), async (run) => {
          const trial = new Trial(await World.open(), { order: "key", onFailure, assignment: "range" });
          await trial.open();
          for (const step of run) await trial.run(step);
          await trial.drain();
        }),
        { numRuns: 150 },
      );
      expect.assertions(0);
    });
  },
);
