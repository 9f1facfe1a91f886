import { expect, test } from "vitest";
import { queue, stream } from "../../src/index.js";
import type { Transaction } from "../../src/index.js";
import { world } from "./world.js";

const orders = queue<string>("orders");
const events = stream<string>("events", { partitions: 1 });

test("what a transaction sends is committed together, after its work, which gives the result", async () => {
  const { mill, driver } = await world();
  const commits: number[] = [];
  const commit = driver.commit.bind(driver);
  driver.commit = (sends) => {
    commits.push(sends.length);
    return commit(sends);
  };
  const result = await mill.transaction(async (transaction) => {
    await transaction.send(orders, "a");
    void transaction.sendAll(events, ["b", "c"]);
    expect(driver.channel("orders").texts()).toEqual([]);
    return 7;
  });
  expect(result).toBe(7);
  expect(commits).toEqual([3]);
  expect(driver.channel("orders").texts()).toEqual(['"a"']);
  expect(driver.channel("events").texts()).toEqual(['"b"', '"c"']);
});

test("work that fails sends nothing, and its error is the transaction's", async () => {
  const { mill, driver } = await world();
  const transaction = mill.transaction(async (sender) => {
    await sender.send(orders, "a");
    throw new RangeError("changed my mind");
  });
  await expect(transaction).rejects.toThrow(RangeError);
  expect(driver.channel("orders").texts()).toEqual([]);
});

test("a send that fails makes the transaction fail", async () => {
  const { mill, driver } = await world();
  const transaction = mill.transaction(async (sender) => {
    void sender.send(orders, "a");
    void sender.send(orders, 1n as never);
  });
  await expect(transaction).rejects.toMatchObject({ code: "PAYLOAD_INVALID" });
  expect(driver.channels.get("orders")?.texts() ?? []).toEqual([]);
});

test("after its end a transaction takes nothing more", async () => {
  const { mill } = await world();
  let kept: Transaction | undefined;
  await mill.transaction(async (transaction) => void (kept = transaction));
  await expect(kept?.send(orders, "late")).rejects.toMatchObject({ code: "TRANSACTION_ENDED" });
});

test("a transaction that sends nothing commits nothing", async () => {
  const { mill, driver } = await world();
  driver.commit = () => Promise.reject(new Error("nothing to commit"));
  await expect(mill.transaction(async () => "fine")).resolves.toBe("fine");
});
