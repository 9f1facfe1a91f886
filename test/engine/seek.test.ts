import { describe, expect, test } from "vitest";
import { hasCode } from "../../src/base/errors.js";
import type { SettledPages } from "../../src/engine/settled-pages.js";
import type { StreamChannel } from "../../src/engine/stream-channel.js";
import { viewsOf } from "../../src/engine/views.js";
import {
  type Consumer,
  consume,
  done,
  errorOf,
  message,
  numbered,
  retry,
  sendAll,
  texts,
  turn,
  World,
} from "./world.js";

const group = "audit";
const all = { group, partition: undefined };

/** A stream of one partition with `count` messages, and a member of a group that has settled the first `settled`. */
async function open(count = 10, settled = 0): Promise<{ world: World; stream: StreamChannel; member: Consumer }> {
  const world = await World.open();
  const stream = await world.stream("events", { partitions: 1 });
  await sendAll(stream, numbered(count));
  const member = await consume(stream, { group });
  if (settled > 0) member.settle(await member.take(settled));
  return { world, stream, member };
}

async function taken(member: Consumer): Promise<string[]> {
  return (await member.take()).map((each) => `${texts([each])[0]}${each.replay ? "r" : ""}`);
}

describe("moving a group back", () => {
  test("hands out again what it had handled, marked as replayed, and then what is new", async () => {
    const { world, member } = await open(4, 2);
    const moves = await world.admin.seek("events", { ...all, to: "earliest" });
    expect(moves).toEqual([{ partition: 0, from: 2n, to: 0n }]);
    const deliveries = await member.take();
    expect(texts(deliveries)).toEqual(["0", "1", "2", "3"]);
    expect(deliveries.map(({ replay, attempt }) => [replay, attempt])).toEqual([
      [true, 1],
      [true, 1],
      [false, 1],
      [false, 1],
    ]);
  });

  test("does not take for replayed what was open in the middle of what it had handled", async () => {
    const { world, member } = await open(5);
    const deliveries = await member.take();
    member.settle([deliveries[0]!, deliveries[2]!, deliveries[4]!]);
    await world.admin.seek("events", { ...all, to: 0n });
    expect(await taken(member)).toEqual(["0r", "1", "2r", "3", "4r"]);
  });

  test("ends the leases of before: they are lost, and settling them counts for nothing", async () => {
    const { world, member } = await open(4, 1);
    const held = await member.take();
    await world.admin.seek("events", { ...all, to: "earliest" });
    expect(texts(member.lost)).toEqual(["1", "2", "3"]);
    expect(member.settle(held)).toEqual([false, false, false]);
    expect(await taken(member)).toEqual(["0r", "1", "2", "3"]);
  });

  test("wakes a member that waits", async () => {
    const { world, member } = await open(3, 3);
    expect(await member.take()).toEqual([]);
    await world.admin.seek("events", { ...all, to: 1n });
    expect(await taken(member)).toEqual(["1r", "2r"]);
  });

  test("hands out nothing before the new position is durable", async () => {
    const { world, member } = await open(3, 2);
    await member.source.flush();
    const seeking = world.admin.seek("events", { ...all, to: "earliest" });
    const taking = member.source.take(10);
    let isTaken = false;
    void taking.then(() => (isTaken = true));
    await Promise.resolve();
    expect(isTaken).toBe(false);
    await seeking;
    expect(texts(await taking)).toEqual(["0", "1", "2"]);
  });

  test("forgets delays and attempts of before", async () => {
    const { world, member } = await open(2);
    const [first] = await member.take();
    member.settle([first!], retry(60_000));
    await turn();
    await world.admin.seek("events", { ...all, to: "earliest" });
    expect((await member.take()).map(({ attempt }) => attempt)).toEqual([1, 1]);
  });

  test("to a date begins at the first message of that time", async () => {
    const { world, stream, member } = await open(2, 2);
    await world.clock.advance(60_000);
    const at = new Date(world.clock.nowMs());
    await sendAll(stream, ["later"]);
    member.settle(await member.take());
    await world.admin.seek("events", { ...all, to: at });
    expect(await taken(member)).toEqual(["laterr"]);
  });
});

