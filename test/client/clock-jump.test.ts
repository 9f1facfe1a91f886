/**
 * The wall clock is set, by an hour or by ten years, in either direction, while the whole of it is at work: nothing is lost, nothing comes
 * twice, and nothing is early. Time that passes is the monotonic clock's.
 */
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { fixed, leakyBucket, open, queue, silentLogger, stream } from "../../src/index.js";
import type { Millrace } from "../../src/index.js";
import { ManualClock, turn } from "../../src/testing/manual-clock.js";

const hourMs = 3_600_000;
const yearMs = 8_766 * hourMs;
const jumps = [hourMs, -hourMs, 10 * yearMs, -10 * yearMs];

async function engine(): Promise<{ readonly mill: Millrace; readonly clock: ManualClock }> {
  const clock = new ManualClock();
  const mill = await open("memory:", { clock, logger: silentLogger, random: () => 0.999_999_999 });
  onTestFinished(() => mill.close({ drain: 0 }).catch(() => {}));
  return { mill, clock };
}

async function pass(clock: ManualClock, ms: number): Promise<void> {
  await clock.advance(ms);
  for (let turns = 0; turns < 5; turns++) await turn();
}

const work = queue<number>("work", { attempts: 3, backoff: fixed("10s"), lease: "30s" });

test.for(jumps)("by %s ms: a lease goes on, and is renewed, and its message does not come twice", async (ms) => {
  const { mill, clock } = await engine();
  const begun: number[] = [];
  let finish = (): void => {};
  mill.handle(work, (value, { attempt }) => {
    begun.push(value * 10 + attempt);
    return new Promise<void>((resolve) => (finish = resolve));
  });
  await mill.send(work, 1);
  await pass(clock, 5_000);
  clock.jump(ms);
  await pass(clock, 300_000);
  expect(begun).toEqual([11]);
  finish();
  await pass(clock, 300_000);
  expect([begun, (await mill.admin.stats(work)).messages]).toEqual([[11], 0]);
});

test.for(jumps)("by %s ms: a retry comes at its time, not early and not late", async (ms) => {
  const { mill, clock } = await engine();
  const attempts: number[] = [];
  mill.handle(work, (_value, { attempt }) => {
    attempts.push(attempt);
    if (attempt === 1) throw new Error("no");
  });
  await mill.send(work, 1);
  await pass(clock, 0);
  clock.jump(ms);
  await pass(clock, 9_990);
  expect(attempts).toEqual([1]);
  await pass(clock, 10);
  expect(attempts).toEqual([1, 2]);
});

test.for(jumps)("by %s ms: a handler has all of its time, and not more", async (ms) => {
  const { mill, clock } = await engine();
  let signal: AbortSignal | undefined;
  mill.handle(
    work,
    (_value, delivery) => {
      signal ??= delivery.signal;
      return new Promise<void>(() => {});
    },
    { timeout: "1m" },
  );
  await mill.send(work, 1);
  await pass(clock, 0);
  clock.jump(ms);
  await pass(clock, 59_990);
  expect(signal?.aborted).toBe(false);
  await pass(clock, 10);
  expect(signal?.reason).toMatchObject({ code: "HANDLER_TIMEOUT" });
});

test.for(jumps)("by %s ms: a rate is kept", async (ms) => {
  const { mill, clock } = await engine();
  let begun = 0;
  mill.handle(work, () => void begun++, { rate: leakyBucket({ limit: 1, every: "10s" }) });
  await mill.sendAll(work, [1, 2, 3]);
  await pass(clock, 0);
  clock.jump(ms);
  await pass(clock, 9_990);
  expect(begun).toBe(1);
  await pass(clock, 10);
  expect(begun).toBe(2);
});

test.for(jumps)("by %s ms: a stream keeps what its retention says, and its group gets all of it", async (ms) => {
  const { mill, clock } = await engine();
  const events = stream<number>("events", { partitions: 1, retention: { time: "7d" } });
  await mill.sendAll(events, [1, 2, 3]);
  clock.jump(ms);
  await pass(clock, 10 * 60_000);
  const seen: number[] = [];
  mill.handle(events, (value) => void seen.push(value), { group: "g" });
  await mill.send(events, 4);
  await pass(clock, 1_000);
  expect(seen).toEqual([1, 2, 3, 4]);
});

test.for(jumps)("by %s ms: what waits is as old as it is, so nobody is alarmed by it", async (ms) => {
  const { mill, clock } = await engine();
  await mill.send(work, 1);
  await pass(clock, 5_000);
  clock.jump(ms);
  await pass(clock, 1_000);
  const { oldestMs } = await mill.admin.pressure(work);
  // One that has gone back makes it look younger, never older.
  expect(oldestMs).toBeLessThanOrEqual(6_000);
});

test("a wall clock from before 1970 is a wrong one like others", async () => {
  const { mill, clock } = await engine();
  const attempts: number[] = [];
  clock.jump(-70 * yearMs);
  mill.handle(work, (_value, { attempt }) => {
    attempts.push(attempt);
    if (attempt === 1) throw new Error("no");
  });
  await mill.send(work, 1);
  await pass(clock, 10_000);
  await pass(clock, 10_000);
  expect(attempts).toEqual([1, 2]);
});

test("whatever the wall clock does meanwhile, every message is handled once, and counted as often as it failed", async () => {
  const step = fc.record({
    sends: fc.nat(3),
    passMs: fc.nat(20_000),
    /** How far the wall clock is off from then on. */
    offMs: fc.constantFrom(0, ...jumps),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20, size: "max" }), async (steps) => {
      const { mill, clock } = await engine();
      const done = new Map<number, number>();
      const attempts = new Map<number, number[]>();
      mill.handle(
        work,
        async (value, { attempt }) => {
          attempts.set(value, [...(attempts.get(value) ?? []), attempt]);
          await new Promise<void>((resolve) => void clock.after((value * 7_919) % 45_000, resolve));
          if (value % 5 === 0 && attempt === 1) throw new Error("no");
          done.set(value, (done.get(value) ?? 0) + 1);
        },
        { concurrency: 3 },
      );
      let sent = 0;
      let off = 0;
      for (const { sends, passMs, offMs } of steps) {
        for (let each = 0; each < sends; each++) await mill.send(work, sent++);
        clock.jump(offMs - off);
        off = offMs;
        await pass(clock, passMs);
      }
      for (let minute = 0; minute < 20; minute++) await pass(clock, 60_000);
      for (let value = 0; value < sent; value++) {
        expect(done.get(value)).toBe(1);
        expect(attempts.get(value)).toEqual(value % 5 === 0 ? [1, 2] : [1]);
      }
      await mill.close({ drain: 0 });
    }),
    { numRuns: 10, interruptAfterTimeLimit: 15_000 },
  );
});
