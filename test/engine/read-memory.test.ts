import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Incoming, ReadOptions } from "../../src/engine/message.js";
import type { StreamChannel } from "../../src/engine/stream-channel.js";
import { message, texts, World } from "./world.js";

const all: ReadOptions = { from: "earliest", until: "end", partition: undefined, signal: undefined };
const kibibyte = 1024;
/** Every tail goes to its segment, and a segment is read in more than one piece. Room for commits that fill the memory of a reader. */
const limits = { partitionTailBytes: 1, segmentBytes: 4096 * kibibyte, walFileBytes: 8192 * kibibyte };

/** Told from every other by its beginning, and long enough to fill memory. */
function value(index: number, bytes: number): string {
  return `${index}:`.padEnd(bytes, String.fromCharCode(97 + (index % 26)));
}

interface Written {
  readonly world: World;
  readonly stream: StreamChannel;
  readonly values: readonly string[];
}

/** A stream that lies in segments, each of `sizes` one commit of so many messages of 1 KiB. */
async function written(sizes: readonly number[], partitions = 1): Promise<Written> {
  const world = await World.open({ limits });
  const stream = await world.stream("events", { partitions });
  const values: string[] = [];
  for (const size of sizes) {
    const batch = Array.from({ length: size }, (_, index) => value(values.length + index, kibibyte));
    await stream.publishAll(batch.map((each) => message(each)));
    values.push(...batch);
  }
  await world.restart();
  return { world, stream: await world.stream("events", { partitions }), values };
}

async function collected(stream: StreamChannel): Promise<Incoming[]> {
  const messages: Incoming[] = [];
  for await (const chunk of stream.read(all)) messages.push(...chunk);
  return messages;
}

describe("a message that a reader keeps while it reads on", () => {
  test("still has its value when that is asked for at the very end", async () => {
    const { stream, values } = await written(Array.from({ length: 20 }, () => 30));
    const messages = await collected(stream);
    expect(texts(messages)).toEqual(values);
  });

  test("keeps for ever the bytes it has given out", async () => {
    const { stream, values } = await written(Array.from({ length: 20 }, () => 30));
    const given: Uint8Array[] = [];
    for await (const chunk of stream.read(all)) for (const each of chunk) given.push(each.value);
    expect(given.map((bytes) => Buffer.from(bytes).toString())).toEqual(values);
  });

  test("has its value after the engine was closed", async () => {
    const { world, stream, values } = await written(Array.from({ length: 20 }, () => 30));
    const messages = await collected(stream);
    await world.engine.close();
    expect(texts(messages)).toEqual(values);
  });

  test("says that it was kept too long when the stream no longer has it", async () => {
    const { world, stream } = await written(Array.from({ length: 20 }, () => 30));
    const messages = await collected(stream);
    const directory = `t/${stream.known.id}/0`;
    for (const name of world.disk.list(directory)) world.disk.remove(`${directory}/${name}`);
    expect(() => messages[0]?.value).toThrow(expect.objectContaining({ code: "OFFSET_OUT_OF_RANGE" }));
  });

  test("knows where it was even then", async () => {
    const { world, stream } = await written(Array.from({ length: 20 }, () => 30));
    const messages = await collected(stream);
    const directory = `t/${stream.known.id}/0`;
    for (const name of world.disk.list(directory)) world.disk.remove(`${directory}/${name}`);
    expect(messages.map((each) => each.offset)).toEqual(messages.map((_, index) => BigInt(index)));
  });

  test("is refused with LOG_CORRUPT when its bytes are damaged by then, never given as they are", async () => {
    const { world, stream } = await written(Array.from({ length: 20 }, () => 30));
    const messages = await collected(stream);
    const directory = `t/${stream.known.id}/0`;
    for (const name of world.disk.list(directory).filter((each) => each.endsWith(".log"))) {
      const file = world.disk.open(`${directory}/${name}`, "write");
      file.write(Buffer.from("damage"), 500);
      file.close();
    }
    expect(() => messages[0]?.value).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }));
  });
});

test("partitions of large batches, which share memory, do not get into each other's way", async () => {
  const { world, stream, values } = await written(
    Array.from({ length: 16 }, () => 600),
    2,
  );
  const messages = await collected(stream);
  expect(new Set(messages.map((each) => each.partition)).size).toBe(2);
  expect(texts(messages).sort()).toEqual([...values].sort());
  expect(await world.admin.stats("events")).toMatchObject({ damaged: 0 });
});

describe("whatever is looked at, and whenever", () => {
  /** Commits of a few messages and of more than a window holds, in turn with looks at messages met before. */
  const run = fc.record({
    sizes: fc.array(fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 40, max: 1400 })), {
      minLength: 1,
      maxLength: 6,
    }),
    partitions: fc.integer({ min: 1, max: 3 }),
    looks: fc.array(fc.nat(), { maxLength: 20 }),
  });

  test("each message has its own value", async () => {
    await fc.assert(
      fc.asyncProperty(run, async ({ sizes, partitions, looks }) => {
        const { stream, values } = await written(sizes, partitions);
        const met: Incoming[] = [];
        const seen = new Map<Incoming, string>();
        const given = new Map<Incoming, Uint8Array>();
        for await (const chunk of stream.read(all)) {
          met.push(...chunk);
          for (const look of looks.splice(0, 2)) {
            const one = met[look % met.length] as Incoming;
            given.set(one, one.value);
            seen.set(one, Buffer.from(one.value).toString());
          }
        }
        expect(texts(met).sort()).toEqual([...values].sort());
        for (const [one, bytes] of given) expect(Buffer.from(bytes).toString()).toBe(seen.get(one));
        for (const [one, text] of seen) expect(Buffer.from(one.value).toString()).toBe(text);
      }),
      { numRuns: 15 },
    );
  });
});
