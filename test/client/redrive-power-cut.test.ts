/** A power cut while dead letters are redriven: each is in one of the two places, never in both, never in neither. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { defaultLimits } from "../../src/base/limits.js";
import { seededRandom } from "../../src/base/random.js";
import { crashStyles, SimulatedDisk } from "../../src/disk/simulated.js";
import type { CrashStyleName } from "../../src/disk/simulated.js";
import { openOn } from "../../src/drivers/embedded/index.js";
import { open, queue, reject, silentLogger } from "../../src/index.js";
import type { Millrace } from "../../src/index.js";
import { ManualClock, turn } from "../../src/testing/manual-clock.js";

const kibibyte = 1024;
const limits = {
  ...defaultLimits,
  messageBytesMax: 64 * kibibyte,
  walFileBytes: 256 * kibibyte,
  checkpointBytes: 512 * kibibyte,
  segmentBytes: 16 * kibibyte,
  reserveBytes: 0,
};
const orders = queue<number>("orders", { attempts: 1, capacity: { messages: 100_000, whenFull: "reject" } });
const count = 120;

async function opened(disk: SimulatedDisk, clock: ManualClock): Promise<Millrace> {
  const settings = { clock, random: seededRandom(1), limits, durability: "fsync", logger: silentLogger } as const;
  return open(await openOn(disk, { ...settings, name: "simulated", release: () => {} }), {
    clock,
    logger: silentLogger,
  });
}

async function withDeadLetters(): Promise<{ disk: SimulatedDisk; mill: Millrace }> {
  const disk = new SimulatedDisk();
  disk.makeDirectory("");
  const clock = new ManualClock();
  const mill = await opened(disk, clock);
  await mill.sendAll(
    orders,
    Array.from({ length: count }, (_, index) => index),
  );
  const consumer = mill.handle(orders, () => reject("no"), { concurrency: count });
  for (let each = 0; each < 5; each++) await clock.advance(0);
  await consumer.close();
  return { disk, mill };
}

async function valuesIn(mill: Millrace): Promise<{ waiting: number[]; dead: number[] }> {
  const waiting = await mill.admin.peek(orders, { limit: 1_000 });
  const dead = await mill.admin.dead(orders).list({ limit: 1_000 });
  return { waiting: waiting.map(({ value }) => value), dead: dead.map(({ message }) => message.value) };
}

const styles = Object.keys(crashStyles) as CrashStyleName[];

test("loses no message and doubles none, and what was told as done is done", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(12), fc.constantFrom(...styles), async (afterCalls, style) => {
      const { disk, mill } = await withDeadLetters();
      let told = 0;
      disk.crashAt(disk.calls + afterCalls);
      mill.admin
        .dead(orders)
        .redrive({ all: true }, { onProgress: ({ done }) => (told = done) })
        .catch(() => {});
      for (let each = 0; each < 12; each++) await turn();
      const next = await opened(
        disk.afterCrash(style, () => 0.5),
        new ManualClock(),
      );
      const { waiting, dead } = await valuesIn(next);
      expect([...waiting, ...dead].toSorted((one, other) => one - other)).toEqual(
        Array.from({ length: count }, (_, index) => index),
      );
      expect(waiting.length).toBeGreaterThanOrEqual(told);
      await next.close();
    }),
    { numRuns: 60 },
  );
});
