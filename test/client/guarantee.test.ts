import { expect, test } from "vitest";
import { fixed, later, MillraceError, queue, reject, stream, topic } from "../../src/index.js";
import type { Delivery, Receipt } from "../../src/index.js";
import { rest } from "./manual-clock.js";
import { world } from "./world.js";

const input = queue<number>("input", { attempts: 2, backoff: fixed("1s") });
const output = queue<string>("output");

test("at-most-once: settled, and durably so, before the handler begins", async () => {
  const { mill, driver } = await world();
  await mill.send(input, 1);
  const atHandler: unknown[] = [];
  mill.handle(
    input,
    () => {
      const { settlements, flushes } = driver.channel("input").source();
      atHandler.push(
        settlements.map((each) => each.settlement.kind),
        flushes,
      );
    },
    { guarantee: "at-most-once" },
  );
  await rest();
  expect(atHandler).toEqual([["done"], 1]);
  expect(driver.channel("input").source().settlements).toHaveLength(1);
});

test("at-most-once: the handler does not begin when the settlement could not be stored", async () => {
  const { mill, driver } = await world();
  let calls = 0;
  const consumer = mill.handle(input, () => void (calls += 1), { guarantee: "at-most-once" });
  await consumer.ready;
  driver.channel("input").source().flushFailure = new Error("the disk is gone");
  await mill.send(input, 1);
  await expect(consumer.closed).rejects.toThrow("the disk is gone");
  expect(calls).toBe(0);
});

test("at-most-once: no handler begins after its consumer has closed", async () => {
  const { mill, driver } = await world();
  await mill.send(input, 1);
  let calls = 0;
  const consumer = mill.handle(input, () => void (calls += 1), { guarantee: "at-most-once" });
  await consumer.ready;
  const source = driver.channel("input").source();
  let flushed = (): void => {};
  source.flush = () => new Promise((resolve) => (flushed = resolve));
  await rest();
  expect(source.settlements).toHaveLength(1);
  const first = flushed;
  const closing = consumer.close({ drain: 0 });
  await rest();
  first();
  flushed();
  await closing;
  await rest();
  expect(calls).toBe(0);
});

test("at-most-once: a failure has no second attempt and goes to the dead letters, however it failed", async () => {
  const { mill, driver, clock } = await world();
  await mill.sendAll(input, [1, 2, 3]);
  mill.handle(
    input,
    (value) => {
      if (value === 1) throw new Error("no");
      return value === 2 ? later() : reject("never");
    },
    { guarantee: "at-most-once" },
  );
  await clock.advance(60_000);
  expect(driver.channel("input").source().settlements).toHaveLength(3);
  expect((await mill.admin.dead(input).list()).map((letter) => letter.reason)).toEqual([
    "attempts",
    "attempts",
    "rejected",
  ]);
});

test("a topic that keeps nothing is at-most-once: a failure is told in the log, and that is all", async () => {
  const { mill, driver, log } = await world();
  const ticker = topic<number>("ticker", { durable: false });
  await mill.handle(ticker, () => {
    throw new Error("no");
  }).ready;
  await mill.send(ticker, 1);
  await rest();
  expect(log.filter((line) => line.level === "warn")).toMatchObject([
    { message: expect.stringMatching(/is not kept/) as string },
  ]);
  expect([...driver.channels.keys()]).toEqual(["ticker"]);
});

test.for(["at-least-once", "transactional", "at-most-once"] as const)(
  "%s: what is sent through a delivery goes out when it is done, and not before",
  async (guarantee) => {
    const { mill, driver } = await world();
    await mill.send(input, 1);
    let receipt: Receipt | undefined;
    let finish = (): void => {};
    mill.handle(
      input,
      async (value, delivery) => {
        receipt = await delivery.send(output, `of ${value}`, { key: "k" });
        await delivery.sendAll(output, ["b", "c"]);
        await new Promise<void>((resolve) => (finish = resolve));
      },
      { guarantee },
    );
    await rest();
    expect(receipt).toEqual({ id: "", duplicate: false, dropped: false });
    expect(driver.channel("output").texts()).toEqual([]);
    finish();
    await rest();
    expect(driver.channel("output").texts()).toEqual(['"of 1"', '"b"', '"c"']);
  },
);

test("settlement and sends are one step for the driver", async () => {
  const { mill, driver } = await world();
  await mill.send(input, 1);
  mill.handle(input, (_value, delivery) => void delivery.send(output, "x"));
  await rest();
  expect(driver.channel("input").source().settlements).toMatchObject([
    { settlement: { kind: "done", sends: [{ message: { value: '"x"' } }] } },
  ]);
});

test("a handler that fails has sent nothing", async () => {
  const { mill, driver, clock } = await world();
  await mill.send(input, 1);
  mill.handle(input, async (_value, delivery) => {
    await delivery.send(output, `attempt ${delivery.attempt}`);
    if (delivery.attempt === 1) throw new Error("after the send");
  });
  await clock.advance(1_000);
  expect(driver.channel("output").texts()).toEqual(['"attempt 2"']);
});

