/**
 * A durable topic against a tiny model of it: for each group, which messages wait, came back, are leased or settled. The model knows
 * nothing of logs, floors and segments; groups know nothing of each other, which is what it is about.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Delivery } from "../../src/engine/message.js";
import type { TopicChannel } from "../../src/engine/topic-channel.js";
import { type Consumer, consume, done, message, release, retry, texts, turn, World } from "./world.js";

const names = ["mail", "audit", "index"] as const;
type Name = (typeof names)[number];

type Step =
  | { readonly do: "send"; readonly count: number }
  | { readonly do: "join"; readonly group: Name; readonly from: "earliest" | "latest" }
  | { readonly do: "take"; readonly group: Name; readonly max: number }
  | Ending
  | { readonly do: "keep" | "checkpoint" }
  | { readonly do: "kill" | "restart" };

interface Ending {
  readonly do: "done" | "release" | "retry";
  readonly group: Name;
  readonly which: number;
}

const group = fc.constantFrom(...names);
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("send" as const), count: fc.integer({ min: 1, max: 20 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("join" as const), group, from: fc.constantFrom("earliest", "latest") }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("take" as const), group, max: fc.integer({ min: 1, max: 9 }) }) },
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constantFrom("done" as const, "done", "done", "release", "retry"),
      group,
      which: fc.nat(7),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("keep" as const, "checkpoint", "kill", "restart") }) },
);

/** One group. Everything from `first` on is in exactly one of these places. */
class GroupModel {
  readonly first: number;
  /** The next that was never delivered. */
  fresh: number;
  readonly returned = new Set<number>();
  readonly leased = new Map<number, Delivery>();
  readonly settled = new Set<number>();
  readonly attempts = new Map<number, number>();

  constructor(first: number) {
    this.first = first;
    this.fresh = first;
  }

  /** What came back first, then what is fresh; each in order. */
  take(max: number, end: number): number[] {
    const back = [...this.returned].sort((one, other) => one - other).slice(0, max);
    for (const number of back) this.returned.delete(number);
    const taken = [...back];
    while (taken.length < max && this.fresh < end) taken.push(this.fresh++);
    for (const number of taken) this.attempts.set(number, (this.attempts.get(number) ?? 0) + 1);
    return taken;
  }

  giveBack(number: number, counts: boolean): void {
    this.leased.delete(number);
    this.returned.add(number);
    if (!counts) this.attempts.set(number, (this.attempts.get(number) ?? 1) - 1);
  }

  get floor(): number {
    let floor = this.first;
    while (this.settled.has(floor)) floor++;
    return floor;
  }
}

class Pair {
  readonly world: World;
  topic: TopicChannel;
  readonly groups = new Map<Name, { readonly model: GroupModel; consumer: Consumer }>();
  #sent = 0;

  constructor(world: World, topic: TopicChannel) {
    this.world = world;
    this.topic = topic;
  }

  async run(step: Step): Promise<void> {
    if (step.do === "send") await this.#send(step.count);
    else if (step.do === "join") await this.#join(step.group, step.from);
    else if (step.do === "take") await this.#take(step.group, step.max);
    else if (step.do === "keep") await this.world.engine.keeper.pass();
    else if (step.do === "checkpoint") await this.world.engine.log.checkpoint();
    else if ("which" in step) this.#settle(step);
    else await this.#reopen(step.do);
    await turn();
    this.#compare();
  }

  /** Whatever happened: each group gets what it has not settled, all of it, once. */
  async drain(): Promise<void> {
    for (const name of this.groups.keys()) {
      const { model } = this.groups.get(name)!;
      while (model.returned.size > 0 || model.fresh < this.#sent) await this.#take(name, 100);
      assert.equal(model.settled.size + model.leased.size, this.#sent - model.first);
    }
  }

  async #send(count: number): Promise<void> {
    const values = Array.from({ length: count }, (_, index) => message(`${this.#sent + index}`.padEnd(120, ".")));
    await this.topic.publishAll(values);
    this.#sent += count;
  }

  async #join(name: Name, from: "earliest" | "latest"): Promise<void> {
    if (this.groups.has(name)) return;
    // Without a group a topic keeps everything here; with one, what all have settled is gone.
    const first = from === "latest" ? this.#sent : this.topic.partitions[0]!.startOffset;
    const consumer = await consume(this.topic, { group: name, from });
    this.groups.set(name, { model: new GroupModel(first), consumer });
  }

  async #take(name: Name, max: number): Promise<void> {
    const joined = this.groups.get(name);
    if (joined === undefined) return;
    const { model, consumer } = joined;
    const expected = model.take(max, this.#sent);
    // A take that finds nothing waits, and is answered at a time nobody chose.
    if (expected.length === 0) return;
    const deliveries = await consumer.take(max);
    assert.deepEqual(
      deliveries.map((delivery) => [Number.parseInt(texts([delivery])[0]!, 10), delivery.attempt]),
      expected.map((number) => [number, model.attempts.get(number)]),
    );
    for (const delivery of deliveries) model.leased.set(Number(delivery.offset), delivery);
  }

  #settle(step: Ending): void {
    const joined = this.groups.get(step.group);
    const held = [...(joined?.model.leased ?? [])];
    const chosen = held[step.which % Math.max(1, held.length)];
    if (joined === undefined || chosen === undefined) return;
    const [number, delivery] = chosen;
    const settlement = step.do === "done" ? done : step.do === "release" ? release : retry();
    assert.deepEqual(joined.consumer.settle([delivery], settlement), [true]);
    if (step.do !== "done") return joined.model.giveBack(number, step.do === "retry");
    joined.model.leased.delete(number);
    joined.model.settled.add(number);
  }

  async #reopen(how: "kill" | "restart"): Promise<void> {
    // Closing gives back, which is not counted; dying is.
    for (const { model } of this.groups.values())
      for (const number of model.leased.keys()) model.giveBack(number, how === "kill");
    await this.world[how]();
    this.topic = await this.world.topic();
    for (const [name, joined] of this.groups) joined.consumer = await consume(this.topic, { group: name });
  }

  #compare(): void {
    const partition = this.topic.partitions[0]!;
    assert.equal(partition.endOffset, this.#sent);
    for (const [name, { model }] of this.groups) {
      const { progress } = this.topic.workGroup(name)!.lanes[0]!;
      assert.equal(progress.floor, model.floor);
      // What somebody still needs is kept, whatever the others have settled.
      assert.ok(partition.startOffset <= Math.max(model.floor, model.first));
    }
  }
}

test("a durable topic does for each group what its model does, whatever the other groups do", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 10, maxLength: 60, size: "max" }), async (run) => {
      const world = await World.open({ limits: { segmentBytes: 1_000, partitionTailBytes: 500 } });
      const pair = new Pair(world, await world.topic());
      for (const step of run) await pair.run(step);
      await pair.drain();
      await world.engine.close();
    }),
    { numRuns: 300 },
  );
  expect.assertions(0);
});
