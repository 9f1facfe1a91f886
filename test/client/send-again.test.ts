/** A send whose outcome is unknown is sent again with its id, and is stored once: over the real engine, on a disk that fails. */
import { onTestFinished, expect, test } from "vitest";
import { seededRandom } from "../../src/base/random.js";
import { SimulatedDisk } from "../../src/disk/simulated.js";
import { openOn } from "../../src/drivers/embedded/index.js";
import { defaultLimits } from "../../src/base/limits.js";
import { open, queue, reject, silentLogger, stream } from "../../src/index.js";
import type { Millrace, Receipt } from "../../src/index.js";
import { ManualClock } from "./manual-clock.js";

const limits = { ...defaultLimits, walFileBytes: 256 * 1024, checkpointBytes: 512 * 1024, reserveBytes: 0 };
const orders = queue<{ id: string; total: number }>("orders", { id: (order) => order.id });

async function openedOn(disk: SimulatedDisk, clock = new ManualClock()): Promise<Millrace> {
  const random = seededRandom(1);
  const options = { limits, clock, random, durability: "fsync", logger: silentLogger } as const;
  const driver = await openOn(disk, { ...options, name: "embedded", release: () => {} });
  const mill = await open(driver, { clock, random, logger: silentLogger });
  onTestFinished(() => mill.close({ drain: 0 }).catch(() => {}));
  return mill;
}

function freshDisk(): SimulatedDisk {
  const disk = new SimulatedDisk();
  disk.makeDirectory("");
  return disk;
}

async function codeOf(sending: Promise<unknown>): Promise<unknown> {
  return sending.then(
    () => "resolved",
    (error: { code?: unknown }) => error.code,
  );
}

test.for(["nothing-unsynced", "everything"] as const)(
  "after LOG_FENCED, opened again, it is stored once, whether it had reached the disk or not (%s)",
  async (style) => {
    const disk = freshDisk();
    const mill = await openedOn(disk);
    await mill.send(orders, { id: "o-0", total: 0 });
    disk.faults = (call) => (call.operation === "sync" ? { fail: "EIO" } : undefined);
    const send = (to: Millrace): Promise<Receipt> => to.send(orders, { id: "o-1", total: 1 });
    expect(await codeOf(send(mill))).toBe("LOG_FENCED");
    expect(await codeOf(send(mill))).toBe("LOG_FENCED");

    const again = await openedOn(disk.afterCrash(style, () => 0.5));
    expect(await send(again)).toMatchObject({ id: "o-1", duplicate: style === "everything" });
    expect(await send(again)).toMatchObject({ id: "o-1", duplicate: true });
    expect((await again.admin.peek(orders)).map((message) => message.value.total)).toEqual([0, 1]);
  },
);

test("after TIMEOUT it is stored once: nothing was, the first time", async () => {
  const clock = new ManualClock();
  const mill = await openedOn(freshDisk(), clock);
  const small = queue<number>("small", { capacity: { messages: 1 } });
  await mill.send(small, 1);
  const late = codeOf(mill.send(small, 2, { id: "two", timeout: "1s" }));
  await clock.advance(1_000);
  expect(await late).toBe("TIMEOUT");
  mill.handle(small, () => {});
  await clock.advance(0);
  expect(await mill.send(small, 2, { id: "two" })).toMatchObject({ duplicate: false });
  expect(await mill.send(small, 2, { id: "two" })).toMatchObject({ duplicate: true });
});

test("an id counts once on a stream that asks for it, and is only stored on one that does not", async () => {
  const mill = await openedOn(freshDisk());
  const once = stream<number>("once", { dedup: "1h" });
  const each = stream<number>("each");
  for (const events of [once, each]) await mill.send(events, 1, { id: "e" });
  expect(await mill.send(once, 2, { id: "e" })).toMatchObject({ duplicate: true });
  expect(await mill.send(each, 2, { id: "e" })).toMatchObject({ duplicate: false });
});

test("what a handler sends with an id is stored once, however often it is handled", async () => {
  const clock = new ManualClock();
  const mill = await openedOn(freshDisk(), clock);
  const invoices = queue<string>("invoices");
  await mill.send(orders, { id: "o-1", total: 1 });
  let calls = 0;
  mill.handle(orders, async ({ id }, delivery) => {
    await delivery.send(invoices, id, { id });
    // Not staged: it is stored although the handler fails.
    await mill.send(invoices, `${id} at once`, { id: `${id}/at-once` });
    if (++calls < 3) throw new Error("not yet");
  });
  await clock.advance(60_000);
  expect(calls).toBe(3);
  expect((await mill.admin.peek(invoices)).map((message) => message.value)).toEqual(["o-1 at once", "o-1"]);
});

test("a transaction sent again stores what is not there yet", async () => {
  const mill = await openedOn(freshDisk());
  const both = (): Promise<void> =>
    mill.transaction(async (tx) => {
      await tx.send(orders, { id: "o-1", total: 1 });
      await tx.send(orders, { id: "o-2", total: 2 });
    });
  await both();
  await both();
  expect(await mill.admin.stats(orders)).toMatchObject({ messages: 2, duplicates: 2 });
});

test("a dead letter that is redriven within the window is no duplicate of itself", async () => {
  const clock = new ManualClock();
  const mill = await openedOn(freshDisk(), clock);
  await mill.send(orders, { id: "o-1", total: 1 });
  let isFixed = false;
  const seen: number[] = [];
  mill.handle(orders, ({ total }) => (isFixed ? void seen.push(total) : reject("not yet")));
  await clock.advance(0);
  isFixed = true;
  expect(await mill.admin.dead(orders).redrive({ all: true })).toBe(1);
  await clock.advance(0);
  expect(seen).toEqual([1]);
  expect(await mill.send(orders, { id: "o-1", total: 1 })).toMatchObject({ duplicate: true });
});
