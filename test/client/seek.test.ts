/** Moving a group, over the engine in memory. */
import { expect, onTestFinished, test } from "vitest";
import { open, queue, silentLogger, stream } from "../../src/index.js";
import type { Millrace } from "../../src/index.js";
import { ManualClock } from "./manual-clock.js";
import { world } from "./world.js";

const orders = stream<string>("orders", { partitions: 2, key: (order) => order[0] });

async function engine(): Promise<{ readonly mill: Millrace; readonly clock: ManualClock }> {
  const clock = new ManualClock();
  const mill = await open("memory:", { clock, logger: silentLogger, random: () => 0.999_999_999 });
  onTestFinished(() => mill.close({ drain: 0 }).catch(() => {}));
  return { mill, clock };
}

test("a handler at work gets again what it had handled, and is told that it is a replay", async () => {
  const { mill, clock } = await engine();
  const seen: string[] = [];
  mill.handle(orders, (order, { replay }) => void seen.push(replay ? `${order} again` : order), { group: "billing" });
  await mill.sendAll(orders, ["a1", "a2"]);
  await clock.advance(0);
  expect(await mill.admin.seek(orders, "billing", "earliest")).toHaveLength(2);
  await mill.send(orders, "a3");
  await clock.advance(0);
  expect(seen).toEqual(["a1", "a2", "a1 again", "a2 again", "a3"]);
});

test("a handler that runs meanwhile is aborted, and what it returns counts for nothing", async () => {
  const { mill, clock } = await engine();
  const aborted: boolean[] = [];
  let calls = 0;
  await mill.send(orders, "a1");
  mill.handle(
    orders,
    async (_order, { signal }) => {
      calls += 1;
      if (calls > 1) return;
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      aborted.push(signal.aborted);
    },
    { group: "billing" },
  );
  await clock.advance(0);
  await mill.admin.seek("orders", "billing", "earliest");
  await clock.advance(0);
  expect(aborted).toEqual([true]);
  expect(calls).toBe(2);
  expect((await mill.admin.lag(orders, "billing")).map(({ messages }) => messages)).toEqual([0, 0]);
});

test("a position that is none, and an offset without its partition, are wrong arguments", async () => {
  const { mill, clock } = await engine();
  mill.handle(orders, () => {}, { group: "billing" });
  await clock.advance(0);
  await expect(mill.admin.seek(orders, "billing", "yesterday" as never)).rejects.toThrow(
    /"earliest", "latest", a Date/,
  );
  await expect(mill.admin.seek(orders, "billing", 0n)).rejects.toThrow(/say \{ partition, to \}/);
  await expect(mill.admin.seek(orders, "billing", { partition: -1, to: 0n })).rejects.toThrow(TypeError);
  await expect(mill.admin.seek(orders, "billing", { partition: 0, to: 7n })).rejects.toMatchObject({
    code: "OFFSET_OUT_OF_RANGE",
  });
  await expect(mill.admin.seek(orders, "nobody", "latest")).rejects.toMatchObject({ code: "GROUP_UNKNOWN" });
  await mill.send(queue("work"), 1);
  await expect(mill.admin.seek("work", "", "latest")).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
});

test("a driver that cannot read again is refused by name", async () => {
  const { mill } = await world({ supports: { replay: { level: "refused", note: "it forgets" } } });
  await mill.send(orders, "a1");
  await expect(mill.admin.seek(orders, "billing", "latest")).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
});
