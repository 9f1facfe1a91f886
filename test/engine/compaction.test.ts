import { describe, expect, test } from "vitest";
import type { Logger } from "../../src/base/logger.js";
import type { StreamChannel } from "../../src/engine/stream-channel.js";
import { consume, message, texts, turn, World, type WorldOptions } from "./world.js";

const hourMs = 3_600_000;
const filler = "x".repeat(1000);

async function open(options?: WorldOptions): Promise<{ world: World; stream: StreamChannel }> {
  const world = await World.open(options);
  return { world, stream: await world.stream("prices", { compact: true }) };
}

/** One record each, of a kilobyte: sixteen fill a segment. */
async function send(
  stream: StreamChannel,
  ...keysAndValues: readonly (readonly [string | undefined, string])[]
): Promise<void> {
  for (const [key, value] of keysAndValues) {
    await stream.publish(message(value === "" ? "" : `${value} ${filler}`, { key }));
  }
}

/** So much of another key that everything before it is in sealed segments. */
async function fill(stream: StreamChannel): Promise<void> {
  for (let each = 0; each < 40; each++) await send(stream, ["filler", String(each)]);
}

async function read(stream: StreamChannel): Promise<string[]> {
  const seen: string[] = [];
  const all = { from: "earliest", until: "end", partition: undefined, signal: undefined } as const;
  for await (const chunk of stream.read(all)) {
    for (const each of chunk) if (each.key !== "filler") seen.push(`${each.key}=${texts([each])[0]!.split(" ")[0]}`);
  }
  return seen;
}

describe("a compacted stream", () => {
  test("keeps the last record of each key, where and in the order it was", async () => {
    const { world, stream } = await open();
    await send(stream, ["a", "1"], ["b", "1"], ["a", "2"], ["c", "1"], ["b", "2"]);
    await fill(stream);
    const before = stream.partitions[0]!.bytes;
    await world.engine.keeper.pass();
    expect(await read(stream)).toEqual(["a=2", "c=1", "b=2"]);
    expect(stream.partitions[0]!.bytes).toBeLessThan(before / 2);
  });

  test("leaves the segment alone that is being written", async () => {
    const { world, stream } = await open();
    await send(stream, ["a", "1"], ["a", "2"]);
    await world.engine.keeper.pass();
    expect(await read(stream)).toEqual(["a=1", "a=2"]);
  });

  test("keeps records without a key", async () => {
    const { world, stream } = await open();
    await send(stream, [undefined, "1"], [undefined, "2"]);
    await fill(stream);
    await world.engine.keeper.pass();
    expect(await read(stream)).toEqual(["undefined=1", "undefined=2"]);
  });

  test("lets it be seen for that day also when the wall clock jumps ahead by ten years", async () => {
    const { world, stream } = await open();
    await send(stream, ["a", "1"], ["a", ""]);
    await fill(stream);
    await world.engine.keeper.pass();
    world.clock.jump(10 * 8_766 * hourMs);
    await world.clock.advance(2 * hourMs);
    expect(await read(stream)).toEqual(["a="]);
  });

  test("lets a tombstone be seen for a day, and go then; what it deleted does not come back", async () => {
    const { world, stream } = await open();
    await send(stream, ["a", "1"], ["b", "1"], ["a", ""]);
    await fill(stream);
    await world.engine.keeper.pass();
    expect(await read(stream)).toEqual(["b=1", "a="]);
    await world.clock.advance(23 * hourMs);
    expect(await read(stream)).toEqual(["b=1", "a="]);
    await world.clock.advance(2 * hourMs);
    expect(await read(stream)).toEqual(["b=1"]);
  });

  test("forgets a deletion when the key is there again", async () => {
    const { world, stream } = await open();
    await send(stream, ["a", "1"], ["a", ""], ["a", "2"]);
    await fill(stream);
    await world.engine.keeper.pass();
    await world.clock.advance(25 * hourMs);
    expect(await read(stream)).toEqual(["a=2"]);
  });

  test("takes several passes over it where its keys do not fit in memory", async () => {
    const { world, stream } = await open({ limits: { compactionBytes: 300 } });
    for (const round of ["1", "2", "3"]) {
      for (let key = 0; key < 10; key++) await send(stream, [`k${key}`, round]);
    }
    await fill(stream);
    await world.engine.keeper.pass();
    expect(await read(stream)).toEqual(Array.from({ length: 10 }, (_, key) => `k${key}=3`));
  });

  test("is compacted again once there is enough that is new", async () => {
    const { world, stream } = await open();
    for (const value of ["1", "2", "3"]) {
      await send(stream, ["a", value]);
      await fill(stream);
      await world.engine.keeper.pass();
    }
    expect(await read(stream)).toEqual(["a=3"]);
  });

  test("is the same after a restart and after a power cut", async () => {
    const { world, stream } = await open();
    await send(stream, ["a", "1"], ["b", "1"], ["a", "2"]);
    await fill(stream);
    await world.engine.keeper.pass();
    await world.engine.log.checkpoint();
    await world.cutPower();
    expect(await read(await world.stream("prices", { compact: true }))).toEqual(["b=1", "a=2"]);
    await world.restart();
    expect(await read(await world.stream("prices", { compact: true }))).toEqual(["b=1", "a=2"]);
  });

  test("is passed over by groups without a word, which are at its end when they have settled what is left", async () => {
    const said: string[] = [];
    const warn = (_fields: object, text: string): void => void said.push(text);
    const logger: Logger = { debug: () => {}, info: () => {}, warn, error: () => {} };
    const { world, stream } = await open({ logger });
    await send(stream, ["a", "1"], ["a", "2"], ["b", "1"]);
    await fill(stream);
    const slow = await consume(stream, { group: "slow" });
    slow.settle(await slow.take(1));
    await world.engine.keeper.pass();
    await world.clock.advance(5_000);
    const [lag] = await world.admin.lag("prices", "slow");
    // The record it would read next was replaced: the oldest that is there counts.
    expect(lag!.ms).toBeGreaterThanOrEqual(5_000);
    const rest = [...(await slow.take()), ...(await slow.take())];
    expect(rest.map(({ key }) => key).filter((key) => key !== "filler")).toEqual(["a", "b"]);
    slow.settle(rest);
    await turn();
    expect(await world.admin.lag("prices", "slow")).toMatchObject([{ messages: 0, ms: 0 }]);
    expect(said).toEqual([]);
  });
});

test("a power cut in the middle of a pass never brings back what was deleted", async () => {
  for (let calls = 0; calls < 120; calls += 3) {
    const { world, stream } = await open();
    await send(stream, ["a", "1"]);
    for (let each = 0; each < 20; each++) await send(stream, ["filler", String(each)]);
    await send(stream, ["a", ""]);
    await world.clock.advance(25 * hourMs);
    await fill(stream);
    world.disk.crashAt(world.disk.calls + calls);
    // Checkpoints between any two segments that are written anew.
    const { keeper, log } = world.engine;
    let isOver = false;
    const passing = keeper.pass().then(() => (isOver = true));
    const checkpoints = async (): Promise<void> => {
      while (!isOver) {
        await log.checkpoint();
        await turn();
      }
    };
    void Promise.all([passing, checkpoints()]).catch(() => {});
    for (let each = 0; each < 60 && !isOver; each++) await turn();
    await world.cutPower("reordered");
    const seen = await read(await world.stream("prices", { compact: true }));
    expect(seen.at(-1), `after ${calls} calls`).not.toBe("a=1");
  }
});
