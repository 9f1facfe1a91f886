import { expect, test } from "vitest";
import { bytes, queue, stream, topic } from "../../src/index.js";
import { world } from "./world.js";

const events = stream<{ n: number }>("events", { partitions: 1 });

test("read gives history in order, decoded when it is asked for, and changes nothing", async () => {
  const { mill, driver } = await world();
  await mill.sendAll(events, [{ n: 1 }, { n: 2 }, { n: 3 }]);
  const seen: unknown[] = [];
  for await (const message of mill.read(events, { until: "end" })) seen.push([message.offset, message.value.n]);
  expect(seen).toEqual([
    [0n, 1],
    [1n, 2],
    [2n, 3],
  ]);
  expect(driver.channel("events").groups.size).toBe(0);
});

test("batches give the same messages, many at a time; each iteration begins anew", async () => {
  const { mill } = await world();
  await mill.sendAll(events, [{ n: 1 }, { n: 2 }, { n: 3 }]);
  const reader = mill.read(events, { until: "end" });
  for (let round = 0; round < 2; round++) {
    const batches: number[][] = [];
    for await (const batch of reader.batches()) batches.push(batch.map((message) => message.value.n));
    expect(batches).toEqual([[1, 2], [3]]);
  }
});

test("whoever asks for many messages at once gets each of them, in order", async () => {
  const { mill } = await world();
  await mill.sendAll(events, [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }, { n: 5 }]);
  const reading = mill.read(events)[Symbol.asyncIterator]();
  const results = await Promise.all(Array.from({ length: 6 }, () => reading.next()));
  expect(results.map((result) => (result.done === true ? "end" : result.value.value.n))).toEqual([
    1,
    2,
    3,
    4,
    5,
    "end",
  ]);
});

test("a loop that ends early lets go of the broker", async () => {
  const { mill, driver } = await world();
  await mill.sendAll(events, [{ n: 1 }, { n: 2 }, { n: 3 }]);
  let ended = false;
  const channel = driver.channel("events");
  channel.read = async function* () {
    try {
      yield channel.records.map((record) => record.incoming);
    } finally {
      ended = true;
    }
  };
  for await (const message of mill.read(events)) if (message.value.n === 2) break;
  expect(ended).toBe(true);
});

test("one message that cannot be read does not end the reading: asking for its value throws", async () => {
  const { mill } = await world();
  const broken = stream<Uint8Array>("events", { partitions: 1, codec: bytes });
  await mill.send(broken, new Uint8Array([1]));
  await mill.send(events, { n: 2 });
  const seen: unknown[] = [];
  for await (const message of mill.read(events, { until: "end" })) {
    try {
      seen.push(message.value.n);
    } catch (error) {
      seen.push((error as { code: string }).code);
    }
  }
  expect(seen).toEqual(["PAYLOAD_UNREADABLE", 2]);
});

test("a signal ends the reading with ABORTED", async () => {
  const { mill } = await world();
  await mill.sendAll(events, [{ n: 1 }, { n: 2 }, { n: 3 }]);
  const stop = new AbortController();
  const reading = (async () => {
    for await (const message of mill.read(events, { signal: stop.signal })) if (message.value.n === 2) stop.abort();
  })();
  await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
  expect(() => mill.read(events, { signal: stop.signal })).toThrow(expect.objectContaining({ code: "ABORTED" }));
});

test("from, until and partition reach the driver as they are, with the defaults filled in", async () => {
  const { mill, driver } = await world();
  await mill.send(events, { n: 1 });
  const asked: unknown[] = [];
  driver.channel("events").read = async function* (options) {
    asked.push(options);
    yield [];
  };
  const since = new Date();
  for await (const message of mill.read(events)) void message;
  for await (const message of mill.read(events, { from: 7n, until: since, partition: 0 })) void message;
  expect(asked).toEqual([
    { from: "earliest", until: undefined, partition: undefined, signal: undefined },
    { from: 7n, until: since, partition: 0, signal: undefined },
  ]);
});

test("wrong arguments are a TypeError at the call", async () => {
  const { mill } = await world();
  const many = stream<number>("many", { partitions: 3 });
  const wrong: readonly [() => unknown, RegExp][] = [
    [() => mill.read(queue("q") as never), /only a stream has a history.*admin\.peek/],
    [() => mill.read(topic("t") as never), /only a stream/],
    [() => mill.read(many, { from: 7n }), /an offset is a place in one partition/],
    [() => mill.read(many, { partition: 3 }), /partition must be a whole number from 0 to 2/],
    [() => mill.read(many, { from: "start" as never }), /from must be/],
    [() => mill.read(many, { until: "latest" as never }), /until must be "end"/],
    [() => mill.read(many, { untill: "end" } as never), /no option "untill"/],
  ];
  for (const [call, message] of wrong) {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
  }
});
