import { describe, expect, test } from "vitest";
import type { Logger } from "../../src/base/logger.js";
import { hasCode } from "../../src/base/errors.js";
import type { AssignmentName } from "../../src/engine/assignment.js";
import type { Rebalance } from "../../src/engine/rebalances.js";
import type { StreamChannel } from "../../src/engine/stream-channel.js";
import { type Consumer, consume, errorOf, leaseMs, sendAll, World } from "./world.js";

const group = "audit";

interface Line {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly text: string;
}

async function open(partitions = 4): Promise<{ world: World; stream: StreamChannel; lines: Line[] }> {
  const lines: Line[] = [];
  const info = (fields: Readonly<Record<string, unknown>>, text: string): void => void lines.push({ fields, text });
  const logger: Logger = { debug: () => {}, info, warn: () => {}, error: () => {} };
  const world = await World.open({ logger });
  return { world, stream: await world.stream("events", { partitions }), lines };
}

function join(stream: StreamChannel, member?: string, assignment: AssignmentName = "range"): Promise<Consumer> {
  return consume(stream, { group, member, stream: { order: "partition", onFailure: "block", assignment } });
}

async function fill(stream: StreamChannel): Promise<void> {
  for (let each = 0; each < stream.partitions.length; each++) await sendAll(stream, ["x"]);
}

async function history(world: World): Promise<readonly Rebalance[]> {
  return world.admin.rebalances("events", group);
}

describe("a rebalance", () => {
  test("is explained: who joined, what moved and how long the leases of the old owner took", async () => {
    const { world, stream, lines } = await open();
    await fill(stream);
    const one = await join(stream, "one");
    const held = await one.take();
    const atMs = world.clock.nowMs();
    await join(stream, "two");
    const moved = [2, 3].map((partition) => ({ partition, from: "one", to: "two" }));
    expect((await history(world)).at(-1)).toEqual({ atMs, cause: "joined", member: "two", moved, tookMs: undefined });
    await world.clock.advance(700);
    one.settle(held);
    const told = { cause: "joined", member: "two", moved, tookMs: 700 };
    expect((await history(world)).at(-1)).toEqual({ atMs, ...told });
    expect(lines.at(-1)).toEqual({
      fields: { channel: "events", group, ...told },
      text: "the partitions of a group were shared out anew",
    });
  });

  test("is explained: who left, stalled, and is back; who has no name has a number", async () => {
    const { world, stream } = await open(2);
    await fill(stream);
    const one = await join(stream);
    const two = await join(stream);
    await one.take();
    await world.clock.advance(leaseMs);
    // The one that stalled had partition 0, the other one had never taken anything.
    await one.take();
    await two.source.close();
    const told = (await history(world)).map(({ cause, member, moved }) => [
      cause,
      member,
      moved.map(({ partition, from, to }) => `${partition}: ${from} to ${to}`),
    ]);
    expect(told).toEqual([
      ["joined", "#1", ["0: undefined to #1", "1: undefined to #1"]],
      ["joined", "#2", ["1: #1 to #2"]],
      ["stalled", "#1", ["0: #1 to #2"]],
      ["back", "#1", ["0: #2 to #1"]],
      ["left", "#2", ["1: #2 to #1"]],
    ]);
  });

  test("names what moves in the end, when members come and go before a partition could move", async () => {
    const { world, stream } = await open(2);
    await fill(stream);
    const one = await join(stream, "a");
    const held = await one.take();
    const two = await join(stream, "b");
    await two.source.close();
    await join(stream, "c");
    one.settle(held);
    const told = (await history(world)).map(({ cause, member, moved, tookMs }) => [
      cause,
      member,
      moved.length,
      tookMs,
    ]);
    expect(told).toEqual([
      ["joined", "a", 2, 0],
      ["joined", "b", 0, 0],
      ["left", "b", 0, 0],
      ["joined", "c", 1, 0],
    ]);
  });

  test("is kept fifty times", async () => {
    const { world, stream } = await open(1);
    for (let each = 0; each < 40; each++) await (await join(stream)).source.close();
    expect(await history(world)).toHaveLength(50);
    expect((await history(world)).at(-1)).toMatchObject({ cause: "left", member: "#40" });
  });

  test("stops no partition that does not move", async () => {
    const { stream } = await open(4);
    await fill(stream);
    const one = await join(stream, "one");
    const held = await one.take();
    await join(stream, "two");
    await fill(stream);
    const more = await one.take();
    expect(more.map(({ partition }) => partition).toSorted()).toEqual([0, 1]);
    expect(one.settle([...held, ...more])).not.toContain(false);
    expect(one.lost).toEqual([]);
  });
});

describe("the members of a group", () => {
  test("share as they ask: in ranges, or one by one", async () => {
    for (const [assignment, ofTwo] of [
      ["range", [2, 3]],
      ["round-robin", [1, 3]],
    ] as const) {
      const { stream } = await open(4);
      await join(stream, "one", assignment);
      const two = await join(stream, "two", assignment);
      await fill(stream);
      expect((await two.take()).map(({ partition }) => partition)).toEqual(ofTwo);
    }
  });

  test("have to ask for the same; when all have left, the next may ask for something else", async () => {
    const { world, stream } = await open();
    const one = await join(stream, "one", "range");
    const error = await errorOf(join(stream, "two", "round-robin"));
    expect(hasCode(error, "GROUP_MISMATCH") && error.message).toBe(
      'the members of group "audit" of "events" share its partitions by assignment "range", and this one asks for "round-robin": let all of them ask for the same',
    );
    expect((await world.admin.groups("events"))[0]).toMatchObject({ members: 1 });
    await one.source.close();
    await join(stream, "two", "round-robin");
  });
});

test("more partitions are shared out among the members that are there", async () => {
  const { world, stream } = await open(2);
  const one = await join(stream, "one");
  const two = await join(stream, "two");
  await world.stream("events", { partitions: 6 });
  await fill(stream);
  const partitionsOf = async (member: Consumer): Promise<unknown> =>
    (await member.take()).map((each) => each.partition);
  expect([await partitionsOf(one), await partitionsOf(two)]).toEqual([
    [0, 1, 2],
    [3, 4, 5],
  ]);
  expect((await history(world)).at(-1)).toMatchObject({ cause: "partitions", member: undefined });
});
