import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { queue, stream } from "../../src/index.js";
import type { Queue, Schema } from "../../src/index.js";
import { rest } from "./manual-clock.js";
import { world } from "./world.js";

interface Order {
  id: string;
  amount: number;
}

const schemas: readonly { readonly name: string; readonly schema: Schema<Order>; readonly slow: Schema<Order> }[] = [
  {
    name: "zod",
    schema: z.object({ id: z.string(), amount: z.number().positive() }),
    slow: z.object({ id: z.string().refine(async (id) => id !== "taken"), amount: z.number().positive() }),
  },
  {
    name: "valibot",
    schema: v.object({ id: v.string(), amount: v.pipe(v.number(), v.minValue(1)) }),
    slow: v.objectAsync({
      id: v.pipeAsync(
        v.string(),
        v.checkAsync(async (id) => id !== "taken"),
      ),
      amount: v.pipe(v.number(), v.minValue(1)),
    }),
  },
];

/** Sends what the schema would refuse, as a program with an older idea of the channel does. */
const unchecked = queue<unknown>("orders");

describe.for(schemas)("a schema of $name", ({ schema, slow }) => {
  const orders: Queue<Order> = queue("orders", { schema });
  const checkedSlowly: Queue<Order> = queue("orders", { schema: slow });

  test("lets a good value pass, as the schema returns it", async () => {
    const { mill, driver } = await world();
    await mill.send(orders, { id: "1", amount: 2, secret: "not in the schema" } as Order);
    expect(driver.channel("orders").texts()).toEqual(['{"id":"1","amount":2}']);
  });

  test("refuses a bad value on send, saying what is wrong and where, and nothing is stored", async () => {
    const { mill, driver } = await world();
    for (const channel of [orders, checkedSlowly]) {
      const sending = mill.send(channel, { id: "1", amount: -2 });
      await expect(sending).rejects.toMatchObject({ code: "PAYLOAD_INVALID" });
      await expect(sending).rejects.toThrow(/amount: /);
      await expect(mill.sendAll(channel, [{ id: "1", amount: 1 }, { id: "2" } as Order])).rejects.toMatchObject({
        code: "PAYLOAD_INVALID",
      });
    }
    await expect(mill.send(checkedSlowly, { id: "taken", amount: 1 })).rejects.toMatchObject({
      code: "PAYLOAD_INVALID",
    });
    expect(driver.channels.size === 0 || driver.channel("orders").records.length === 0).toBe(true);
  });

  test("may check asynchronously, on send and on receive, one by one and in batches", async () => {
    const { mill } = await world();
    await mill.send(checkedSlowly, { id: "1", amount: 1 });
    await mill.send(checkedSlowly, { id: "2", amount: 1 }, { key: "k" });
    await mill.sendAll(checkedSlowly, [
      { id: "3", amount: 1 },
      { id: "4", amount: 1 },
    ]);
    await mill.send(unchecked, { id: "taken", amount: 1 });
    const seen: string[] = [];
    const consumer = mill.handle(checkedSlowly, (order) => void seen.push(order.id), { concurrency: 2 });
    await rest();
    await consumer.close();
    expect(seen).toEqual(["1", "2", "3", "4"]);
    expect(await mill.admin.dead(checkedSlowly).list()).toMatchObject([{ reason: "schema" }]);
    await mill.sendAll(unchecked, [
      { id: "5", amount: 1 },
      { id: "taken", amount: 1 },
      { id: "6", amount: 1 },
    ]);
    const batches: string[][] = [];
    mill.handleBatch(checkedSlowly, (values) => void batches.push(values.map((order) => order.id)), { size: 10 });
    await rest();
    expect(batches).toEqual([["5", "6"]]);
  });

  test("sends a stored value that no longer fulfils it to the dead letters, and the consumer goes on", async () => {
    const { mill, driver } = await world();
    await mill.sendAll(unchecked, [{ id: 7 }, { id: "2", amount: 1 }]);
    const seen: Order[] = [];
    mill.handle(orders, (order) => void seen.push(order));
    await rest();
    expect(seen).toEqual([{ id: "2", amount: 1 }]);
    expect(driver.channel("orders.dead").texts()).toEqual(['{"id":7}']);
    expect(await mill.admin.dead(orders).list()).toMatchObject([
      { reason: "schema", error: { message: expect.stringMatching(/does not fulfil the schema: .*id/) as string } },
    ]);
  });

  test("is asked when history is read: what fails it throws when its value is asked for", async () => {
    for (const each of [schema, slow]) {
      const { mill } = await world();
      await mill.sendAll(stream<unknown>("history", { partitions: 1 }), [{ id: 7 }, { id: "2", amount: 1 }]);
      const history = stream<Order>("history", { partitions: 1, schema: each });
      const seen: unknown[] = [];
      for await (const message of mill.read(history, { until: "end" })) {
        try {
          seen.push(message.value.id);
        } catch (error) {
          seen.push((error as { code: string }).code);
        }
      }
      expect(seen).toEqual(["PAYLOAD_INVALID", "2"]);
    }
  });
});

test("a schema fills in what is left out, before key and id are asked", async () => {
  const { mill, driver } = await world();
  const schema = z.object({ to: z.string(), lane: z.string().default("slow") });
  const emails = stream("emails", { schema, key: (email) => email.lane, id: (email) => email.to });
  await mill.send(emails, { to: "ada" } as never);
  expect(driver.channel("emails").records[0]?.incoming).toMatchObject({ key: "slow", id: "ada" });
});

test("a value that goes through its schema again and again stays as it is", async () => {
  const { mill } = await world();
  const meetings = queue("meetings", { schema: z.object({ at: z.coerce.date() }) });
  await mill.send(meetings, { at: new Date("2026-01-01") });
  const seen: unknown[] = [];
  mill.handle(meetings, (meeting) => void seen.push(meeting));
  await rest();
  expect(seen).toEqual([{ at: new Date("2026-01-01") }]);
});

test("a schema that throws is a schema that refuses", async () => {
  const { mill } = await world();
  const throwing = (validate: () => never): Schema<number> => ({
    "~standard": { version: 1, vendor: "test", validate },
  });
  const sync = throwing(() => {
    throw new RangeError("bug");
  });
  const later: Schema<number> = {
    "~standard": { version: 1, vendor: "test", validate: () => Promise.reject(new RangeError("bug")) },
  };
  for (const schema of [sync, later]) {
    await expect(mill.send(queue<number>("q", { schema }), 1)).rejects.toMatchObject({
      code: "PAYLOAD_INVALID",
      cause: expect.any(RangeError) as unknown,
    });
  }
});

test("a message that is looked at cannot wait for a schema that does, and says so", async () => {
  const { mill } = await world();
  await mill.send(unchecked, { id: "1", amount: 1 });
  const [message] = await mill.admin.peek(queue("orders", { schema: schemas[0]!.slow }));
  expect(() => message?.value).toThrow(expect.objectContaining({ code: "NOT_SUPPORTED" }));
});