describe("moving a group forward", () => {
  test("settles what lies between, which is no replay when it is moved back again", async () => {
    const { world, member } = await open(5, 1);
    await world.admin.seek("events", { ...all, to: 3n });
    expect(await world.admin.lag("events", group)).toMatchObject([{ committed: 3n, messages: 2 }]);
    member.settle(await member.take());
    await world.admin.seek("events", { ...all, to: "earliest" });
    expect(await taken(member)).toEqual(["0r", "1", "2", "3r", "4r"]);
  });

  test("to the latest leaves what comes from now on", async () => {
    const { world, stream, member } = await open(5);
    await world.admin.seek("events", { ...all, to: "latest" });
    await sendAll(stream, ["new"]);
    expect(await taken(member)).toEqual(["new"]);
  });
});

describe("a move", () => {
  test("is there after a power cut, with what was settled since, and what is a replay", async () => {
    const { world, member } = await open(6, 4);
    await world.admin.seek("events", { ...all, to: 1n });
    member.settle(await member.take(1));
    await member.source.flush();
    await world.cutPower();
    const again = await consume(await world.stream("events", { partitions: 1 }), { group });
    expect(await taken(again)).toEqual(["2r", "3r", "4", "5"]);
  });

  test("is in a checkpoint, which drops the pages of before", async () => {
    const { world, member, stream } = await open(100);
    const deliveries = await member.take();
    member.settle(deliveries.slice(50));
    await member.source.flush();
    await world.engine.log.checkpoint();
    await world.admin.seek("events", { ...all, to: "earliest" });
    member.settle((await member.take(10)).slice(0, 3));
    await member.source.flush();
    await world.engine.log.checkpoint();
    await world.cutPower();
    const reopened = await world.stream("events", { partitions: 1 });
    const settled: SettledPages = viewsOf(reopened, group)[0]!.progress.settled;
    expect([settled.floor, settled.above]).toEqual([3, 0]);
    const again = await consume(reopened, { group });
    expect(await taken(again)).toEqual([...numbered(47, 3), ...numbered(50, 50).map((each) => `${each}r`)]);
    expect(stream.name).toBe("events");
  });

  test("takes all partitions or the one that is asked for", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { partitions: 3 });
    for (let each = 0; each < 3; each++) await sendAll(stream, ["a", "b"]);
    const member = await consume(stream, { group });
    member.settle(await member.take());
    expect(await world.admin.seek("events", { group, to: 1n, partition: 2 })).toEqual([
      { partition: 2, from: 2n, to: 1n },
    ]);
    expect((await member.take()).map(({ partition, offset }) => [partition, offset])).toEqual([[2, 1n]]);
    await world.admin.seek("events", { ...all, to: "earliest" });
    expect(await member.take()).toHaveLength(6);
  });

  test("lets a partition go that was waiting for its leases to move to another member", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { partitions: 2 });
    await sendAll(stream, ["a"]);
    await sendAll(stream, ["b"]);
    const one = await consume(stream, { group });
    await one.take();
    const other = await consume(stream, { group });
    expect(await other.take()).toEqual([]);
    await world.admin.seek("events", { ...all, to: "earliest" });
    expect([...(await one.take()), ...(await other.take())]).toHaveLength(2);
  });

  test("is refused where nothing is kept, where nobody reads, and in a queue", async () => {
    const { world } = await open(3);
    await world.queue("work");
    const codeOf = async (name: string, more: object): Promise<unknown> => {
      const error = await errorOf(world.admin.seek(name, { ...all, to: "earliest", ...more }));
      return ["OFFSET_OUT_OF_RANGE", "GROUP_UNKNOWN", "NOT_SUPPORTED"].find((code) => hasCode(error, code as never));
    };
    expect(await codeOf("events", { to: 4n })).toBe("OFFSET_OUT_OF_RANGE");
    expect(await codeOf("events", { partition: 1 })).toBe("OFFSET_OUT_OF_RANGE");
    expect(await codeOf("events", { group: "nobody" })).toBe("GROUP_UNKNOWN");
    expect(await codeOf("work", { group: "" })).toBe("NOT_SUPPORTED");
  });
});

