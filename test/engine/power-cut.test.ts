/**
 * What a power cut at any moment may change about deliveries, and what not. The judge knows only what was promised: a send that
 * resolved, a settlement whose flush resolved, and the attempts that were handed out.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MillraceError } from "../../src/base/errors.js";
import { QueueChannel } from "../../src/engine/queue-channel.js";
import { type CrashStyleName, crashStyles } from "../../src/disk/simulated.js";
import type { Channel } from "../../src/engine/engine.js";
import type { Delivery, OutgoingMessage, Settlement, StreamReading } from "../../src/engine/message.js";
import { Consumer, consume, done, leaseMs, message, release, retry, texts, turn, World } from "./world.js";

const kinds = [
  "queue",
  "topic",
  "stream",
  "queue of delayed messages",
  "queue with order per key",
  "stream settled each by itself",
  "stream in the order of its keys",
] as const;
type Kind = (typeof kinds)[number];

const parks: StreamReading = { order: "key", onFailure: "park", assignment: "range" };

type Step =
  | { readonly do: "send"; readonly count: number; readonly waits: boolean }
  | { readonly do: "take"; readonly max: number }
  | { readonly do: "settle"; readonly which: number; readonly how: "done" | "retry" | "release" }
  | { readonly do: "flush"; readonly waits: boolean }
  | { readonly do: "advance"; readonly ms: number }
  | { readonly do: "seek"; readonly waits: boolean }
  | { readonly do: "cut"; readonly style: CrashStyleName; readonly afterCalls: number };

const styles = Object.keys(crashStyles) as CrashStyleName[];

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      count: fc.integer({ min: 1, max: 5 }),
      waits: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("take" as const), max: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 7,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      which: fc.nat(4),
      how: fc.constantFrom("done", "done", "retry", "release"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("flush" as const), waits: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(1000, leaseMs) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("seek" as const), waits: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("cut" as const), style: fc.constantFrom(...styles), afterCalls: fc.nat(6) }),
  },
);

interface Known {
  acknowledged: boolean;
  /** "perhaps": a settlement was made, and nothing said that it is durable; "cut": before a power cut, so nothing ever will. */
  settled: "no" | "perhaps" | "cut" | "surely";
  lastAttempt: number;
  dueAtMs: number;
}

class Trial {
  readonly known = new Map<string, Known>();
  #consumer!: Consumer;
  #channel!: Channel;
  #held: Delivery[] = [];
  readonly #drained = new Set<string>();
  #sent = 0;
  readonly #world: World;
  readonly #kind: Kind;

  constructor(world: World, kind: Kind) {
    this.#world = world;
    this.#kind = kind;
  }

  async open(): Promise<void> {
    this.#channel = await this.#declare();
    const group = this.#channel.spec.kind === "queue" ? "" : "g";
    const settle = this.#kind === "stream settled each by itself" ? "each" : undefined;
    const stream = this.#readsByKey ? parks : undefined;
    this.#consumer = await consume(this.#channel, { group, settle, stream });
    this.#held = [];
  }

  #declare(): Promise<Channel> {
    if (this.#kind === "topic") return this.#world.topic();
    if (this.#kind.startsWith("stream")) return this.#world.stream();
    const order = this.#hasKeys ? "per-key" : "none";
    return this.#world.queue("work", { priorities: this.#delays ? 2 : 1, order });
  }

  async run(step: Step): Promise<void> {
    if (step.do === "send") await this.#send(step.count, step.waits);
    else if (step.do === "take") await this.#take(step.max);
    else if (step.do === "settle") this.#settle(step.which, step.how);
    else if (step.do === "flush") await this.#flush(step.waits);
    else if (step.do === "advance") await this.#world.clock.advance(step.ms);
    else if (step.do === "seek") await this.#seek(step.waits);
    else await this.#cut(step.style, step.afterCalls);
  }

  get #delays(): boolean {
    return this.#kind === "queue of delayed messages";
  }

