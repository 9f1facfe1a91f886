/** The index against a sorted array, across processes; and what it keeps in memory. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteReader, ByteWriter } from "../../src/base/bytes.js";
import { DueIndex } from "../../src/engine/due-index.js";
import type { Partition } from "../../src/log/partition/partition.js";
import { turn, World } from "./world.js";

const place = { groupId: 1, partition: 1, kind: 0 } as const;

/** The times of messages that exist only here: each is at its offset. */
class Messages {
  readonly #world: World;
  readonly past = new Set<number>();
  /** By offset, on the monotonic clock of the process that runs. */
  due: number[] = [];
  index = new DueIndex(place);
  readonly #inMemoryMax: number;

  constructor(world: World, inMemoryMax: number) {
    this.#world = world;
    this.#inMemoryMax = inMemoryMax;
  }

  get #nowMs(): number {
    return this.#world.clock.monotonicMs();
  }

  get timeline(): Partition {
    return this.#world.engine.log.partition(77, 0);
  }

  attach(): void {
    const { log, clock } = this.#world.engine;
    const { due } = this;
    const source = {
      startOffset: 0,
      get endOffset() {
        return due.length;
      },
      get nextOffset() {
        return due.length;
      },
      reader: () => ({ position: due.length, next: () => undefined, seek: () => {} }),
    } as unknown as Partition;
    const { timeline } = this;
    const isPast = (offset: number): boolean => this.past.has(offset);
    this.index.attach({
      log,
      clock,
      source,
      timeline,
      inMemoryMax: this.#inMemoryMax,
      dueAtMs: () => undefined,
      isPast,
    });
  }

  add(delayMs: number): void {
    this.index.add(this.due.length, this.#nowMs + delayMs);
    this.due.push(this.#nowMs + delayMs);
  }

  /** What is due, in order, as the index says. */
  fire(most: number): number[] {
    const fired: number[] = [];
    while (fired.length < most) {
      const offset = this.index.next(this.#nowMs);
      if (offset === undefined) break;
      this.index.pop();
      this.past.add(offset);
      fired.push(offset);
    }
    return fired;
  }

  expected(most: number): number[] {
    const due = [...this.due.keys()].filter((offset) => this.due[offset]! <= this.#nowMs && !this.past.has(offset));
    return due.sort((one, other) => this.due[one]! - this.due[other]! || one - other).slice(0, most);
  }

  /** Another process takes the index up as this one writes it down. */
  async reopen(): Promise<void> {
    const body = new ByteWriter();
    this.index.write(body);
    const nowMs = this.#nowMs;
    await this.#world.kill();
    // What is left of each is waited out.
    this.due = this.due.map((dueMs) => dueMs - nowMs + this.#nowMs);
    this.index = new DueIndex(place);
    this.index.read(new ByteReader(body.copy()));
    this.attach();
  }
}

type Step =
  | { readonly do: "add"; readonly delays: readonly number[] }
  | { readonly do: "fire"; readonly most: number }
  | { readonly do: "cancel"; readonly which: number }
  | { readonly do: "advance"; readonly ms: number }
  | { readonly do: "jump"; readonly ms: number }
  | { readonly do: "reopen" };

const delay = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constantFrom(10, 10_000, 20_000));
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("add" as const), delays: fc.array(delay, { maxLength: 12 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("fire" as const), most: fc.integer({ min: 1, max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cancel" as const), which: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(1, 7, 30, 15_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("jump" as const), ms: fc.constantFrom(-3_600_000, 3_600_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reopen" as const) }) },
);

async function run(messages: Messages, world: World, step: Step): Promise<void> {
  if (step.do === "add") for (const each of step.delays) messages.add(each);
  else if (step.do === "advance") await world.clock.advance(step.ms);
  else if (step.do === "jump") world.clock.jump(step.ms);
  else if (step.do === "reopen") await messages.reopen();
  else if (step.do === "cancel") messages.past.add(step.which % Math.max(1, messages.due.length));
  else {
    const expected = messages.expected(step.most);
    assert.deepEqual(messages.fire(step.most), expected);
  }
  messages.index.settleDown();
  await turn();
  const due = messages.expected(Infinity).length;
  const said = messages.index.countDue(world.clock.monotonicMs());
  assert.ok(said >= due && said <= due + messages.past.size, `${said} are said to be due, and ${due} are`);
}

describe("the index of what is due", () => {
  test("says what a sorted array says, whatever its size in memory, across clocks that are set and processes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(steps, { maxLength: 60, size: "max" }),
        fc.constantFrom(2, 3, 130, 1000),
        async (all, inMemory) => {
          const world = await World.open();
          const messages = new Messages(world, inMemory);
          messages.attach();
          for (const step of all) await run(messages, world, step);
          await world.clock.advance(30_000);
          const expected = messages.expected(Infinity);
          assert.deepEqual(messages.fire(Infinity), expected);
          messages.index.settleDown();
        },
      ),
      { numRuns: 300 },
    );
    expect.assertions(0);
  });

  test("keeps a bounded number in memory of a million, and reads on a little at a time", async () => {
    const count = 1_000_000;
    const inMemoryMax = 32_768;
    const world = await World.open({ limits: { walFileBytes: 16 * 1024 * 1024, walBytesMax: 512 * 1024 * 1024 } });
    const messages = new Messages(world, inMemoryMax);
    messages.attach();
    let most = 0;
    const look = async (): Promise<void> => {
      messages.index.settleDown();
      most = Math.max(most, messages.index.inMemory);
      await turn();
    };
    for (let each = 0; each < count; each++) {
      // Scattered over a day, as if by chance: 7919 is a prime.
      messages.add(1000 + ((each * 7919) % 86_400_000));
      if (each % 4096 === 0) await look();
    }
    const runs = count / (inMemoryMax / 2);
    expect(most).toBeLessThan(inMemoryMax + 4096 + runs * 256);
    await world.clock.advance(86_401_000);
    let last = -1;
    let fired = 0;
    for (let some = messages.fire(4096); some.length > 0; some = messages.fire(4096)) {
      fired += some.length;
      for (const offset of some) {
        assert.ok(messages.due[offset]! >= last);
        last = messages.due[offset]!;
      }
      await look();
    }
    expect(fired).toBe(count);
    expect(most).toBeLessThan(inMemoryMax + 4096 + runs * 256);
    await turn();
    expect(messages.timeline.bytes).toBe(0);
  });
});
