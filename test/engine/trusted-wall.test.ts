import fc from "fast-check";
import { expect, test } from "vitest";
import { silentLogger } from "../../src/base/logger.js";
import { TrustedWall } from "../../src/engine/trusted-wall.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { message, World } from "./world.js";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const tenYearsMs = 3_652 * dayMs;

async function start(): Promise<{ clock: ManualClock; wall: TrustedWall; warnings: string[] }> {
  const clock = new ManualClock();
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (_fields: object, text: string) => void warnings.push(text) };
  return { clock, wall: new TrustedWall(clock, logger), warnings };
}

test("a clock that goes on as it should is believed, slewed or drifting by less than a minute a look too", async () => {
  const { clock, wall, warnings } = await start();
  for (let look = 0; look < 100; look++) {
    await clock.advance(60_000);
    clock.jump(30_000);
    expect(wall.nowMs()).toBe(clock.nowMs());
  }
  expect(warnings).toEqual([]);
});

test.for([hourMs, tenYearsMs])(
  "one that jumps ahead by %s ms is not believed for a day, and said so once",
  async (ms) => {
    const { clock, wall, warnings } = await start();
    const rightMs = (): number => clock.nowMs() - ms;
    clock.jump(ms);
    expect(wall.nowMs()).toBe(rightMs());
    await clock.advance(dayMs - 1);
    expect([wall.nowMs(), warnings.length]).toEqual([rightMs(), 1]);
    await clock.advance(1);
    expect(wall.nowMs()).toBe(clock.nowMs());
  },
);

test("one that is corrected within the day was never believed", async () => {
  const { clock, wall } = await start();
  clock.jump(tenYearsMs);
  wall.nowMs();
  await clock.advance(dayMs / 2);
  wall.nowMs();
  clock.jump(-tenYearsMs);
  expect(wall.nowMs()).toBe(clock.nowMs());
  clock.jump(tenYearsMs);
  await clock.advance(dayMs - 1);
  expect(wall.nowMs()).toBe(clock.nowMs() - tenYearsMs);
});

test("one that goes back is believed at once: that deletes nothing", async () => {
  const { clock, wall } = await start();
  clock.jump(-tenYearsMs);
  expect(wall.nowMs()).toBe(clock.nowMs());
});

test("whatever the wall clock does within a day, what is believed is never ahead of what has passed", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ passMs: fc.nat(hourMs), jumpMs: fc.integer({ min: -tenYearsMs, max: tenYearsMs }) }), {
        maxLength: 20,
      }),
      async (moves) => {
        const { clock, wall } = await start();
        const startMs = clock.nowMs();
        for (const [index, { passMs, jumpMs }] of moves.entries()) {
          await clock.advance(passMs);
          clock.jump(jumpMs);
          // A minute a look is not told from drift.
          expect(wall.nowMs()).toBeLessThanOrEqual(startMs + clock.monotonicMs() + (index + 1) * 60_000);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test("a wall clock that jumps by ten years takes nothing from a stream, unless it insists", async () => {
  const world = await World.open();
  const stream = await world.stream("events", { retention: { timeMs: 7 * dayMs, bytes: Infinity } });
  const [partition] = stream.partitions;
  for (let each = 0; each < 50; each++) await stream.publish(message("x".repeat(1_000)));
  world.clock.jump(tenYearsMs);
  await world.clock.advance(hourMs);
  await stream.publish(message("meanwhile"));
  expect(partition!.startOffset).toBe(0);
  world.clock.jump(-tenYearsMs);
  await world.clock.advance(2 * dayMs);
  expect(partition!.startOffset).toBe(0);
  world.clock.jump(tenYearsMs);
  await world.clock.advance(dayMs + 2 * 60_000);
  expect(partition!.startOffset).toBeGreaterThan(0);
});
