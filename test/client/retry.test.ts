import { expect, test } from "vitest";
import { exponential, fixed, later, on, queue, reject } from "../../src/index.js";
import { world } from "./world.js";

const channel = queue<string>("q", { attempts: 3, backoff: exponential("1s", "5m", { jitter: "none" }) });

test("a handler that throws gets the message again after the backoff, with the next attempt", async () => {
  const { mill, clock } = await world();
  const attempts: number[] = [];
  await mill.send(channel, "x");
  mill.handle(channel, (_value, delivery) => {
    attempts.push(delivery.attempt);
    if (delivery.attempt < 3) throw new Error("no");
  });
  await clock.advance(0);
  expect(attempts).toEqual([1]);
  await clock.advance(999);
  expect(attempts).toEqual([1]);
  await clock.advance(1);
  expect(attempts).toEqual([1, 2]);
  await clock.advance(2_000);
  expect(attempts).toEqual([1, 2, 3]);
});

test("a promise that rejects is a failure as a throw is", async () => {
  const { mill, clock } = await world();
  let attempts = 0;
  await mill.send(channel, "x");
  mill.handle(channel, async () => {
    attempts += 1;
    if (attempts < 2) throw new Error("no");
  });
  await clock.advance(1_000);
  expect(attempts).toBe(2);
});

test("later() comes back after its own delay and counts as an attempt, unless it is free", async () => {
  const { mill, clock } = await world();
  const attempts: number[] = [];
  await mill.send(channel, "x");
  mill.handle(channel, (_value, delivery) => {
    attempts.push(delivery.attempt);
    if (attempts.length === 1) return later("10s", "not yet", { free: true });
    if (attempts.length === 2) return later("20s");
    if (attempts.length === 3) return later();
    return undefined;
  });
  await clock.advance(10_000);
  expect(attempts).toEqual([1, 1]);
  await clock.advance(20_000);
  expect(attempts).toEqual([1, 1, 2]);
  await clock.advance(2_000);
  expect(attempts).toEqual([1, 1, 2, 3]);
});

test("later() on the last attempt goes to the dead letters, with why", async () => {
  const { mill, clock } = await world();
  const once = queue<string>("once", { attempts: 1 });
  await mill.send(once, "x");
  mill.handle(once, () => later("1s", "the printer is out of paper"));
  await clock.advance(0);
  expect(await mill.admin.dead(once).list()).toMatchObject([
    { reason: "attempts", error: { name: "Later", message: "the printer is out of paper" } },
  ]);
});

class Busy extends Error {}
class VeryBusy extends Busy {}

test("the first rule that fits an error rules: other pauses, other attempts, or straight to the dead letters", async () => {
  const { mill, driver, clock } = await world();
  const retry = [on(VeryBusy, { backoff: fixed("1h") }), on(Busy, { attempts: 1 }), on(RangeError, "reject")];
  const errors: Record<string, Error> = {
    very: new VeryBusy(),
    busy: new Busy(),
    range: new RangeError("r"),
    other: new Error("o"),
  };
  await mill.sendAll(channel, Object.keys(errors));
  mill.handle(
    channel,
    (value) => {
      throw errors[value] as Error;
    },
    { retry, concurrency: 4 },
  );
  await clock.advance(0);
  const settled = driver
    .channel("q")
    .source()
    .settlements.map(({ id, settlement }) => [id, settlement]);
  expect(settled).toContainEqual(["q/0/0", { kind: "retry", delayMs: 3_600_000, counts: true }]);
  expect(settled).toContainEqual(["q/0/3", { kind: "retry", delayMs: 1_000, counts: true }]);
  const letters = await mill.admin.dead(channel).list();
  expect(letters.map((letter) => [letter.message.value, letter.reason])).toEqual([
    ["busy", "attempts"],
    ["range", "rejected"],
  ]);
});

test("a rule may grant more attempts than the channel", async () => {
  const { mill, clock } = await world();
  let attempts = 0;
  await mill.send(channel, "x");
  mill.handle(
    channel,
    () => {
      attempts += 1;
      throw new Busy();
    },
    { retry: [on(Busy, { attempts: 5, backoff: fixed("1s") })] },
  );
  await clock.advance(10_000);
  expect(attempts).toBe(5);
});

test("a rule that is free counts no failure, for as long as it takes", async () => {
  const { mill, clock } = await world();
  const attempts: number[] = [];
  let isBusy = true;
  await mill.send(channel, "x");
  mill.handle(
    channel,
    (_value, { attempt }) => {
      attempts.push(attempt);
      if (isBusy) throw new Busy();
    },
    { retry: [on(Busy, { free: true, backoff: fixed("10s") })] },
  );
  await clock.advance(95_000);
  isBusy = false;
  await clock.advance(10_000);
  expect(attempts).toEqual(Array.from({ length: 11 }, () => 1));
  expect(await mill.admin.dead(channel).list()).toEqual([]);
});

test("a rule may be about a code, for errors that have no class of their own", async () => {
  const { mill, clock } = await world();
  const thrown: Record<string, unknown> = {
    coded: Object.assign(new Error("no"), { code: "EACCES" }),
    bare: { code: "EACCES" },
    other: Object.assign(new Error("no"), { code: "EOTHER" }),
    nothing: null,
    trap: new Proxy(
      {},
      {
        has: () => {
          throw new Error("trap");
        },
        getPrototypeOf: () => {
          throw new Error("trap");
        },
      },
    ),
  };
  await mill.sendAll(channel, Object.keys(thrown));
  mill.handle(
    channel,
    (value) => {
      throw thrown[value] as Error;
    },
    { retry: [on({ code: "EACCES" }, "reject"), on(Busy, "reject")] },
  );
  await clock.advance(0);
  expect((await mill.admin.dead(channel).list()).map(({ message }) => message.value)).toEqual(["coded", "bare"]);
});

test("settlements and rules that cannot be are a TypeError where they are made", () => {
  expect(() => later("soon" as never)).toThrow(/later: delay must be a duration/);
  expect(() => later("40000d")).toThrow(/hundred years/);
  expect(() => fixed("40000d")).toThrow(/hundred years/);
  expect(() => exponential("1s", "40000d")).toThrow(/hundred years/);
  expect(() => later("1s", 7 as never)).toThrow(/why must be a string/);
  expect(() => reject("")).toThrow(/say why/);
  expect(() => on("Error" as never, "reject")).toThrow(/class of errors/);
  expect(() => on(Error, "drop" as never)).toThrow(/say "reject"/);
  expect(() => on({ code: "" }, "reject")).toThrow(/class of errors/);
  expect(() => on({ code: "E", name: "x" } as never, "reject")).toThrow(/class of errors/);
  expect(() => on(Error, { free: false })).toThrow(/say "reject"/);
  expect(() => on(Error, { free: 1 as never })).toThrow(/free must be/);
  expect(() => on(Error, { free: true, attempts: 3 })).toThrow(/leave attempts out/);
  expect(() => on(Error, { attempts: 0 })).toThrow(/on: attempts/);
  expect(() => on(Error, { backoff: {} as never })).toThrow(/made by exponential/);
});
