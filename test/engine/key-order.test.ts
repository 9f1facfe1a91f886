import { describe, expect, test } from "vitest";
import type { Logger } from "../../src/base/logger.js";
import type { StreamReading } from "../../src/engine/message.js";
import type { StreamChannel } from "../../src/engine/stream-channel.js";
import { type Consumer, consume, message, retry, texts, turn, World, type WorldOptions } from "./world.js";

const group = "audit";
const parks: StreamReading = { order: "key", onFailure: "park", assignment: "cooperative-sticky" };
const blocks: StreamReading = { order: "key", onFailure: "block", assignment: "cooperative-sticky" };

/** Values such as "a1": the letter is the key, and "-" is none. */
async function send(stream: StreamChannel, ...values: readonly string[]): Promise<void> {
  await stream.publishAll(values.map((value) => message(value, { key: value[0] === "-" ? undefined : value[0] })));
}

interface Opened {
  readonly world: World;
  readonly stream: StreamChannel;
  readonly member: Consumer;
}

async function open(reading: StreamReading, options?: WorldOptions): Promise<Opened> {
  const world = await World.open(options);
  const stream = await world.stream("events", { partitions: 1 });
  return { world, stream, member: await consume(stream, { group, stream: reading }) };
}

describe("a message that fails, parked", () => {
  test("holds up what comes behind it of its key, and nothing else", async () => {
    const { world, stream, member } = await open(parks);
    await send(stream, "a1", "b1", "a2", "-1");
    const held = await member.take();
    member.settle([held[0]!], retry(1000));
    expect(texts(member.lost)).toEqual(["a2"]);
    await send(stream, "a3", "b2", "-2");
    expect(texts(await member.take())).toEqual(["b2", "-2"]);
    await world.clock.advance(999);
    expect(await member.take()).toEqual([]);
    await world.clock.advance(1);
    const again = await member.take();
    expect(again.map((each) => [texts([each])[0], each.attempt])).toEqual([
      ["a1", 2],
      ["a2", 1],
      ["a3", 1],
    ]);
  });

  test("waits alone when it has no key", async () => {
    const { stream, member } = await open(parks);
    await send(stream, "-1", "-2");
    const [first] = await member.take();
    member.settle([first!], retry(1000));
    expect(member.lost).toEqual([]);
    await send(stream, "-3");
    expect(texts(await member.take())).toEqual(["-3"]);
  });

  test("keeps the floor where it is, and what was settled beyond stays settled after a power cut", async () => {
    const { world, stream, member } = await open(parks);
    await send(stream, "a1", ...Array.from({ length: 3000 }, (_, index) => `b${index}`), "a2");
    for (let held = await member.take(); held.length > 0; held = await member.take()) {
      member.settle(
        held.filter((each) => each.key === "a"),
        retry(60_000),
      );
      member.settle(held.filter((each) => each.key === "b"));
    }
    await member.source.flush();
    expect(await world.admin.lag("events", group)).toMatchObject([{ committed: 0n, messages: 2 }]);
    await world.cutPower();
    const again = await consume(await world.stream("events", { partitions: 1 }), { group, stream: parks });
    await world.clock.advance(59_000);
    expect(await again.take()).toEqual([]);
    await world.clock.advance(1_000);
    expect((await again.take()).map((each) => [texts([each])[0], each.attempt])).toEqual([
      ["a1", 2],
      ["a2", 1],
    ]);
  });

  test("and what waits behind it have a limit: at it the partition waits too, and says so once", async () => {
    const said: string[] = [];
    const warn = (_fields: object, text: string): void => void said.push(text);
    const logger: Logger = { debug: () => {}, info: () => {}, warn, error: () => {} };
    const { world, stream, member } = await open(parks, { logger, limits: { retriesMax: 3 } });
    await send(stream, "a1");
    member.settle(await member.take(), retry(1000));
    await send(stream, "a2", "a3", "b1", "b2");
    expect(await member.take()).toEqual([]);
    expect(said).toEqual(["so many messages wait for others of their key that the partition waits too"]);
    await world.clock.advance(1000);
    expect(texts(await member.take())).toEqual(["a1", "a2", "a3", "b1", "b2"]);
    expect(said).toHaveLength(1);
  });

  test("does not hold up the group for ever when retention takes it away", async () => {
    const { world, stream, member } = await open(parks);
    await send(stream, "a1");
    member.settle(await member.take(), retry(1000));
    await send(stream, "b1");
    member.settle(await member.take());
    stream.partitions[0]!.trim(2);
    await world.engine.log.flush();
    await world.clock.advance(1000);
    expect(await member.take()).toEqual([]);
    expect(await world.admin.lag("events", group)).toMatchObject([{ committed: 2n, messages: 0 }]);
    expect(stream.name).toBe("events");
  });
});

describe("a message that fails and blocks, in the order of keys", () => {
  test("lets others that are out be settled, and hands out nothing more until it is due", async () => {
    const { world, stream, member } = await open(blocks);
    await send(stream, "a1", "b1", "a2");
    const held = await member.take();
    member.settle([held[0]!], retry(1000));
    expect(texts(member.lost)).toEqual(["a2"]);
    expect(member.settle([held[1]!])).toEqual([true]);
    await send(stream, "c1");
    expect(await member.take()).toEqual([]);
    await world.clock.advance(1000);
    expect(texts(await member.take())).toEqual(["a1", "a2", "c1"]);
  });

  test("still does after a restart", async () => {
    const { world, stream, member } = await open(blocks);
    await send(stream, "a1", "b1");
    const held = await member.take();
    member.settle([held[0]!], retry(1000));
    await member.source.flush();
    await world.kill();
    const again = await consume(await world.stream("events", { partitions: 1 }), { group, stream: blocks });
    expect(await again.take()).toEqual([]);
    await world.clock.advance(1000);
    expect((await again.take()).map((each) => [texts([each])[0], each.attempt])).toEqual([
      ["a1", 2],
      ["b1", 2],
    ]);
  });
});

test("a partition is read as its present owner asks", async () => {
  const { world, stream, member } = await open(parks);
  await send(stream, "a1", "b1", "a2");
  member.settle((await member.take()).slice(0, 1), retry(1000));
  await member.source.close();
  await turn();
  const inOrder = await consume(stream, { group });
  expect(await inOrder.take()).toEqual([]);
  await world.clock.advance(1000);
  expect(texts(await inOrder.take())).toEqual(["a1", "b1", "a2"]);
});
