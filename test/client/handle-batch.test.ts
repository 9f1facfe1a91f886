import { expect, test } from "vitest";
import { done, fixed, later, queue, reject } from "../../src/index.js";
import { batchesOf } from "../../src/client/batch-scheduler.js";
import { rest } from "./manual-clock.js";
import { world } from "./world.js";

const numbers = queue<number>("numbers", { attempts: 3, backoff: fixed("10s") });

test("a batch handler gets what is there, up to its size, and returning nothing settles all of it", async () => {
  const { mill, driver } = await world();
  await mill.sendAll(numbers, [1, 2, 3, 4, 5]);
  const batches: (readonly number[])[] = [];
  mill.handleBatch(numbers, (values) => void batches.push(values), { size: 2 });
  await rest();
  expect(batches).toEqual([[1, 2], [3, 4], [5]]);
  expect(driver.channel("numbers").group("").unsettled).toEqual([]);
});

test("values and deliveries stand side by side", async () => {
  const { mill } = await world();
  await mill.sendAll(numbers, [1, 2]);
  let same: unknown;
  mill.handleBatch(
    numbers,
    async (values, deliveries) => void (same = deliveries.map((each, index) => each.message.value === values[index])),
    { size: 10 },
  );
  await rest();
  expect(same).toEqual([true, true]);
});

test("`within` waits for a batch to fill, from its first message on, and no longer", async () => {
  const { mill, clock } = await world();
  const batches: (readonly number[])[] = [];
  await mill.handleBatch(numbers, (values) => void batches.push(values), { size: 3, within: "5s" }).ready;
  await mill.send(numbers, 1);
  await clock.advance(4_000);
  await mill.send(numbers, 2);
  await clock.advance(999);
  expect(batches).toEqual([]);
  await clock.advance(1);
  expect(batches).toEqual([[1, 2]]);
  await mill.sendAll(numbers, [3, 4, 5, 6]);
  await clock.advance(0);
  expect(batches).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
  await clock.advance(5_000);
  expect(batches).toEqual([[1, 2], [3, 4, 5], [6]]);
});

test("each message is settled by itself", async () => {
  const { mill, driver, clock } = await world();
  await mill.sendAll(numbers, [1, 2, 3, 4]);
  mill.handleBatch(numbers, () => [done(), later("1m"), reject("no"), undefined], { size: 4 });
  await clock.advance(0);
  const settled = driver
    .channel("numbers")
    .source()
    .settlements.map(({ id, settlement }) => [id, settlement.kind]);
  expect(settled.toSorted()).toEqual([
    ["numbers/0/0", "done"],
    ["numbers/0/1", "retry"],
    ["numbers/0/2", "done"],
    ["numbers/0/3", "done"],
  ]);
  expect(await mill.admin.dead(numbers).list()).toMatchObject([{ message: { value: 3 }, reason: "rejected" }]);
});

test("a batch that throws fails each of its messages; on their last attempt they come alone, and only the poison dies", async () => {
  const { mill, driver, clock } = await world();
  await mill.sendAll(numbers, [1, 2, 3]);
  const calls: (readonly number[])[] = [];
  mill.handleBatch(
    numbers,
    async (values) => {
      calls.push(values);
      if (values.includes(2)) throw new Error("poison");
    },
    { size: 10 },
  );
  await clock.advance(20_000);
  expect(calls.slice(0, 2)).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ]);
  expect(calls.slice(2).toSorted()).toEqual([[1], [2], [3]]);
  expect((await mill.admin.dead(numbers).list()).map((letter) => letter.message.value)).toEqual([2]);
  expect(driver.channel("numbers").group("").unsettled).toEqual([]);
});

