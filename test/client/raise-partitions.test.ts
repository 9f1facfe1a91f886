/** A stream that gets more partitions while it is at work, over the engine in memory. */
import { expect, onTestFinished, test } from "vitest";
import { open, silentLogger, stream } from "../../src/index.js";
import type { Stream } from "../../src/index.js";
import { ManualClock } from "./manual-clock.js";

const events = (partitions: number): Stream<string> =>
  stream<string>("events", { partitions, key: (event) => event.split(" ")[0] });

test("members get new partitions without a restart, under load, and each key stays in order within a partition", async () => {
  const clock = new ManualClock();
  const mill = await open("memory:", { clock, logger: silentLogger });
  onTestFinished(() => mill.close({ drain: 0 }).catch(() => {}));
  const seen: { readonly value: string; readonly partition: number; readonly member: string }[] = [];
  for (const member of ["one", "two"]) {
    const handler = async (value: string, delivery: { message: { partition: number | undefined } }): Promise<void> => {
      await Promise.resolve();
      seen.push({ value, partition: delivery.message.partition ?? -1, member });
    };
    mill.handle(events(2), handler, { group: "g", member, concurrency: member === "one" ? 4 : 1 });
  }
  await clock.advance(0);
  let sent = 0;
  for (const partitions of [2, 3, 6]) {
    const sending: Promise<unknown>[] = [];
    for (let each = 0; each < 60; each++) {
      sending.push(mill.send(events(partitions), `k${each % 12} ${sent++}`));
    }
    await clock.advance(0);
    await Promise.all(sending);
  }
  await clock.advance(0);
  expect(seen).toHaveLength(sent);
  expect(new Set(seen.map(({ partition }) => partition)).size).toBe(6);
  expect(new Set(seen.slice(-60).map(({ member }) => member))).toEqual(new Set(["one", "two"]));
  const inOne = new Map<string, number[]>();
  for (const { value, partition } of seen) {
    const [key, number] = value.split(" ");
    const place = `${key} in ${partition}`;
    inOne.set(place, [...(inOne.get(place) ?? []), Number(number)]);
  }
  for (const numbers of inOne.values()) {
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
  }
});
