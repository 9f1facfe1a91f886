/** What a session is allowed while an outage lasts, without one around it. */
import { expect, test } from "vitest";
import { OutageWatch } from "../../src/client/outage.js";
import type { OutageListener } from "../../src/client/outage.js";
import type { IncomingDelivery } from "../../src/driver.js";
import { fixed, silentLogger } from "../../src/index.js";
import { ManualClock } from "./manual-clock.js";

const delivery = (id: string): IncomingDelivery => ({ id, attempt: 1 }) as IncomingDelivery;
const failure = { kind: "retry", delayMs: 0, counts: true, error: new Error("down") } as const;

function lasting(): { watch: OutageWatch; clock: ManualClock; told: string[]; listener: OutageListener } {
  const clock = new ManualClock();
  const environment = { clock, random: () => 0.5, logger: silentLogger } as never;
  const rule = { share: 1, samples: 2, withinMs: 1_000, sparesMs: 86_400_000, probe: fixed("10s") };
  const watch = new OutageWatch(rule, environment, "it");
  const told: string[] = [];
  const listener = { began: () => void told.push("began"), eased: () => void told.push("eased") };
  watch.serve(listener);
  for (const id of ["a", "b"]) {
    watch.judge({ incoming: delivery(id), attempt: 1 }, { ...failure, error: new Error("down") });
  }
  return { watch, clock, told, listener };
}

test("nothing is asked for before its pause is over, and then one", async () => {
  const { watch, clock, told } = lasting();
  expect([watch.room(10), told]).toEqual([0, ["began"]]);
  await clock.advance(10_000);
  expect([watch.room(10), told]).toEqual([1, ["began", "eased"]]);
  const [first, second] = [delivery("c"), delivery("d")];
  expect(watch.admit([first, second])).toEqual([first]);
  expect([watch.room(10), watch.admit([second])]).toEqual([0, []]);
  watch.handled({ incoming: first, attempt: 1 });
  expect([watch.room(10), watch.current]).toEqual([10, undefined]);
});

test("another one may be asked for when the one under way was lost", async () => {
  const { watch, clock } = lasting();
  await clock.advance(10_000);
  const probe = delivery("c");
  watch.admit([probe]);
  watch.forget([delivery("c")]);
  expect(watch.room(10)).toBe(0);
  watch.forget([probe]);
  expect(watch.room(10)).toBe(1);
});

test("another session has nothing under way", async () => {
  const { watch, clock, listener } = lasting();
  await clock.advance(10_000);
  watch.admit([delivery("c")]);
  expect(watch.room(10)).toBe(0);
  watch.serve(listener);
  expect(watch.room(10)).toBe(1);
});

test("closed, it wakes nobody", async () => {
  const { watch, clock, told } = lasting();
  watch.stop();
  await clock.advance(60_000);
  expect([told, clock.timers]).toEqual([["began"], 0]);
});
