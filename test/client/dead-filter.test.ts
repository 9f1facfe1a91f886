import { expect, test } from "vitest";
import { fixed, queue, reject } from "../../src/index.js";
import type { DeadFilter, DeadLetters } from "../../src/index.js";
import { world } from "./world.js";
import type { World } from "./world.js";

const orders = queue<string>("orders", { attempts: 2, backoff: fixed("1s") });

class Busy extends Error {
  override readonly name = "Busy";
}

/** One letter an hour: "refused 1", "busy 2", "busy 3", and "unfit", which is redriven and dies again. */
async function letters({ mill, clock }: World): Promise<DeadLetters<string>> {
  mill.handle(orders, (value) => {
    if (value === "unfit") return reject("it is Unfit");
    if (value.startsWith("busy")) throw new Busy(`server ${value.at(-1)} is busy`);
    throw new Error(value);
  });
  for (const value of ["refused 1", "busy 2", "busy 3", "unfit"]) {
    await mill.send(orders, value, { key: value.slice(0, 4), headers: { region: value === "busy 2" ? "eu" : "us" } });
    await clock.advance(3_600_000);
  }
  const dead = mill.admin.dead(orders);
  await dead.redrive({ all: true, reason: "rejected" });
  await clock.advance(0);
  return dead;
}

const startMs = 1_767_225_600_000;
const at = (hours: number): Date => new Date(startMs + hours * 3_600_000);

const filters: readonly [DeadFilter, readonly string[]][] = [
  [{}, ["refused 1", "busy 2", "busy 3", "unfit"]],
  [{ reason: "rejected" }, ["unfit"]],
  [{ error: "Busy" }, ["busy 2", "busy 3"]],
  [{ text: "unfit" }, ["unfit"]],
  [{ text: "IS BUSY" }, ["busy 2", "busy 3"]],
  [{ failedAfter: at(1), failedBefore: at(2) }, ["busy 2"]],
  [{ attempts: 1 }, ["unfit"]],
  [{ attempts: { min: 2 } }, ["refused 1", "busy 2", "busy 3"]],
  [{ redriven: { min: 1 } }, ["unfit"]],
  [{ redriven: 0 }, ["refused 1", "busy 2", "busy 3"]],
  [{ key: "busy" }, ["busy 2", "busy 3"]],
  [{ headers: { region: "eu" } }, ["busy 2"]],
  [{ key: "busy", headers: { region: "us" } }, ["busy 3"]],
  [{ id: "orders/0/1" }, ["busy 2"]],
  [{ id: "orders.dead/0/1" }, ["busy 2"]],
  [{ id: "orders/0/3" }, ["unfit"]],
  [{ id: "orders/0/4" }, ["unfit"]],
  [{ error: "Busy", key: "refu" }, []],
];

test.for(filters)("%o finds what fulfils all of it", async ([filter, values]) => {
  const dead = await letters(await world());
  expect((await dead.list(filter)).map((letter) => letter.message.value)).toEqual(values);
  expect(await dead.drop({ all: true, ...filter })).toBe(values.length);
});

test("a cause is found by its fingerprint, whatever numbers its messages hold", async () => {
  const dead = await letters(await world());
  const [first] = await dead.list({ error: "Busy" });
  const found = await dead.list({ fingerprint: first!.fingerprint });
  expect(found.map((letter) => letter.message.value)).toEqual(["busy 2", "busy 3"]);
});

test("causes count what died of the same, the most frequent first, each with an example", async () => {
  const dead = await letters(await world());
  const causes = await dead.causes();
  expect(causes.map(({ count, error }) => [count, error.message])).toEqual([
    [2, "server 2 is busy"],
    [1, "refused 1"],
    [1, "it is Unfit"],
  ]);
  expect(causes[0]).toMatchObject({
    firstFailedAt: at(1),
    lastFailedAt: new Date(at(2).getTime() + 1_000),
    example: { message: { value: "busy 2" } },
  });
  expect(await dead.causes({ key: "busy" })).toMatchObject([{ count: 2 }]);
});

test("more causes than anybody reads are one", async () => {
  const { mill, clock } = await world();
  const once = queue<number>("once", { attempts: 1 });
  const words = (number: number): string => [...String(number)].map((digit) => "abcdefghij"[Number(digit)]).join("");
  await mill.sendAll(
    once,
    Array.from({ length: 1_010 }, (_, index) => index),
  );
  mill.handle(once, (number) => reject(words(number)), { concurrency: 100 });
  await clock.advance(0);
  const causes = await mill.admin.dead(once).causes();
  expect(causes).toHaveLength(1_001);
  expect(causes[0]).toMatchObject({ fingerprint: "other", count: 10 });
});

const wrong: readonly unknown[] = [
  { reason: "x" },
  { error: 7 },
  { text: /x/ },
  { failedAfter: "yesterday" },
  { failedBefore: new Date(Number.NaN) },
  { attempts: -1 },
  { attempts: { least: 1 } },
  { redriven: "all" },
  { headers: { a: 1 } },
  { headers: { "millrace-dead-reason": "x" } },
  { nothing: 1 },
];

test.for(wrong)("%o is a TypeError", async (filter) => {
  const { mill } = await world();
  const dead = mill.admin.dead(orders);
  await expect(dead.list(filter as DeadFilter)).rejects.toThrow(TypeError);
  await expect(dead.causes(filter as DeadFilter)).rejects.toThrow(TypeError);
  await expect(dead.drop({ all: true, ...(filter as DeadFilter) })).rejects.toThrow(TypeError);
});
