/**
 * Ids under any sequence of sends, waits, clocks set back, checkpoints, restarts and power cuts at any disk call. The judge knows only
 * what was promised: of two messages with one id within its window, one is stored, whatever became of the first send.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MillraceError } from "../../../src/base/errors.js";
import { type CrashStyleName, crashStyles } from "../../../src/disk/simulated.js";
import type { Channel } from "../../../src/engine/engine.js";
import type { Receipt } from "../../../src/engine/message.js";
import { consume, message, texts, turn, World } from "../world.js";

const windowMs = 100_000;

type Way = "publish" | "publishAll" | "commit";
type Step =
  | { readonly do: "send"; readonly ids: readonly number[]; readonly way: Way; readonly waits: boolean }
  | { readonly do: "advance"; readonly ms: number }
  | { readonly do: "setBack"; readonly ms: number }
  | { readonly do: "checkpoint" }
  | { readonly do: "restart" }
  | { readonly do: "cut"; readonly style: CrashStyleName; readonly afterCalls: number };

const styles = Object.keys(crashStyles) as CrashStyleName[];

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      ids: fc.array(fc.nat(7), { minLength: 1, maxLength: 4 }),
      way: fc.constantFrom<Way>("publish", "publishAll", "commit"),
      waits: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("advance" as const),
      ms: fc.constantFrom(1, 3_000, 10_000, 60_000, windowMs - 1, windowMs),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("setBack" as const), ms: fc.constantFrom(1_000, 10 * windowMs) }),
  },
  { weight: 2, arbitrary: fc.constant({ do: "checkpoint" } as const) },
  { weight: 1, arbitrary: fc.constant({ do: "restart" } as const) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("cut" as const), style: fc.constantFrom(...styles), afterCalls: fc.nat(8) }),
  },
);

interface Sent {
  readonly value: string;
  readonly id: string;
  readonly atMs: number;
  /** "unknown": nothing was said, or that it failed. */
  outcome: "unknown" | "stored" | "duplicate";
}

class Trial {
  readonly #world: World;
  readonly #kind: "queue" | "stream" | "topic";
  readonly #sent: Sent[] = [];
  #channel!: Channel;
  /** True time: no clock that is set changes it. */
  #nowMs = 0;
  /** When something last happened that may make ids stay longer. */
  #disturbedMs = -Infinity;

  constructor(world: World, kind: "queue" | "stream" | "topic") {
    this.#world = world;
    this.#kind = kind;
  }

  async open(): Promise<void> {
    this.#channel = await this.#world[this.#kind](undefined, { dedupMs: windowMs });
  }

  async run(step: Step): Promise<void> {
    const { clock, engine } = this.#world;
    if (step.do === "send") return this.#send(step);
    if (step.do === "checkpoint") return engine.log.checkpoint();
    if (step.do === "advance") {
      this.#nowMs += step.ms;
      return clock.advance(step.ms);
    }
    this.#disturbedMs = this.#nowMs;
    if (step.do === "setBack") return clock.jump(-step.ms);
    if (step.do === "restart") await this.#world.restart();
    else await this.#cut(step.style, step.afterCalls);
    return this.open();
  }

  /** What is stored is what was promised. */
  async judge(): Promise<void> {
    await turn();
    const group = this.#kind === "queue" ? "" : "g";
    const consumer = await consume(this.#channel, { group });
    const stored = new Set(texts(await consumer.take(10_000)));
    const lastStoredMs = new Map<string, number>();
    for (const { value, id, atMs, outcome } of this.#sent) {
      if (outcome === "stored") assert.ok(stored.has(value), `${value} was acknowledged and is lost`);
      if (outcome === "duplicate") assert.ok(!stored.has(value), `${value} was told to be a duplicate and is stored`);
      const before = lastStoredMs.get(id);
      if (outcome === "duplicate") {
        assert.ok(before !== undefined, `${value} was told to be a duplicate of nothing`);
        const isClear = before > this.#disturbedMs;
        assert.ok(!isClear || atMs <= before + windowMs * 1.1, `${value} came after the window and was not stored`);
      }
      if (!stored.has(value)) continue;
      assert.ok(before === undefined || atMs - before >= windowMs, `${id} is stored twice within its window: ${value}`);
      lastStoredMs.set(id, atMs);
    }
  }

  async #send({ ids, way, waits }: Extract<Step, { do: "send" }>): Promise<void> {
    const sent = ids.map((id): Sent => {
      const one: Sent = { value: `${id}:${this.#sent.length}`, id: String(id), atMs: this.#nowMs, outcome: "unknown" };
      this.#sent.push(one);
      return one;
    });
    const sending = this.#receipts(sent, way).then(
      (receipts) => {
        for (const [index, { duplicate, id }] of receipts.entries()) {
          const one = sent[index] as Sent;
          assert.equal(id, one.id);
          one.outcome = duplicate ? "duplicate" : "stored";
        }
      },
      (error: unknown) => assert.ok(error instanceof MillraceError, String(error)),
    );
    if (waits) await sending;
  }

  #receipts(sent: readonly Sent[], way: Way): Promise<Receipt[]> {
    const messages = sent.map(({ value, id }) => message(value, { id, key: value }));
    if (way === "publish") return Promise.all(messages.map((one) => this.#channel.publish(one)));
    if (way === "publishAll") return this.#channel.publishAll(messages);
    return this.#world.engine.commit(messages.map((one) => ({ channel: this.#channel, message: one })));
  }

  async #cut(style: CrashStyleName, afterCalls: number): Promise<void> {
    const { disk } = this.#world;
    disk.crashAt(disk.calls + afterCalls);
    for (let each = 0; each < 4; each++) await turn();
    await this.#world.cutPower(style);
  }
}

describe.for(["queue", "stream", "topic"] as const)("ids on a %s", (kind) => {
  test("count once within their window, whatever happens in between", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 60, size: "max" }), async (run) => {
        const trial = new Trial(await World.open(), kind);
        await trial.open();
        for (const step of run) await trial.run(step);
        await trial.judge();
      }),
      { numRuns: 150 },
    );
    expect.assertions(0);
  });
});
