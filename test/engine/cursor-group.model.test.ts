/**
 * A group of a stream against what its members may count on: each partition in order, nobody has what another has, what
 * was settled does not come again, and nothing is left out, whoever joins, leaves, fails and stalls meanwhile.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Delivery } from "../../src/engine/message.js";
import type { StreamChannel } from "../../src/engine/stream-channel.js";
import { type Consumer, consume, done, leaseMs, message, release, retry, turn, World } from "./world.js";

const partitionsFirst = 2;
const partitionsMax = 5;
const membersMax = 3;

type Step =
  | { readonly do: "send"; readonly count: number }
  | { readonly do: "take"; readonly member: number; readonly max: number }
  | {
      readonly do: "settle";
      readonly member: number;
      readonly which: number;
      readonly how: "done" | "retry" | "later" | "release";
    }
  | { readonly do: "leave"; readonly member: number }
  | { readonly do: "stop"; readonly member: number }
  | { readonly do: "advance"; readonly ms: number }
  | { readonly do: "seek"; readonly partition: number; readonly to: number }
  | { readonly do: "raise" }
  | { readonly do: "wall"; readonly ms: number }
  | { readonly do: "kill" }
  | { readonly do: "cut" };

const member = fc.nat(membersMax - 1);
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("send" as const), count: fc.integer({ min: 1, max: 6 }) }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("take" as const), member, max: fc.integer({ min: 1, max: 6 }) }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      member,
      which: fc.nat(5),
      how: fc.constantFrom("done", "done", "done", "retry", "later", "release"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), member }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("stop" as const), member }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(1000, leaseMs) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("seek" as const),
      partition: fc.nat(partitionsMax - 1),
      to: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "raise" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("wall" as const), ms: fc.constantFrom(3_600_000, -3_600_000, 1e9) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "kill" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "cut" as const }) },
);

interface ModelPartition {
  readonly settled: Set<number>;
  /** Settled by a member, at any time: moved back before it, the group gets it as a replay. */
  readonly handled: Set<number>;
  /** What of it was handled before the group was moved last. */
  handledBefore: ReadonlySet<number>;
  readonly leased: Map<number, Consumer>;
  position: number;
  end: number;
}

class Trial {
  readonly #world: World;
  #stream!: StreamChannel;
  #members: Consumer[] = [];
  #held: Delivery[][] = [];
  readonly #taking = new Set<Consumer>();
  #failure: Error | undefined;
  readonly #model: ModelPartition[] = Array.from({ length: partitionsFirst }, newPartition);
  /** By how much the wall clock was set back, all times together. */
  #setBackMs = 0;

  constructor(world: World) {
    this.#world = world;
  }

  async open(): Promise<void> {
    this.#stream = await this.#world.stream("events", { partitions: this.#model.length });
    this.#members = [];
    for (let index = 0; index < membersMax; index++) this.#members.push(await this.#join());
    this.#held = this.#members.map(() => []);
  }

  async run(step: Step): Promise<void> {
    if (step.do === "send") await this.#send(step.count);
    else if (step.do === "take") await this.#take(step.member, step.max);
    else if (step.do === "settle") this.#settle(step);
    else if (step.do === "leave") await this.#leave(step.member);
    else if (step.do === "stop") await this.#stopAndLeave(step.member);
    else if (step.do === "advance") await this.#world.clock.advance(step.ms);
    else if (step.do === "seek") await this.#seek(step.partition, step.to);
    else if (step.do === "raise") await this.#raise();
    else if (step.do === "wall") this.#setWall(step.ms);
    else await this.#die(step.do);
    await turn();
    this.#withdrawLost();
  }

