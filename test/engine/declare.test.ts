import { describe, expect, test } from "vitest";
import { consume, numbered, sendAll, World } from "./world.js";

describe("declaring a channel", () => {
  test("twice gives the same channel", async () => {
    const world = await World.open();
    const [one, other] = await Promise.all([world.queue(), world.queue()]);
    expect(one).toBe(other);
    expect(await world.queue()).toBe(one);
  });

  test("is durable once it resolves", async () => {
    const world = await World.open();
    await world.stream("events", { partitions: 3, retention: { timeMs: 5000, bytes: Infinity } });
    await world.cutPower();
    expect(await world.admin.describe("events")).toMatchObject({
      kind: "stream",
      partitions: 3,
      retention: { timeMs: 5000, bytes: Infinity },
    });
    expect(await world.admin.describe("other")).toBe(undefined);
  });

  test("with a fixed setting that differs is refused, and nothing changes", async () => {
    const world = await World.open();
    await world.stream("events", { partitions: 3 });
    await expect(world.queue("events")).rejects.toMatchObject({ code: "CHANNEL_MISMATCH" });
    await expect(world.topic("events")).rejects.toThrow('kind "stream", which cannot become "topic"');
    await expect(world.stream("events", { partitions: 2 })).rejects.toThrow("never lowered");
    expect((await world.admin.describe("events"))?.partitions).toBe(3);
  });

  test("changes what may change, for this life and the next", async () => {
    const world = await World.open();
    await world.queue("work", { capacity: { messages: 5, bytes: Infinity, whenFull: "block" } });
    await world.queue("work", { capacity: { messages: 1, bytes: 9, whenFull: "reject" } });
    await world.kill();
    expect((await world.admin.describe("work"))?.capacity).toEqual({ messages: 1, bytes: 9, whenFull: "reject" });
  });

  test("many of them at once numbers each one for itself", async () => {
    const world = await World.open();
    const queues = await Promise.all(numbered(50).map((name) => world.queue(name)));
    await Promise.all(queues.map((queue) => sendAll(queue, [queue.name])));
    await world.kill();
    for (const name of numbered(50)) {
      const [delivery] = await (await consume(await world.queue(name))).take();
      expect(Buffer.from(delivery!.value).toString()).toBe(name);
    }
  });

  test("is refused once there are as many channels as limits allow", async () => {
    const world = await World.open({ limits: { channelsMax: 2 } });
    await world.queue("one");
    await world.queue("two");
    await expect(world.queue("three")).rejects.toMatchObject({ code: "LIMIT_REACHED" });
    await world.queue("one", { capacity: { messages: 9, bytes: 9, whenFull: "block" } });
  });

  test("is refused once the engine is closed", async () => {
    const world = await World.open();
    await world.engine.close();
    await expect(world.queue()).rejects.toMatchObject({ code: "CLOSED" });
  });

  test("takes any name: it never becomes a path", async () => {
    const world = await World.open();
    const names = ["../up", "a/b", "nul\0", "👍", "x".repeat(300), " ", "__proto__", "constructor"];
    for (const name of names) await sendAll(await world.queue(name), [name]);
    await world.kill();
    for (const name of names) expect((await world.queue(name)).depth).toBe(1);
    expect(world.disk.list("").every((entry) => !names.includes(entry))).toBe(true);
  });
});

describe("the groups of a channel", () => {
  test("are refused once there are as many as limits allow", async () => {
    const world = await World.open({ limits: { groupsMax: 2 } });
    const stream = await world.stream();
    await consume(stream, { group: "one" });
    await consume(stream, { group: "two" });
    await expect(consume(stream, { group: "three" })).rejects.toMatchObject({ code: "LIMIT_REACHED" });
    await consume(stream, { group: "one" });
  });

  test("may have any name", async () => {
    const world = await World.open();
    const topic = await world.topic();
    for (const group of ["../up", "", "👍", "__proto__"]) await consume(topic, { group });
    await world.kill();
    expect((await world.admin.groups("news")).map((group) => group.name)).toEqual(["../up", "", "👍", "__proto__"]);
  });
});

describe("limits of channels and groups", () => {
  test("count those that are declared at the same moment", async () => {
    const world = await World.open({ limits: { channelsMax: 3, groupsMax: 2 } });
    const outcomes = await Promise.allSettled(numbered(5).map((name) => world.queue(name)));
    expect(outcomes.filter((each) => each.status === "fulfilled")).toHaveLength(3);
    const other = await World.open({ limits: { groupsMax: 2 } });
    const stream = await other.stream();
    const groups = await Promise.allSettled(numbered(5).map((group) => consume(stream, { group })));
    expect(groups.filter((each) => each.status === "fulfilled")).toHaveLength(2);
  });
});
