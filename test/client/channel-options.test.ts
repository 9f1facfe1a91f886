import { expect, test } from "vitest";
import { exponential, fixed, queue, stream, text, topic } from "../../src/index.js";

test("a queue without options has the defaults its comments promise", () => {
  const { spec, policy, codec } = queue("emails");
  expect(spec).toEqual({
    kind: "queue",
    name: "emails",
    partitions: 1,
    durable: true,
    retention: { timeMs: Infinity, bytes: Infinity },
    capacity: { messages: 1_000_000, bytes: Infinity, whenFull: "block" },
    order: "none",
    priorities: 1,
    dedupMs: 5 * 60_000,
    expiresMs: undefined,
    compact: false,
    native: undefined,
  });
  expect(policy).toEqual({
    attempts: 5,
    backoff: { firstMs: 1_000, factor: 2, maxMs: 300_000, jitter: "full" },
    leaseMs: 30_000,
    deadLetter: { keepMs: undefined, alertAt: 1 },
  });
  expect(codec.name).toBe("json");
});

test("a stream without options has 4 partitions and keeps 7 days", () => {
  const { spec } = stream("events");
  expect(spec).toMatchObject({ kind: "stream", partitions: 4, durable: true, compact: false, dedupMs: undefined });
  expect(spec.retention).toEqual({ timeMs: 7 * 86_400_000, bytes: Infinity });
});

test("a topic is durable unless said otherwise, and then each subscriber has a buffer of 10,000 that drops the oldest", () => {
  expect(topic("alerts").spec).toMatchObject({ durable: true, capacity: { messages: Infinity } });
  expect(topic("ticker", { durable: false }).spec).toMatchObject({
    durable: false,
    capacity: { messages: 10_000, bytes: Infinity, whenFull: "drop-oldest" },
  });
});

test("what is given takes the place of the default, in the units of the engine", () => {
  const { spec, policy } = queue("q", {
    attempts: 3,
    backoff: fixed("10s"),
    lease: "1m",
    capacity: { bytes: 1_000, whenFull: "reject" },
    dedup: "1h",
    expires: "2d",
    priorities: 3,
    deadLetter: { keep: "14d", alertAt: 10 },
  });
  expect(spec).toMatchObject({ dedupMs: 3_600_000, expiresMs: 172_800_000, priorities: 3 });
  expect(queue("q", { order: "per-key" }).spec.order).toBe("per-key");
  expect(spec.capacity).toEqual({ messages: 1_000_000, bytes: 1_000, whenFull: "reject" });
  expect(policy).toEqual({
    attempts: 3,
    backoff: fixed("10s"),
    leaseMs: 60_000,
    deadLetter: { keepMs: 1_209_600_000, alertAt: 10 },
  });
  expect(stream("s", { retention: { bytes: 5 } }).spec.retention).toEqual({ timeMs: 604_800_000, bytes: 5 });
});

test("dedup 0 is no window, and an option that is undefined is one that was left out", () => {
  expect(queue("q", { dedup: 0 }).spec.dedupMs).toBeUndefined();
  expect([stream("s").spec.dedupMs, topic("t").spec.dedupMs]).toEqual([undefined, undefined]);
  expect(stream("s", { dedup: "1h" }).spec.dedupMs).toBe(3_600_000);
  expect(topic("t", { dedup: "1h" }).spec.dedupMs).toBe(3_600_000);
  const channel = queue("q", { attempts: undefined, codec: undefined, dedup: undefined });
  expect(channel.policy.attempts).toBe(5);
  expect([...channel.asked]).toEqual([]);
});

test("a channel is a frozen value that knows which options were asked for", () => {
  const channel = queue("q", { attempts: 2, codec: text });
  expect(Object.isFrozen(channel)).toBe(true);
  expect([...channel.asked]).toEqual(["attempts", "codec"]);
});

const wrong: readonly [string, () => unknown, RegExp][] = [
  ["an option nobody knows", () => queue("q", { retries: 3 } as object), /no option "retries"; there are .*attempts/],
  ["attempts 0", () => queue("q", { attempts: 0 }), /attempts must be a whole number from 1 to 1000, not 0/],
  ["half an attempt", () => queue("q", { attempts: 1.5 }), /attempts/],
  ["a lease of 10 ms", () => queue("q", { lease: 10 }), /lease must be from "1s" to "12h"/],
  ["a lease nobody understands", () => queue("q", { lease: "soon" as "1s" }), /lease must be a duration such as/],
  ["a negative lease", () => queue("q", { lease: -5 }), /duration/],
  ["a backoff made by hand", () => queue("q", { backoff: { first: 1 } as never }), /made by exponential/],
  ["11 priorities", () => queue("q", { priorities: 11 }), /priorities must be a whole number from 1 to 10/],
  [
    "an order nobody knows",
    () => queue("q", { order: "fifo" as "none" }),
    /order must be "none" or "per-key", not "fifo"/,
  ],
  ["a capacity of 0", () => queue("q", { capacity: { messages: 0 } }), /capacity\.messages/],
  [
    "a policy nobody knows",
    () => queue("q", { capacity: { whenFull: "explode" as "block" } }),
    /whenFull must be "block"/,
  ],
  [
    "ids that count once where nothing is kept",
    () => topic("t", { durable: false, dedup: "1m" }),
    /dedup is for durable/,
  ],
  [
    "priorities where each key has its order",
    () => queue("q", { order: "per-key", priorities: 3 }),
    /order "per-key" and priorities contradict each other/,
  ],
  ["a schema that is none", () => queue("q", { schema: {} as never }), /Standard Schema/],
  ["a codec that is none", () => queue("q", { codec: {} as never }), /encode and decode/],
  ["a key that is no function", () => queue("q", { key: "id" as never }), /key must be a function, not "id"/],
  ["options that are none", () => queue("q", 7 as never), /must be an object, not 7/],
  ["0 partitions", () => stream("s", { partitions: 0 }), /partitions must be a whole number from 1 to 1000/],
  ["a retention of no time", () => stream("s", { retention: { time: 0 } }), /retention\.time must be more than 0/],
  ["a buffer for a durable topic", () => topic("t", { buffer: { messages: 1 } }), /buffer is for \{ durable: false \}/],
  [
    "attempts for a topic that keeps nothing",
    () => topic("t", { durable: false, attempts: 2 }),
    /attempts is for durable topics/,
  ],
  ["a durable that is no boolean", () => topic("t", { durable: "no" as never }), /durable must be true or false/],
  ["a backoff that shrinks", () => exponential("1m", "1s"), /first \(60000 ms\) must not be over max/],
  ["a factor under 1", () => exponential("1s", "1m", { factor: 0.5 }), /factor must be 1 or more/],
];

test.for(wrong)("%s is a TypeError that says what is right", ([, declare, message]) => {
  expect(declare).toThrow(TypeError);
  expect(declare).toThrow(message);
});