  get #hasKeys(): boolean {
    return this.#kind === "queue with order per key";
  }

  get #readsByKey(): boolean {
    return this.#kind === "stream in the order of its keys";
  }

  /** Takes and settles everything there is: what must be there is, and nothing else. */
  async drain(): Promise<void> {
    const seen = this.#drained;
    for (let round = 0; round < 3; round++) {
      for (const value of await this.#buried()) seen.add(value);
      for (let deliveries = await this.#taken(100); deliveries.length > 0; deliveries = await this.#taken(100)) {
        for (const value of texts(deliveries)) {
          assert.ok(!seen.has(value), `${value} was handed out to two at once`);
          seen.add(value);
        }
        this.#consumer.settle(deliveries);
      }
      await this.#world.clock.advance(leaseMs);
    }
    for (const [value, { acknowledged, settled }] of this.known) {
      if (acknowledged && settled === "no") assert.ok(seen.has(value), `${value} was acknowledged and is lost`);
      if (settled === "surely") assert.ok(!seen.has(value), `${value} was settled for certain and came again`);
    }
  }

  async #send(count: number, waits: boolean): Promise<void> {
    const values = Array.from({ length: count }, () => String(this.#sent++));
    for (const value of values)
      this.known.set(value, { acknowledged: false, settled: "no", lastAttempt: 0, dueAtMs: 0 });
    const messages = values.map((value) => this.#message(value));
    const sending = this.#channel.publishAll(messages).then(
      () => {
        for (const value of values) this.#of(value).acknowledged = true;
      },
      (error: unknown) => assert.ok(error instanceof MillraceError),
    );
    if (waits) await sending;
  }

  /** What has expired is handed out too, to be buried. */
  async #buried(): Promise<string[]> {
    if (!(this.#channel instanceof QueueChannel)) return [];
    const source = this.#channel.expired({ leaseMs, member: undefined, onLost: () => {} });
    const grave = new Consumer(source, []);
    const buried = await grave.take();
    grave.settle(buried);
    await grave.source.close();
    return texts(buried);
  }

  /** Most of them are delayed, some expire: more than the indexes keep in memory. */
  #message(value: string): OutgoingMessage {
    if (this.#hasKeys || this.#readsByKey) return message(value, { key: keyOf(value) });
    if (!this.#delays) return message(value);
    const delayMs = (Number(value) % 7) * 1500;
    this.#of(value).dueAtMs = this.#world.clock.nowMs() + delayMs;
    const expiresMs = Number(value) % 3 === 0 ? 20_000 : undefined;
    return message(value, { delayMs, expiresMs, priority: 1 + (Number(value) % 2) });
  }

  async #take(max: number): Promise<void> {
    this.#held.push(...(await this.#taken(max)));
  }

  async #taken(max: number): Promise<readonly Delivery[]> {
    const deliveries = await this.#consumer.take(max);
    for (const delivery of deliveries) {
      const known = this.#of(texts([delivery])[0]!);
      assert.ok(this.#world.clock.nowMs() >= known.dueAtMs, "it came before its time");
      assert.notEqual(known.settled, "surely", "what was settled for certain came again");
      assert.ok(
        delivery.attempt >= known.lastAttempt,
        `attempt ${delivery.attempt} after attempt ${known.lastAttempt}`,
      );
      known.lastAttempt = delivery.attempt;
      if (this.#hasKeys) this.#expectFirst(texts([delivery])[0]!);
    }
    return deliveries;
  }

  /** Nothing of its key that was sent before it is left, leased or not. */
  #expectFirst(value: string): void {
    for (const [earlier, { acknowledged, settled }] of this.known) {
      if (Number(earlier) >= Number(value) || keyOf(earlier) !== keyOf(value)) continue;
      const isLeft = acknowledged && settled === "no" && !this.#drained.has(earlier);
      assert.ok(!isLeft, `${value} was handed out before ${earlier}, which has the same key`);
    }
  }

  #settle(which: number, how: "done" | "retry" | "release"): void {
    const delivery = this.#held.splice(which, 1)[0];
    if (delivery === undefined) return;
    const settlement: Settlement = how === "done" ? done : how === "retry" ? retry() : release;
    const [isOurs] = this.#consumer.settle([delivery], settlement);
    if (isOurs === true && how === "done") this.#of(texts([delivery])[0]!).settled = "perhaps";
    // Uncounted: the same attempt may come again.
  }

  async #flush(waits: boolean): Promise<void> {
    const settled = [...this.known.values()].filter((each) => each.settled === "perhaps");
    const flushing = this.#consumer.source.flush().then(
      () => {
        // Unless the group was moved meanwhile.
        for (const each of settled) if (each.settled === "perhaps") each.settled = "surely";
      },
      (error: unknown) => assert.ok(error instanceof MillraceError),
    );
    if (waits) await flushing;
  }

  /** Back to the beginning of a stream: once that is acknowledged everything comes again, and before, it may. */
  async #seek(waits: boolean): Promise<void> {
    if (this.#channel.spec.kind !== "stream") return;
    // What a waiting take has got meanwhile was handed out before the move.
    await this.#take(100);
    const known = [...this.known.values()];
    for (const each of known) {
      if (each.settled !== "no") each.settled = "cut";
      each.lastAttempt = 0;
    }
    const seeking = this.#world.admin.seek("events", { group: "g", to: "earliest", partition: undefined }).then(
      () => {
        for (const each of known) if (each.settled === "cut") each.settled = "no";
      },
      (error: unknown) => assert.ok(error instanceof MillraceError),
    );
    if (waits) await seeking;
  }

  async #cut(style: CrashStyleName, afterCalls: number): Promise<void> {
    const { disk } = this.#world;
    // A few disk calls from now on, or at rest, whichever comes first.
    disk.crashAt(disk.calls + afterCalls);
    for (let each = 0; each < 4; each++) await turn();
    await this.#world.cutPower(style);
    for (const each of this.known.values()) if (each.settled === "perhaps") each.settled = "cut";
    await this.open();
  }

  #of(value: string): Known {
    const known = this.known.get(value);
    assert.ok(known !== undefined, `${value} was never sent`);
    return known;
  }
}

function keyOf(value: string): string {
  return String(Number(value) % 3);
}

describe.for(kinds)("a power cut under a %s", (kind) => {
  test("loses nothing acknowledged, brings back nothing settled for certain, and no count goes down", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 50, size: "max" }), async (run) => {
        const trial = new Trial(await World.open({ limits: { dueInMemory: 3 } }), kind);
        await trial.open();
        for (const step of run) await trial.run(step);
        await trial.run({ do: "cut", style: "reordered", afterCalls: 3 });
        await trial.drain();
      }),
      { numRuns: 150 },
    );
    expect.assertions(0);
  });
});
