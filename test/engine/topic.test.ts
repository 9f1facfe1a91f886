import { describe, expect, test } from "vitest";
import { consume, message, numbered, retry, sendAll, texts, turn, World } from "./world.js";

describe("a durable topic", () => {
  test("gives every group every message", async () => {
    const world = await World.open();
    const topic = await world.topic();
    const [mail, audit] = [await consume(topic, { group: "mail" }), await consume(topic, { group: "audit" })];
    await sendAll(topic, numbered(10));
    expect(texts(await mail.take())).toEqual(numbered(10));
    expect(texts(await audit.take())).toEqual(numbered(10));
  });

  test("keeps for a group what is sent while it is away", async () => {
    const world = await World.open();
    const topic = await world.topic();
    const consumer = await consume(topic, { group: "mail" });
    await consumer.source.close();
    await sendAll(topic, numbered(5));
    await world.kill();
    const again = await world.topic();
    await sendAll(again, numbered(5, 5));
    expect(texts(await (await consume(again, { group: "mail" })).take())).toEqual(numbered(10));
  });

  test("gives each message to one member of a group only", async () => {
    const world = await World.open();
    const topic = await world.topic();
    const [one, other] = [await consume(topic, { group: "mail" }), await consume(topic, { group: "mail" })];
    await sendAll(topic, numbered(10));
    expect(texts([...(await one.take(5)), ...(await other.take())])).toEqual(numbered(10));
  });

  test("lets groups settle, retry and count for themselves", async () => {
    const world = await World.open();
    const topic = await world.topic();
    const [mail, audit] = [await consume(topic, { group: "mail" }), await consume(topic, { group: "audit" })];
    await sendAll(topic, ["m"]);
    mail.settle(await mail.take(), retry());
    expect((await mail.take())[0]?.attempt).toBe(2);
    const [delivery] = await audit.take();
    expect(delivery?.attempt).toBe(1);
    expect(audit.settle([delivery!])).toEqual([true]);
  });

  test.for([
    ["earliest", 5],
    ["latest", 0],
    [3n, 2],
  ] as const)("lets a group begin at %s", async ([from, count]) => {
    const world = await World.open();
    const topic = await world.topic();
    await sendAll(topic, numbered(5));
    const consumer = await consume(topic, { group: "mail", from });
    expect(await consumer.take()).toHaveLength(count);
    await topic.publish(message("next"));
    if (count === 0) expect(texts(await consumer.take())).toEqual(["next"]);
  });

  test("keeps a message until the slowest group has settled it", async () => {
    const world = await World.open();
    const topic = await world.topic();
    const [fast, slow] = [await consume(topic, { group: "fast" }), await consume(topic, { group: "slow" })];
    await sendAll(topic, numbered(2000));
    fast.settle(await fast.take(2000));
    await turn();
    expect(topic.partitions[0]?.startOffset).toBe(0);
    slow.settle(await slow.take(1500));
    await turn();
    topic.trimSettled();
    await turn();
    expect(topic.partitions[0]?.startOffset).toBeGreaterThan(1000);
    expect(topic.partitions[0]?.startOffset).toBeLessThanOrEqual(1000 + 500);
    expect(texts(await slow.take(1))).toEqual(["1500"]);
  });
});
