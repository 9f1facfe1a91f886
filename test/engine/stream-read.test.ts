import { describe, expect, test } from "vitest";
import type { ReadOptions } from "../../src/engine/message.js";
import type { StreamChannel } from "../../src/engine/stream-channel.js";
import { message, numbered, sendAll, texts, turn, World } from "./world.js";

const all: ReadOptions = { from: "earliest", until: "end", partition: undefined, signal: undefined };

async function readAll(stream: StreamChannel, options: Partial<ReadOptions> = {}): Promise<string[]> {
  const values: string[] = [];
  for await (const chunk of stream.read({ ...all, ...options })) values.push(...texts(chunk));
  return values;
}

describe("reading a stream", () => {
  test("gives everything in order, to the end", async () => {
    const world = await World.open();
    const stream = await world.stream();
    await sendAll(stream, numbered(3000));
    expect(await readAll(stream)).toEqual(numbered(3000));
    await world.restart();
    expect(await readAll(await world.stream())).toEqual(numbered(3000));
  });

  test("changes nothing: it can be done again, and groups know nothing of it", async () => {
    const world = await World.open();
    const stream = await world.stream();
    await sendAll(stream, numbered(10));
    await readAll(stream);
    expect(await readAll(stream)).toEqual(numbered(10));
    expect(await world.admin.groups("events")).toEqual([]);
  });

  test("begins and ends where it is told: an end is not itself read", async () => {
    const world = await World.open();
    const stream = await world.stream();
    await sendAll(stream, numbered(10));
    await world.clock.advance(1000);
    const noon = new Date(world.clock.nowMs());
    await sendAll(stream, numbered(10, 10));
    expect(await readAll(stream, { from: 15n })).toEqual(numbered(5, 15));
    expect(await readAll(stream, { until: 5n })).toEqual(numbered(5));
    expect(await readAll(stream, { from: 3n, until: 7n })).toEqual(numbered(4, 3));
    expect(await readAll(stream, { from: noon })).toEqual(numbered(10, 10));
    expect(await readAll(stream, { until: noon })).toEqual(numbered(10));
    expect(await readAll(stream, { from: "latest" })).toEqual([]);
    expect(await readAll(stream, { from: 7n, until: 7n })).toEqual([]);
  });

  test("reads one partition only, when told so", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { partitions: 3 });
    for (let each = 0; each < 9; each++) await sendAll(stream, [String(each)]);
    const parts: string[][] = [];
    for (const partition of [0, 1, 2]) parts.push(await readAll(stream, { partition }));
    expect(parts.every((part) => part.length === 3)).toBe(true);
    expect(parts.flat().sort()).toEqual(numbered(9));
  });

  test("takes turns between partitions", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { partitions: 2 });
    for (let each = 0; each < 6; each++) await sendAll(stream, [String(each)]);
    const partitions: (number | undefined)[] = [];
    for await (const [first] of stream.read(all)) partitions.push(first!.partition);
    expect(partitions).toEqual([0, 1, 0, 1, 0, 1]);
  });

  test("waits for more when it has no end", async () => {
    const world = await World.open();
    const stream = await world.stream();
    await sendAll(stream, ["a"]);
    const reading = stream.read({ ...all, until: undefined })[Symbol.asyncIterator]();
    expect(texts((await reading.next()).value)).toEqual(["a"]);
    const next = reading.next();
    await turn();
    await sendAll(stream, ["b"]);
    expect(texts((await next).value)).toEqual(["b"]);
    await reading.return?.();
  });

  test("ends at a date that is still to come, once it has come", async () => {
    const world = await World.open();
    const stream = await world.stream();
    const until = new Date(world.clock.nowMs() + 5000);
    const reading = readAll(stream, { until });
    await sendAll(stream, ["before"]);
    await world.clock.advance(4999);
    await sendAll(stream, ["just before"]);
    await world.clock.advance(1);
    await sendAll(stream, ["after"]);
    expect(await reading).toEqual(["before", "just before"]);
  });

  test("ends with ABORTED when its signal aborts, also while it waits", async () => {
    const world = await World.open();
    const stream = await world.stream();
    const stop = new AbortController();
    const reading = readAll(stream, { until: undefined, signal: stop.signal });
    await turn();
    stop.abort(new Error("enough"));
    await expect(reading).rejects.toMatchObject({ code: "ABORTED", cause: new Error("enough") });
  });

  test("ends with CLOSED when the engine closes", async () => {
    const world = await World.open();
    const stream = await world.stream();
    const reading = readAll(stream, { until: undefined });
    await turn();
    await Promise.all([expect(reading).rejects.toMatchObject({ code: "CLOSED" }), world.engine.close()]);
  });

  test("refuses an offset that is not kept any more", async () => {
    const world = await World.open();
    const stream = await world.stream();
    await sendAll(stream, numbered(10));
    stream.partitions[0]!.trim(5);
    await turn();
    await expect(readAll(stream, { from: 4n })).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
    expect(await readAll(stream, { from: 5n })).toEqual(numbered(5, 5));
    expect(await readAll(stream)).toEqual(numbered(5, 5));
  });

  test("refuses to pass over what expired while it was read slowly", async () => {
    const world = await World.open();
    const stream = await world.stream();
    for (let each = 0; each < 5; each++) await sendAll(stream, [String(each)]);
    const reading = stream.read(all)[Symbol.asyncIterator]();
    await reading.next();
    stream.partitions[0]!.trim(3);
    await turn();
    await expect(reading.next()).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
  });

  test("refuses a partition that does not exist", async () => {
    const world = await World.open();
    const stream = await world.stream();
    await expect(readAll(stream, { partition: 7 })).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
  });

  test("is refused for queues and topics", async () => {
    const world = await World.open();
    const channels = [await world.queue(), await world.topic(), await world.ephemeral()];
    for (const channel of channels) expect(() => channel.read(all)).toThrow("cannot be read");
  });

  test("puts messages without a key on one partition a batch, and messages with one on the key's", async () => {
    const world = await World.open();
    const stream = await world.stream("events", { partitions: 4 });
    const batch = await stream.publishAll(numbered(10).map((each) => message(each)));
    expect(new Set(batch.map((receipt) => receipt.partition)).size).toBe(1);
    const next = await stream.publishAll([message("x")]);
    expect(next[0]!.partition).not.toBe(batch[0]!.partition);
    const keyed = await stream.publishAll(numbered(10).map((each) => message(each, { key: "same" })));
    expect(new Set(keyed.map((receipt) => receipt.partition)).size).toBe(1);
    const one = await stream.publish(message("y", { key: "same" }));
    expect(one.partition).toBe(keyed[0]!.partition);
  });
});