test("a send that nobody waits for is staged all the same, in the order of the calls", async () => {
  const { mill, driver } = await world();
  await mill.send(output, "known");
  await mill.send(input, 1);
  const fresh = stream<string>("fresh", { partitions: 1 });
  mill.handle(input, (_value, delivery) => {
    void delivery.send(fresh, "1");
    void delivery.sendAll(fresh, ["2", "3"]);
    void delivery.send(fresh, "4");
    void delivery.send(output, "5");
  });
  await rest();
  expect(driver.channel("fresh").texts()).toEqual(['"1"', '"2"', '"3"', '"4"']);
  expect(driver.channel("output").texts()).toEqual(['"known"', '"5"']);
  expect(driver.channel("input").source().settlements).toHaveLength(1);
});

test("a send that fails makes the delivery fail, also when nobody waits for it or its error is caught", async () => {
  for (const wait of [false, true]) {
    const { mill, driver, clock } = await world();
    const anything = queue<unknown>("anything");
    await mill.send(input, 1);
    mill.handle(input, async (_value, delivery) => {
      const sending = delivery.send(anything, 10n);
      void delivery.send(output, "with it");
      if (wait) await sending.catch(() => {});
    });
    await clock.advance(10_000);
    expect(driver.channels.has("output") ? driver.channel("output").texts() : []).toEqual([]);
    expect(await mill.admin.dead(input).list()).toMatchObject([
      { error: { message: expect.stringMatching(/BigInt/) as string } },
    ]);
  }
});

test("a full channel refuses a staged send, so that the delivery comes again when there may be room", async () => {
  const { mill, driver, clock } = await world();
  const small = queue<string>("small", { capacity: { messages: 1, whenFull: "reject" } });
  await mill.send(small, "full");
  await mill.send(input, 1);
  mill.handle(input, (_value, delivery) => delivery.send(small, "x").then(() => undefined));
  await clock.advance(0);
  expect(driver.channel("small").texts()).toEqual(['"full"']);
  await mill.handle(small, () => {}).ready;
  await clock.advance(1_000);
  expect(driver.channel("small").texts()).toEqual(['"full"', '"x"']);
});

test("a staged send waits for room, and the settlement with it", async () => {
  const { mill, driver } = await world();
  await mill.send(output, "before");
  await mill.send(input, 1);
  let makeRoom = (): void => {};
  driver.channel("output").hold = new Promise((resolve) => (makeRoom = resolve));
  mill.handle(input, (_value, delivery) => void delivery.send(output, "x"));
  await rest();
  expect(driver.channel("input").source().settlements).toEqual([]);
  makeRoom();
  await rest();
  expect(driver.channel("output").texts()).toEqual(['"before"', '"x"']);
});

test("when a handler's sends cannot be stored for now, its message comes again uncounted; when they never can, it has failed", async () => {
  for (const [error, attempts, reasons] of [
    [new MillraceError("DISK_FULL", "no space"), [1, 1, 1], []],
    [new MillraceError("TRANSACTION_TOO_LARGE", "too much"), [1, 2], ["attempts"]],
  ] as const) {
    const { mill, driver, clock, log } = await world();
    const seen: number[] = [];
    const consumer = mill.handle(input, async (_value, delivery) => {
      seen.push(delivery.attempt);
      await delivery.send(output, "x");
      // The dead letter of the second attempt can be stored.
      if (delivery.attempt === 2) driver.channel("input").source().sendsFailure = undefined;
      if (delivery.attempt === 2) throw error;
    });
    await consumer.ready;
    driver.channel("input").source().sendsFailure = error;
    await mill.send(input, 1);
    await clock.advance(10_000);
    expect(seen).toEqual(attempts);
    expect(consumer.state).toBe("running");
    expect((await mill.admin.dead(input).list()).map((letter) => letter.reason)).toEqual(reasons);
    expect(log.some((line) => /could not be stored/.test(line.message))).toBe(error.code === "DISK_FULL");
    await consumer.close();
  }
});

test("what is sent through a delivery after its handler ended rejects with TRANSACTION_ENDED", async () => {
  const { mill, driver } = await world();
  await mill.sendAll(input, [1, 2]);
  const deliveries: Delivery<number>[] = [];
  mill.handle(input, async (value, delivery) => {
    deliveries.push(delivery);
    if (value === 2) await delivery.send(output, "in time");
  });
  await rest();
  for (const delivery of deliveries) {
    await expect(delivery.send(output, "late")).rejects.toMatchObject({ code: "TRANSACTION_ENDED" });
    await expect(delivery.sendAll(output, ["late"])).rejects.toMatchObject({ code: "TRANSACTION_ENDED" });
  }
  expect(driver.channel("output").texts()).toEqual(['"in time"']);
});
