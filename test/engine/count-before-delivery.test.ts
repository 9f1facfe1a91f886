/** No crash makes a delivery count go down: a message comes again only once the disk has the count of the time before. */
import { describe, expect, test } from "vitest";
import type { Settlement } from "../../src/engine/message.js";
import { consume, leaseMs, release, retry, sendAll, turn, World } from "./world.js";

/** A disk whose syncs can be held back. */
class Gate {
  #held: (() => void)[] | undefined;

  readonly pass = (): Promise<void> => {
    const held = this.#held;
    return held === undefined ? Promise.resolve() : new Promise((resolve) => held.push(resolve));
  };

  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const resolve of held) resolve();
  }
}

describe.for(["queue", "topic", "stream"] as const)("a message of a %s that", (kind) => {
  test.for([
    ["is retried", retry(), 2],
    ["is retried free of charge", retry(0, false), 1],
    ["is released", release, 1],
    ["loses its lease", undefined, 2],
  ] as [string, Settlement | undefined, number][])(
    "%s waits for its count to be durable",
    async ([, settlement, attempt]) => {
      const gate = new Gate();
      const world = await World.open({ disk: { syncTakes: gate.pass } });
      const channel = await world[kind]();
      await sendAll(channel, ["again"]);
      const consumer = await consume(channel, { group: kind === "queue" ? "" : "g" });
      const deliveries = await consumer.take();
      await turn();
      gate.hold();
      if (settlement === undefined) await world.clock.advance(leaseMs);
      else consumer.settle(deliveries, settlement);
      expect(await consumer.take()).toEqual([]);
      gate.release();
      expect(await consumer.take()).toMatchObject([{ attempt }]);
    },
  );
});