test("those on their last attempt leave the others together; with one attempt for all, there is nothing to keep apart", () => {
  const of = (...attempts: number[]) => attempts.map((attempt) => ({ attempt }));
  const sizes = (batches: readonly (readonly unknown[])[]): number[] => batches.map((batch) => batch.length);
  expect(sizes(batchesOf(of(1, 3, 2, 3), 3))).toEqual([2, 1, 1]);
  expect(sizes(batchesOf(of(3), 3))).toEqual([1]);
  expect(sizes(batchesOf(of(1, 2), 3))).toEqual([2]);
  expect(sizes(batchesOf(of(1, 1), 1))).toEqual([2]);
  expect(batchesOf([], 3)).toEqual([]);
});

test.for([[[done()]], [[]], [7], [done()]] as const)(
  "a result that does not fit the batch fails it: %o",
  async ([result]) => {
    const { mill, driver, clock } = await world();
    await mill.sendAll(numbers, [1, 2]);
    mill.handleBatch(numbers, () => result as never, { size: 2 });
    await clock.advance(0);
    expect(
      driver
        .channel("numbers")
        .source()
        .settlements.map((each) => each.settlement.kind),
    ).toEqual(["retry", "retry"]);
  },
);

test("a message that cannot be read does not reach the handler, and the others of its batch do", async () => {
  const { mill, driver } = await world();
  const schema = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value: unknown) => (value === 2 ? { issues: [{ message: "two" }] } : { value: value as number }),
    },
  } as const;
  await mill.sendAll(numbers, [1, 2, 3]);
  const seen: (readonly number[])[] = [];
  mill.handleBatch(queue<number>("numbers", { schema }), (values) => void seen.push(values), { size: 10 });
  await rest();
  expect(seen).toEqual([[1, 3]]);
  expect(driver.channel("numbers.dead").texts()).toEqual(["2"]);
});

test("what each delivery of a batch sends goes out with its own settlement", async () => {
  const { mill, driver, clock } = await world();
  const output = queue<string>("output");
  await mill.sendAll(numbers, [1, 2]);
  mill.handleBatch(
    numbers,
    async (values, deliveries) => {
      for (const [index, delivery] of deliveries.entries()) await delivery.send(output, `of ${values[index]}`);
      return [undefined, later("1h")];
    },
    { size: 2 },
  );
  await clock.advance(0);
  expect(driver.channel("output").texts()).toEqual(['"of 1"']);
});

test("a batch that takes too long fails, and the next one begins", async () => {
  const { mill, clock } = await world();
  await mill.sendAll(numbers, [1, 2, 3]);
  const calls: (readonly number[])[] = [];
  mill.handleBatch(
    numbers,
    (values) => {
      calls.push(values);
      return values.includes(1) ? new Promise(() => {}) : undefined;
    },
    { size: 2, timeout: "1s" },
  );
  await clock.advance(1_000);
  expect(calls).toEqual([[1, 2], [3]]);
});

test("as many batches run at once as concurrency says, and no more is taken", async () => {
  const { mill, driver } = await world();
  await mill.sendAll(numbers, [1, 2, 3, 4, 5, 6, 7]);
  let running = 0;
  mill.handleBatch(
    numbers,
    () => {
      running += 1;
      return new Promise(() => {});
    },
    { size: 2, concurrency: 2 },
  );
  await rest();
  expect(running).toBe(2);
  expect(
    driver
      .channel("numbers")
      .group("")
      .entries.filter((entry) => entry.state === "leased"),
  ).toHaveLength(4);
});

test("a batch needs a size", async () => {
  const { mill } = await world();
  expect(() => mill.handleBatch(numbers, () => {}, {} as never)).toThrow(/size must be a whole number from 1/);
  expect(() => mill.handleBatch(numbers, () => {}, { size: 0 })).toThrow(/size/);
  expect(() => mill.handleBatch(numbers, () => {}, undefined as never)).toThrow(TypeError);
  expect(() => mill.handleBatch(numbers, () => {}, { size: 1, within: "x" as never })).toThrow(/within/);
  expect(() => mill.handle(numbers, () => {}, { size: 1 } as never)).toThrow(/no option "size"/);
});
