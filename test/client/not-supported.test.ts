import { expect, test } from "vitest";
import { queue, stream, topic } from "../../src/index.js";
import type { Channel, SendOptions, Supports } from "../../src/index.js";
import { world } from "./world.js";

const options: readonly [string, Channel<unknown>][] = [
  ["order", queue("q", { order: "per-key" })],
  ["priorities", queue("q", { priorities: 3 })],
  ["dedup", queue("q", { dedup: "5m" })],
  ["expires", queue("q", { expires: "1h" })],
  ["deadLetter.keep", queue("q", { deadLetter: { keep: "14d" } })],
  ["compact", stream("q", { compact: true })],
];

test.for(options)(
  "%s is refused where the driver cannot, naming channel, option, driver and alternative",
  async ([option, channel]) => {
    const { mill, driver } = await world();
    const error = {
      code: "NOT_SUPPORTED",
      message: expect.stringContaining(
        `${channel.kind} "q": ${option} is not supported by the driver "fake": use a driver that can`,
      ) as string,
    };
    await expect(mill.send(channel, 1)).rejects.toMatchObject(error);
    expect(() => mill.handle(channel, () => {}, channel.kind === "stream" ? { group: "g" } : {})).toThrow(
      expect.objectContaining(error),
    );
    expect(driver.declared).toEqual([]);
  },
);

test("the same options spelled as their defaults ask for nothing", async () => {
  const { mill } = await world();
  const modest = queue<number>("q", { order: "none", priorities: 1, dedup: 0 });
  await expect(mill.send(modest, 1)).resolves.toMatchObject({ dropped: false });
  await expect(mill.send(stream<number>("s", { compact: false }), 1)).resolves.toMatchObject({ dropped: false });
});

test("the default window of deduplication is left out where the driver has none", async () => {
  const { mill, driver } = await world();
  await mill.send(queue("q"), 1);
  expect(driver.declared[0]?.dedupMs).toBeUndefined();
  const able = await world({ supports: { dedup: { level: "native" } } });
  await able.mill.send(queue("q"), 1);
  expect(able.driver.declared[0]?.dedupMs).toBe(300_000);
});

test("an id on a queue is refused where it would not count once, unless the queue says that it need not", async () => {
  const { mill } = await world();
  await expect(mill.send(queue("q"), 1, { id: "x" })).rejects.toThrow(/id is not supported.*dedup: 0/);
  await expect(mill.send(queue("r", { id: String }), 1)).rejects.toThrow(/id is not supported/);
  await expect(mill.send(queue("s", { dedup: 0 }), 1, { id: "x" })).resolves.toMatchObject({ id: "x" });
  await expect(mill.send(stream("t"), 1, { id: "x" })).resolves.toMatchObject({ id: "x" });
});

const sendOptions: readonly SendOptions[] = [
  { delay: "1m" },
  { at: new Date() },
  { priority: 1 },
  { expires: "1m" },
  { within: {} } as SendOptions,
];

test.for(sendOptions)("a send with %o is refused, and nothing is sent", async (each) => {
  const ability = { level: "refused", note: "use a driver that can" } as const;
  const { mill, driver } = await world({ supports: { delay: ability, priority: ability, expires: ability } });
  await expect(mill.send(queue("q"), 1, each)).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
  await expect(mill.sendAll(queue("q"), [1], each)).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
  expect(driver.declared).toEqual([]);
});

const kinds: readonly [keyof Supports, Channel<unknown>][] = [
  ["queue", queue("c")],
  ["stream", stream("c")],
  ["topic", topic("c")],
  ["ephemeral", topic("c", { durable: false })],
];

test.for(kinds)("a driver without any %s refuses every one of them", async ([kind, channel]) => {
  const { mill } = await world({ supports: { [kind]: { level: "refused", note: "use another" } } });
  await expect(mill.send(channel, 1)).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
});

test("transactions, histories and peeking are refused where the driver cannot", async () => {
  const ability = { level: "refused", note: "use another" } as const;
  const { mill } = await world({
    supports: { transactions: ability, replay: ability, peek: ability, groups: ability },
  });
  const refused = expect.objectContaining({ code: "NOT_SUPPORTED" });
  await expect(mill.transaction(async () => {})).rejects.toEqual(refused);
  expect(() => mill.handle(queue("q"), () => {}, { guarantee: "transactional" })).toThrow(refused);
  expect(() => mill.handle(stream("s"), () => {}, { group: "g" })).toThrow(refused);
  expect(() => mill.read(stream("s"))).toThrow(refused);
  await expect(mill.admin.peek("q")).rejects.toEqual(refused);
  expect(() => mill.admin.dead("q")).toThrow(refused);
});