  #setWall(ms: number): void {
    this.#world.clock.jump(ms);
    this.#setBackMs += Math.max(0, -ms);
  }

  /** One member takes and settles everything that is left. */
  async drain(): Promise<void> {
    for (let index = 1; index < membersMax; index++) await this.#leave(index, false);
    // The next process knows of a retry only its wall time: it waits longer by as much as the clock was set back before it began.
    await this.#world.clock.advance(leaseMs * 2 + this.#setBackMs);
    this.#withdrawLost();
    for (let rounds = 0; rounds < 200 && this.#left() > 0; rounds++) {
      await this.#take(0, 100);
      for (const delivery of this.#held[0]!.splice(0)) this.#settled(this.#members[0]!, delivery);
    }
    assert.equal(this.#left(), 0, "something was never handed out");
  }

  #left(): number {
    return this.#model.reduce((sum, { end, settled }) => sum + end - settled.size, 0);
  }

  #join(): Promise<Consumer> {
    return consume(this.#stream, { group: "g" });
  }

  async #send(count: number): Promise<void> {
    for (let each = 0; each < count; each++) {
      const receipt = await this.#stream.publish(message("x"));
      this.#model[receipt.partition!]!.end++;
    }
  }

  /** A take that finds nothing goes on waiting: what it gets is written down in the moment it does. */
  async #take(index: number, max: number): Promise<void> {
    const consumer = this.#members[index]!;
    if (!this.#taking.has(consumer)) {
      this.#taking.add(consumer);
      const taken = (deliveries: readonly Delivery[]): void => {
        this.#taking.delete(consumer);
        this.#withdrawLost();
        for (const delivery of deliveries) this.#handedOut(consumer, delivery);
        if (this.#members[index] === consumer) this.#held[index]!.push(...deliveries);
      };
      consumer.source
        .take(max)
        .then(taken)
        .catch((error: unknown) => (this.#failure ??= error as Error));
    }
    await turn();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #handedOut(consumer: Consumer, delivery: Delivery): void {
    const part = this.#model[delivery.partition!]!;
    const offset = Number(delivery.offset);
    while (part.settled.has(part.position)) part.position++;
    assert.equal(offset, part.position, "handed out of order");
    assert.ok(!part.leased.has(offset), "somebody else has it");
    for (const owner of part.leased.values()) assert.equal(owner, consumer, "two members read one partition");
    assert.equal(delivery.replay, part.handledBefore.has(offset), "wrong about being a replay");
    part.leased.set(offset, consumer);
    part.position++;
  }

  #settle(step: Extract<Step, { readonly how: string }>): void {
    const [delivery] = this.#held[step.member]!.splice(step.which, 1);
    if (delivery === undefined) return;
    const consumer = this.#members[step.member]!;
    const part = this.#model[delivery.partition!]!;
    const offset = Number(delivery.offset);
    if (step.how === "done") return this.#settled(consumer, delivery);
    const settlement = step.how === "release" ? release : retry(step.how === "later" ? 1000 : 0);
    const behind = [...part.leased.keys()].filter((each) => each > offset);
    const [isOurs] = consumer.settle([delivery], settlement);
    assert.equal(isOurs, part.leased.get(offset) === consumer);
    if (isOurs !== true) return;
    const lost = consumer.lost.map((each) => Number(each.offset));
    assert.deepEqual(lost.sort(ascending), behind.sort(ascending), "not exactly what lies behind it was lost");
    this.#backTo(part, offset);
  }

  #settled(consumer: Consumer, delivery: Delivery): void {
    const part = this.#model[delivery.partition!]!;
    const offset = Number(delivery.offset);
    const isOurs = part.leased.get(offset) === consumer;
    assert.deepEqual(consumer.settle([delivery], done), [isOurs]);
    if (!isOurs) return;
    part.leased.delete(offset);
    part.settled.add(offset);
    part.handled.add(offset);
  }

  /** It and everything behind it is to be handed out again. */
  #backTo(part: ModelPartition, offset: number): void {
    part.position = Math.min(part.position, offset);
    for (const each of part.leased.keys()) if (each >= offset) part.leased.delete(each);
  }

  #withdrawLost(): void {
    for (const consumer of this.#members) {
      for (const delivery of consumer.lost.splice(0)) {
        const part = this.#model[delivery.partition!]!;
        part.position = Math.min(part.position, Number(delivery.offset));
        part.leased.delete(Number(delivery.offset));
      }
    }
    for (const [index, held] of this.#held.entries()) {
      this.#held[index] = held.filter((delivery) =>
        this.#model[delivery.partition!]!.leased.has(Number(delivery.offset)),
      );
    }
  }

  async #leave(index: number, isReplaced = true): Promise<void> {
    const consumer = this.#members[index]!;
    this.#withdrawLost();
    // What a waiting take got in this very moment is given back like the rest.
    await consumer.source.close();
    for (const part of this.#model) {
      const own = [...part.leased].filter(([, owner]) => owner === consumer).map(([offset]) => offset);
      if (own.length > 0) this.#backTo(part, Math.min(...own));
    }
    this.#held[index] = [];
    if (isReplaced) this.#members[index] = await this.#join();
  }

  async #stopAndLeave(index: number): Promise<void> {
    this.#members[index]!.source.stop();
    for (const delivery of this.#held[index]!.splice(0)) this.#settled(this.#members[index]!, delivery);
    await this.#leave(index);
  }

  /** To a place between the first record and the end: everything below it is settled, nothing from it on, and no lease is left. */
  async #seek(index: number, place: number): Promise<void> {
    const part = this.#model[index];
    if (part === undefined) return;
    const to = Math.round(place * part.end);
    const moving = this.#world.admin.seek("events", { group: "g", to: BigInt(to), partition: index });
    const lost = this.#members.flatMap(({ lost: each }) => each.filter(({ partition }) => partition === index));
    const offsets = lost.map((each) => Number(each.offset));
    assert.deepEqual(
      offsets.sort(ascending),
      [...part.leased.keys()].sort(ascending),
      "not exactly the leases were lost",
    );
    for (const { lost: each } of this.#members)
      each.splice(0, each.length, ...each.filter((one) => one.partition !== index));
    part.leased.clear();
    part.settled.clear();
    for (let offset = 0; offset < to; offset++) part.settled.add(offset);
    part.handledBefore = new Set(part.handled);
    part.position = to;
    this.#withdrawLost();
    await moving;
  }

  /** Members that are there get the new partitions without being asked. */
  async #raise(): Promise<void> {
    if (this.#model.length === partitionsMax) return;
    this.#model.push(newPartition());
    await this.#world.stream("events", { partitions: this.#model.length });
  }

  async #die(how: "kill" | "cut"): Promise<void> {
    for (const consumer of this.#members) await consumer.source.flush();
    if (how === "cut") await this.#world.cutPower("reordered");
    else await this.#world.kill();
    for (const part of this.#model) {
      part.leased.clear();
      part.position = 0;
    }
    await this.open();
  }
}

function newPartition(): ModelPartition {
  return {
    settled: new Set<number>(),
    handled: new Set<number>(),
    handledBefore: new Set<number>(),
    leased: new Map<number, Consumer>(),
    position: 0,
    end: 0,
  };
}

function ascending(one: number, other: number): number {
  return one - other;
}

describe("a group of a stream", () => {
  test("keeps its promises, whatever its members do", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 60, size: "max" }), async (run) => {
        const trial = new Trial(await World.open());
        await trial.open();
        for (const step of run) await trial.run(step);
        await trial.drain();
      }),
      { numRuns: 200 },
    );
    expect.assertions(0);
  });
});