describe("a power cut while a group is moved", () => {
  test.each(Array.from({ length: 8 }, (_, calls) => ({ calls })))(
    "after $calls calls to the disk leaves all partitions where they were, or all where they go",
    async ({ calls }) => {
      const world = await World.open();
      const stream = await world.stream("events", { partitions: 3 });
      for (let each = 0; each < 6; each++) await sendAll(stream, ["a", "b"]);
      const member = await consume(stream, { group });
      member.settle(await member.take());
      await member.source.flush();
      const floors = async (): Promise<bigint[]> =>
        (await world.admin.lag("events", group)).map(({ committed }) => committed);
      const before = await floors();
      world.disk.crashAt(world.disk.calls + calls);
      let isMoved = false;
      const seeking = world.admin.seek("events", { ...all, to: "earliest" }).then(
        () => (isMoved = true),
        () => {},
      );
      for (let each = 0; each < 4; each++) await turn();
      await Promise.race([seeking, turn()]);
      await world.cutPower("reordered");
      await world.stream("events", { partitions: 3 });
      const after = await floors();
      if (isMoved || after[0] === 0n) expect(after).toEqual([0n, 0n, 0n]);
      else expect(after).toEqual(before);
    },
  );
});

describe("a group of a stream that settles each message by itself", () => {
  test("forgets delays and attempts of before: what was to come again then does not come beside itself", async () => {
    const world = await World.open();
    const stream = await world.stream("events");
    await sendAll(stream, ["0", "1"]);
    const member = await consume(stream, { group, settle: "each" });
    member.settle(await member.take(1), retry(1000));
    await turn();
    await world.admin.seek("events", { ...all, to: "earliest" });
    expect((await member.take()).map(({ attempt }) => attempt)).toEqual([1, 1]);
    await world.clock.advance(1000);
    expect(await member.take()).toEqual([]);
  });

  test("is moved like any other, in all partitions at once", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { partitions: 2 });
    for (const value of ["0", "1", "2"]) await sendAll(stream, [value]);
    const member = await consume(stream, { group, settle: "each" });
    const deliveries = await member.take();
    member.settle(deliveries.slice(0, 2));
    await world.admin.seek("events", { ...all, to: "earliest" });
    expect(member.lost).toEqual([deliveries[2]]);
    expect(member.settle([deliveries[2]!])).toEqual([false]);
    const again = await member.take();
    expect(again.map(({ replay, attempt }) => [replay, attempt]).toSorted()).toEqual([
      [false, 1],
      [true, 1],
      [true, 1],
    ]);
    member.settle(again);
    await member.source.flush();
    await world.cutPower();
    await world.stream("events", { partitions: 2 });
    expect((await world.admin.lag("events", group)).map(({ messages }) => messages)).toEqual([0, 0]);
    expect(await world.admin.rebalances("events", group)).toEqual([]);
  });
});

describe("the group of a durable topic", () => {
  test("hands out nothing from its new place before that is durable", async () => {
    const world = await World.open();
    const topic = await world.topic("news");
    await consume(topic, { group: "slow" });
    const member = await consume(topic, { group });
    await sendAll(topic, numbered(3));
    member.settle(await member.take());
    await member.source.flush();
    const seeking = world.admin.seek("news", { ...all, to: "earliest" });
    const taking = member.source.take(10);
    let isTaken = false;
    void taking.then(() => (isTaken = true));
    await Promise.resolve();
    expect(isTaken).toBe(false);
    await seeking;
    expect(texts(await taking)).toEqual(["0", "1", "2"]);
  });

  test("is moved back as far as another group keeps messages, and forward over what it had leased", async () => {
    const world = await World.open();
    const topic = await world.topic("news");
    const slow = await consume(topic, { group: "slow" });
    const member = await consume(topic, { group });
    await sendAll(topic, numbered(4));
    member.settle(await member.take());
    await world.admin.seek("news", { ...all, to: "earliest" });
    expect(await taken(member)).toEqual(["0r", "1r", "2r", "3r"]);
    await world.admin.seek("news", { ...all, to: "latest" });
    expect(texts(member.lost)).toEqual(numbered(4));
    slow.settle(await slow.take(), done);
    await slow.source.flush();
    await turn();
    await topic.publish(message("new"));
    await world.cutPower();
    const again = await consume(await world.topic("news"), { group });
    expect(await taken(again)).toEqual(["new"]);
  });
});
