/**
 * A compacted stream, read from its beginning, says of each key what was said last: whenever the keeper passes, the process dies, the power fails, and however
 * little of the stream fits in memory. Nothing is read that was not sent, and nothing out of order.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { StreamChannel } from "../../src/engine/stream-channel.js";
import { message, texts, turn, World } from "./world.js";

type Step =
  | { readonly do: "send"; readonly key: number; readonly bytes: number }
  | { readonly do: "delete"; readonly key: number }
  | { readonly do: "pass" }
  | { readonly do: "checkpoint" }
  | { readonly do: "advance"; readonly hours: number }
  | { readonly do: "kill" }
  | { readonly do: "cut"; readonly afterCalls: number };

const key = fc.nat(4);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant("send" as const), key, bytes: fc.constantFrom(10, 2000, 6000) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("delete" as const), key }) },
  { weight: 3, arbitrary: fc.constant({ do: "pass" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "checkpoint" as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("advance" as const), hours: fc.constantFrom(1, 25) }) },
  { weight: 1, arbitrary: fc.constant({ do: "kill" as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cut" as const), afterCalls: fc.nat(12) }) },
);

class Trial {
  readonly #world: World;
  readonly #sent = new Map<number, readonly [key: string, value: string]>();
  readonly #state = new Map<string, string>();
  #stream!: StreamChannel;

  constructor(world: World) {
    this.#world = world;
  }

  async open(): Promise<void> {
    this.#stream = await this.#world.stream("prices", { compact: true });
  }

  async run(step: Step): Promise<void> {
    if (step.do === "send") await this.#send(`k${step.key}`, `${this.#sent.size}`.padEnd(step.bytes, "x"));
    else if (step.do === "delete") await this.#send(`k${step.key}`, "");
    else if (step.do === "pass") await this.#world.engine.keeper.pass();
    else if (step.do === "checkpoint") await this.#world.engine.log.checkpoint();
    else if (step.do === "advance") await this.#world.clock.advance(step.hours * 3_600_000);
    else if (step.do === "kill") await this.#world.kill();
    else await this.#cut(step.afterCalls);
    if (step.do === "kill" || step.do === "cut") await this.open();
    await this.check();
  }

  async check(): Promise<void> {
    const read = new Map<string, string>();
    let before = -1;
    const all = { from: "earliest", until: "end", partition: undefined, signal: undefined } as const;
    for await (const chunk of this.#stream.read(all)) {
      for (const each of chunk) {
        const offset = Number(each.offset);
        assert.ok(offset > before, "out of order");
        before = offset;
        const value = texts([each])[0]!;
        assert.deepEqual([each.key, value], this.#sent.get(offset), "nobody sent this");
        if (value === "") read.delete(each.key!);
        else read.set(each.key!, value);
      }
    }
    assert.deepEqual([...read].sort(), [...this.#state].sort());
  }

  async #send(key: string, value: string): Promise<void> {
    const { offset } = await this.#stream.publish(message(value, { key }));
    this.#sent.set(Number(offset), [key, value]);
    if (value === "") this.#state.delete(key);
    else this.#state.set(key, value);
  }

  /** In the middle of a pass and a checkpoint. */
  async #cut(afterCalls: number): Promise<void> {
    const { disk, engine } = this.#world;
    disk.crashAt(disk.calls + afterCalls);
    void engine.keeper
      .pass()
      .then(() => engine.log.checkpoint())
      .catch(() => {});
    for (let each = 0; each < 8; each++) await turn();
    await this.#world.cutPower("reordered");
  }
}

test("a compacted stream tells the last of each key", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { minLength: 10, maxLength: 60, size: "max" }),
      fc.constantFrom(200, 64 * 1024),
      async (run, compactionBytes) => {
        const trial = new Trial(await World.open({ limits: { compactionBytes } }));
        await trial.open();
        for (const step of run) await trial.run(step);
      },
    ),
    { numRuns: 80 },
  );
  expect.assertions(0);
});
