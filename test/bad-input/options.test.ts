/** Wrong options: each a TypeError at the call that names the option and says what it may be, and nothing is declared by it. */
import { describe, expect, test } from "vitest";
import { exponential, fixed, later, on, open, queue, reject, stream, topic } from "../../src/index.js";
import type { Channel, Millrace } from "../../src/index.js";
import { everywhere, openAt, refusal } from "./place.js";

/** What no type lets through, and JavaScript does. */
const wrong = (value: unknown): never => value as never;

const emails = queue<unknown>("emails");
const events = stream<unknown>("events", { partitions: 2 });
const alerts = topic<unknown>("alerts");
const ticker = topic<unknown>("ticker", { durable: false });
const ignore = (): void => {};

type Row = readonly [what: string, call: () => unknown, says: RegExp];

const noDuration = /must be a duration such as 250, "250ms", "30s", "5m", "2h" or "7d", not /;

const durations: readonly unknown[] = [-1, NaN, Infinity, "", "5", "5 minutes", "-5s", "1e3s", null, {}, true];

describe("a length of time", () => {
  const takers: readonly [string, (duration: never) => unknown][] = [
    ["lease", (lease) => queue("q", { lease })],
    ["expires", (expires) => queue("q", { expires })],
    ["dedup", (dedup) => queue("q", { dedup })],
    ["deadLetter.keep", (keep) => queue("q", { deadLetter: { keep } })],
    ["retention.time", (time) => stream("s", { retention: { time } })],
    ["exponential: first", (first) => exponential(first, "5m")],
    ["exponential: max", (max) => exponential("1s", max)],
    ["fixed: delay", (delay) => fixed(delay)],
    ["later: delay", (delay) => later(delay)],
  ];

  test.for(takers.flatMap(([what, take]) => durations.map((duration) => [what, duration, take] as const)))(
    "%s: %o is refused",
    ([what, duration, take]) => {
      expect(() => take(wrong(duration))).toThrow(TypeError);
      expect(() => take(wrong(duration))).toThrow(noDuration);
      expect(() => take(wrong(duration))).toThrow(what);
    },
  );

  test.for(takers.map(([what, take]) => [what, take] as const))("%s: over a hundred years is refused", ([, take]) => {
    expect(() => take(wrong("40000d"))).toThrow(/must not be over a hundred years|must be from "1s" to "12h"/);
    expect(() => take(wrong(1e300))).toThrow(TypeError);
  });

  test("a number that is none is shown as it is", () => {
    expect(() => fixed(NaN)).toThrow(/not NaN$/);
    expect(() => fixed(Infinity)).toThrow(/not Infinity$/);
  });
});

describe("a count", () => {
  const takers: readonly [string, (count: never) => unknown][] = [
    ["attempts", (attempts) => queue("q", { attempts })],
    ["priorities", (priorities) => queue("q", { priorities })],
    ["capacity.messages", (messages) => queue("q", { capacity: { messages, whenFull: "block" } })],
    ["capacity.bytes", (bytes) => queue("q", { capacity: { bytes, whenFull: "block" } })],
    ["deadLetter.alertAt", (alertAt) => queue("q", { deadLetter: { alertAt } })],
    ["partitions", (partitions) => stream("s", { partitions })],
    ["retention.bytes", (bytes) => stream("s", { retention: { bytes } })],
    ["buffer.messages", (messages) => topic("t", { durable: false, buffer: { messages, whenFull: "block" } })],
    ["on: attempts", (attempts) => on(Error, { attempts })],
  ];
  const counts: readonly unknown[] = [0, -1, 1.5, NaN, "5", null, 5n, {}, 2 ** 60];

  test.for(takers.flatMap(([what, take]) => counts.map((count) => [what, count, take] as const)))(
    "%s: %o is refused",
    ([what, count, take]) => {
      expect(() => take(wrong(count))).toThrow(TypeError);
      expect(() => take(wrong(count))).toThrow(`${what} must be a whole number from 1 to `);
    },
  );
});

describe("declaring a channel", () => {
  const rows: readonly Row[] = [
    [
      "an option nobody knows",
      () => queue("q", wrong({ atempts: 3 })),
      /queue "q": there is no option "atempts"; there are schema, /,
    ],
    ["an option of another kind", () => queue("q", wrong({ partitions: 3 })), /there is no option "partitions"/],
    ["null for the options", () => stream("s", wrong(null)), /stream "s": the options must be an object, not null/],
    ["a list for the options", () => topic("t", wrong([])), /topic "t": the options must be an object, not an array/],
    [
      "a schema that is none",
      () => queue("q", { schema: wrong({}) }),
      /schema must be a Standard Schema, such as one of zod/,
    ],
    ["null for the schema", () => queue("q", { schema: wrong(null) }), /schema must be a Standard Schema/],
    ["a codec that is none", () => queue("q", { codec: wrong({ encode() {} }) }), /codec must have encode and decode/],
    ["null for the codec", () => queue("q", { codec: wrong(null) }), /codec must have encode and decode/],
    [
      "a key that is no function",
      () => stream("s", { key: wrong("customer") }),
      /key must be a function, not "customer"/,
    ],
    ["an id that is no function", () => queue("q", { id: wrong(7) }), /id must be a function, not 7/],
    [
      "a backoff of one's own making",
      () => queue("q", { backoff: wrong({ firstMs: 1 }) }),
      /made by exponential\("1s", "5m"\) or fixed/,
    ],
    [
      "a backoff that is not a number",
      () => queue("q", { backoff: { ...fixed(1), maxMs: NaN } }),
      /backoff must be made by/,
    ],
    [
      "an order nobody knows",
      () => queue("q", { order: wrong("fifo") }),
      /order must be "none" or "per-key", not "fifo"/,
    ],
    ["a lease under a second", () => queue("q", { lease: "100ms" }), /lease must be from "1s" to "12h", not "100ms"/],
    [
      "an overflow policy nobody knows",
      () => queue("q", { capacity: { whenFull: wrong("drop") } }),
      /whenFull must be "block" or "reject" or /,
    ],
    [
      "an option of capacity nobody knows",
      () => queue("q", { capacity: wrong({ max: 5 }) }),
      /capacity: there is no option "max"/,
    ],
    [
      "a list for the retention",
      () => stream("s", { retention: wrong([7]) }),
      /retention: the options must be an object/,
    ],
    [
      "compact that is no boolean",
      () => stream("s", { compact: wrong("yes") }),
      /compact must be true or false, not "yes"/,
    ],
    ["durable that is no boolean", () => topic("t", { durable: wrong(0) }), /durable must be true or false, not 0/],
    [
      "a buffer for a durable topic",
      () => topic("t", { buffer: { whenFull: "block" } }),
      /buffer is for \{ durable: false \}/,
    ],
    [
      "attempts for an ephemeral topic",
      () => topic("t", { durable: false, attempts: 3 }),
      /attempts is for durable topics/,
    ],
    [
      "exponential, first over max",
      () => exponential("5s", "1s"),
      /first \(5000 ms\) must not be over max \(1000 ms\)/,
    ],
    [
      "exponential, a factor under one",
      () => exponential("1s", "5s", { factor: 0.5 }),
      /factor must be 1 or more, not 0\.5/,
    ],
    [
      "exponential, an option nobody knows",
      () => exponential("1s", "5s", wrong({ base: 3 })),
      /there is no option "base"/,
    ],
    [
      "exponential, null for the options",
      () => exponential("1s", "5s", wrong(null)),
      /the options must be an object, not null/,
    ],
    ["on, no class", () => on(wrong("RangeError"), "reject"), /must be a class of errors, such as RangeError/],
    ["on, a word nobody knows", () => on(Error, wrong("drop")), /say "reject", or \{ attempts \} or \{ backoff \}/],
    ["on, nothing said", () => on(Error, {}), /say "reject", or \{ attempts \} or \{ backoff \}/],
    ["on, an option nobody knows", () => on(Error, wrong({ attempts: 2, after: 3 })), /there is no option "after"/],
    ["later, an option nobody knows", () => later("1s", "why", wrong({ fre: true })), /there is no option "fre"/],
    ["later, a reason that is no text", () => later("1s", wrong(5)), /why must be a string, not number/],
    ["reject, without a reason", () => reject(""), /say why, for the person who reads the dead letter/],
  ];

  test.for(rows)("%s is refused", ([, call, says]) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(says);
  });
});

describe("opening", () => {
  const rows: readonly Row[] = [
    [
      "nothing",
      () => open(wrong(undefined)),
      /open takes a directory such as "\.\/data", "memory:", or a Driver, not undefined/,
    ],
    ["an object that is no driver", () => open(wrong({ publish() {} })), /open takes a directory .*not an object/],
    ["an empty path", () => open(""), /"" is no directory; use one such as "\.\/data"/],
    ["an empty file:", () => open("file:"), /is no directory; use one such as/],
    ["a NUL in the path", () => open("./a\0b"), /is no directory/],
    [
      "a host in a file: address",
      () => open("file://data"),
      /is no file on this machine; use "file:\.\/data", or "file:\/\/\/data"/,
    ],
    ["a path in memory", () => open("memory:./data"), /"memory:" takes no path/],
    ["a scheme nobody knows", () => open("http://user:secret@host"), /"http:" is no scheme of ours(?!.*secret)/],
    [
      "an option nobody knows",
      () => open("memory:", wrong({ durabilty: "os" })),
      /there is no option "durabilty"; there are durability, /,
    ],
    ["a list for the options", () => open("memory:", wrong([])), /the options must be an object, not an array/],
    [
      "a durability nobody knows",
      () => open("memory:", { durability: wrong("sync") }),
      /"fsync" or "interval" or "os", not "sync"/,
    ],
    [
      "a limit nobody knows",
      () => open("memory:", { limits: wrong({ messageBytes: 1 }) }),
      /limits: there is no option "messageBytes"/,
    ],
    [
      "a negative limit",
      () => open("memory:", { limits: { inFlightMax: -1 } }),
      /limits\.inFlightMax must be a whole number from 1 to /,
    ],
    [
      "a limit no file can hold",
      () => open("memory:", { limits: { segmentBytes: 2 ** 40 } }),
      /limits\.segmentBytes must be .* from 1 to 1073741824/,
    ],
    [
      "a logger without methods",
      () => open("memory:", { logger: wrong({}) }),
      /logger must have the methods debug, info, warn, error/,
    ],
    ["a clock that is none", () => open("memory:", { clock: wrong(Date) }), /clock must have the methods nowMs, /],
    [
      "a source of chance that is none",
      () => open("memory:", { random: wrong(0.5) }),
      /random must be a function, not 0\.5/,
    ],
  ];

  test.for(rows)("%s is refused", async ([, call, says]) => {
    const error = await refusal(call);
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(says);
  });

  test.for([
    "amqp://host",
    "kafka://host",
    "nats://host",
    "redis://host",
    "sqs://eu",
    "kinesis://eu",
    "pubsub://p",
    "millrace://h",
  ])("%s is refused by its own code until there is a driver for it", async (where) => {
    expect(await refusal(() => open(where))).toMatchObject({
      code: "NOT_SUPPORTED",
      message: expect.stringMatching(/yet; it opens a directory/) as string,
    });
  });
});

type Use = readonly [what: string, call: (mill: Millrace) => unknown, says: RegExp];

const noChannel = /a channel is needed first, made by queue\(name\), stream\(name\) or topic\(name\)/;

const sending: readonly Use[] = [
  ["send, no channel", (mill) => mill.send(wrong("emails"), 1), noChannel],
  ["send, a look-alike of a channel", (mill) => mill.send(wrong({ kind: "queue", name: "emails" }), 1), noChannel],
  [
    "send, null for the options",
    (mill) => mill.send(emails, 1, wrong(null)),
    /the options must be an object, not null/,
  ],
  [
    "send, an option nobody knows",
    (mill) => mill.send(emails, 1, wrong({ retain: true })),
    /send to queue "emails": there is no option "retain"/,
  ],
  [
    "send, an id that is no string",
    (mill) => mill.send(emails, 1, { id: wrong(5) }),
    /id must be a string of 1 to 1000 characters, not 5/,
  ],
  ["send, an empty id", (mill) => mill.send(emails, 1, { id: "" }), /id must be a string of 1 to 1000 characters/],
  [
    "send, an id of 2,000 characters",
    (mill) => mill.send(emails, 1, { id: "x".repeat(2_000) }),
    /id must be a string of 1 to 1000/,
  ],
  ["send, a key that is no string", (mill) => mill.send(emails, 1, { key: wrong(5) }), /key must be a string, not 5/],
  [
    "send, a list for the headers",
    (mill) => mill.send(emails, 1, { headers: wrong([]) }),
    /headers must be an object, not an array/,
  ],
  [
    "send, a header that is no string",
    (mill) => mill.send(emails, 1, { headers: { a: wrong(1) } }),
    /header "a" must be a string, not 1/,
  ],
  [
    "send, a header without a name",
    (mill) => mill.send(emails, 1, { headers: { "": "x" } }),
    /names must not be empty/,
  ],
  [
    "send, a header of ours",
    (mill) => mill.send(emails, 1, { headers: { "millrace-id": "x" } }),
    /or start with "millrace-"/,
  ],
  ["send, a timeout of 5 minutes", (mill) => mill.send(emails, 1, { timeout: wrong("5 minutes") }), noDuration],
  ["send, a negative timeout", (mill) => mill.send(emails, 1, { timeout: -1 }), noDuration],
  [
    "send, a signal that is none",
    (mill) => mill.send(emails, 1, { signal: wrong({}) }),
    /signal must be an AbortSignal/,
  ],
  [
    "sendAll, no list",
    (mill) => mill.sendAll(emails, wrong("ab")),
    /sendAll takes an array of values, not "ab"; for other iterables there is load/,
  ],
  ["sendAll, one id for all", (mill) => mill.sendAll(emails, [1], wrong({ id: "x" })), /there is no option "id"/],
  [
    "load, nothing to iterate",
    (mill) => mill.load(emails, wrong({})),
    /load takes an iterable or async iterable of values/,
  ],
  [
    "load, a batch of nothing",
    (mill) => mill.load(emails, [1], { batch: 0 }),
    /load: batch must be a whole number from 1 to /,
  ],
  [
    "load, an option nobody knows",
    (mill) => mill.load(emails, [1], wrong({ batchSize: 5 })),
    /load: there is no option "batchSize"/,
  ],
  [
    "transaction, no function",
    (mill) => mill.transaction(wrong(5)),
    /transaction takes a function that sends through what it is given, not 5/,
  ],
];

const handling: readonly Use[] = [
  ["handle, no channel", (mill) => mill.handle(wrong(undefined), ignore), noChannel],
  [
    "handle, no handler",
    (mill) => mill.handle(emails, wrong(undefined)),
    /the handler must be a function, not undefined/,
  ],
  [
    "handle, an option nobody knows",
    (mill) => mill.handle(emails, ignore, wrong({ prefetch: 5 })),
    /there is no option "prefetch"; there are group, /,
  ],
  [
    "handle, a queue's group",
    (mill) => mill.handle(emails, ignore, { group: "g" }),
    /a queue has one group, so leave group out/,
  ],
  [
    "handle, a stream without a group",
    (mill) => mill.handle(events, ignore),
    /say which group reads, e\.g\. \{ group: "audit" \}/,
  ],
  ["handle, a topic without a group", (mill) => mill.handle(alerts, ignore), /say which group reads/],
  [
    "handle, an ephemeral topic's group",
    (mill) => mill.handle(ticker, ignore, { group: "g" }),
    /gets every message, so leave group out/,
  ],
  [
    "handle, concurrency 0",
    (mill) => mill.handle(emails, ignore, { concurrency: 0 }),
    /concurrency must be a whole number from 1 to /,
  ],
  [
    "handle, concurrency that is no number",
    (mill) => mill.handle(emails, ignore, { concurrency: NaN }),
    /concurrency .*not NaN/,
  ],
  [
    "handle, concurrency upside down",
    (mill) => mill.handle(emails, ignore, { concurrency: { min: 5, max: 1 } }),
    /concurrency\.max .*from 5/,
  ],
  [
    "handle, a timeout of nothing",
    (mill) => mill.handle(emails, ignore, { timeout: 0 }),
    /timeout must be more than 0/,
  ],
  ["handle, a timeout in words", (mill) => mill.handle(emails, ignore, { timeout: wrong("5 minutes") }), noDuration],
  [
    "handle, a guarantee nobody can give",
    (mill) => mill.handle(emails, ignore, { guarantee: wrong("exactly-once") }),
    /guarantee must be "at-most-once" or /,
  ],
  [
    "handle, retry rules that are none",
    (mill) => mill.handle(emails, ignore, { retry: wrong([{}]) }),
    /rules made by on\(ErrorClass, …\)/,
  ],
  [
    "handle, a queue's from",
    (mill) => mill.handle(emails, ignore, { from: "earliest" }),
    /from says where a group of a stream .* leave it out here/,
  ],
  [
    "handle, from nowhere",
    (mill) => mill.handle(events, ignore, { group: "g", from: wrong("now") }),
    /from must be "earliest", "latest", a Date, or an offset/,
  ],
  ["handle, from no date", (mill) => mill.handle(events, ignore, { group: "g", from: new Date(NaN) }), /from must be/],
  ["handle, from a negative offset", (mill) => mill.handle(events, ignore, { group: "g", from: -1n }), /from must be/],
  [
    "handle, a topic's member",
    (mill) => mill.handle(alerts, ignore, { group: "g", member: "m" }),
    /member keeps partitions of a stream/,
  ],
  [
    "handleBatch, without a size",
    (mill) => mill.handleBatch(emails, ignore, wrong({})),
    /size must be a whole number from 1 to 100000, not undefined/,
  ],
  [
    "handleBatch, without options",
    (mill) => mill.handleBatch(emails, ignore, wrong(undefined)),
    /the options must be an object, not undefined/,
  ],
  [
    "handleBatch, a size of nothing",
    (mill) => mill.handleBatch(emails, ignore, { size: 0 }),
    /size must be a whole number/,
  ],
  [
    "handleBatch, within less than nothing",
    (mill) => mill.handleBatch(emails, ignore, { size: 1, within: -1 }),
    noDuration,
  ],
];

const reading: readonly Use[] = [
  ["read, a queue", (mill) => mill.read(wrong(emails)), /only a stream has a history to read; .* use admin\.peek/],
  [
    "read, an option nobody knows",
    (mill) => mill.read(events, wrong({ since: 1 })),
    /read stream "events": there is no option "since"/,
  ],
  [
    "read, from a number",
    (mill) => mill.read(events, { from: wrong(5) }),
    /from must be .* or an offset such as 42n, not 5/,
  ],
  [
    "read, an offset of no partition",
    (mill) => mill.read(events, { from: 5n }),
    /an offset is a place in one partition: say which one/,
  ],
  [
    "read, until the latest",
    (mill) => mill.read(events, { until: wrong("latest") }),
    /until must be "end", a Date or an offset/,
  ],
  [
    "read, a partition that is not there",
    (mill) => mill.read(events, { partition: 2 }),
    /partition must be a whole number from 0 to 1, not 2/,
  ],
  [
    "read, a signal that is none",
    (mill) => mill.read(events, { signal: wrong(1) }),
    /signal must be an AbortSignal, not 1/,
  ],
  ["stats of nothing", (mill) => mill.admin.stats(wrong(undefined)), /a channel or its name is needed, not undefined/],
  [
    "peek, a limit of nothing",
    (mill) => mill.admin.peek(emails, { limit: 0 }),
    /admin\.peek: limit must be a whole number/,
  ],
  [
    "peek, after a number",
    (mill) => mill.admin.peek(emails, { after: wrong(5) }),
    /admin\.peek: after must be the id of a message, not 5/,
  ],
  [
    "channel, a codec that is none",
    (mill) => mill.admin.channel("emails", wrong(5)),
    /codec must have encode and decode/,
  ],
  [
    "dead, a reason nobody knows",
    (mill) => mill.admin.dead(emails).list({ reason: wrong("old") }),
    /reason must be "attempts" or /,
  ],
  [
    "dead, nothing selected",
    (mill) => mill.admin.dead(emails).redrive(wrong({})),
    /say which: \{ ids: \[\.\.\.\] \}, or \{ all: true \}/,
  ],
  ["dead, all and some", (mill) => mill.admin.dead(emails).drop(wrong({ all: true, ids: ["a"] })), /say which/],
  [
    "close, an option nobody knows",
    (mill) => mill.close(wrong({ timeout: 5 })),
    /close: there is no option "timeout"; there are drain/,
  ],
  ["close, a drain in words", (mill) => mill.close({ drain: wrong("5 minutes") }), noDuration],
];

describe("using it", () => {
  test.for(everywhere([...sending, ...handling, ...reading]))(
    "in %s: %s is refused, and declares nothing",
    async ([place, , call, says]) => {
      const mill = await openAt(place);
      const error = await refusal(() => call(mill));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(says);
      expect(await mill.admin.channels()).toEqual([]);
      // It was not closed by a wrong close, and nothing it was asked for is under way.
      await mill.send(emails, "still here");
      expect(await mill.admin.stats(emails)).toMatchObject({ messages: 1, ready: 1 });
    },
  );

  const unknown: readonly (readonly [string, (mill: Millrace) => unknown])[] = [
    ["stats", (mill) => mill.admin.stats("nobody")],
    ["describe", (mill) => mill.admin.describe("nobody")],
    ["channel", (mill) => mill.admin.channel("nobody")],
    ["groups", (mill) => mill.admin.groups("nobody")],
    ["lag", (mill) => mill.admin.lag("nobody", "g")],
    ["peek", (mill) => mill.admin.peek("nobody")],
    ["dead letters", (mill) => mill.admin.dead("nobody").list()],
    ["redriving", (mill) => mill.admin.dead("nobody").redrive({ all: true })],
  ];

  test.for(everywhere(unknown))("in %s: %s of a channel that is not there", async ([place, , call]) => {
    const mill = await openAt(place);
    expect(await refusal(() => call(mill))).toMatchObject({
      code: "CHANNEL_UNKNOWN",
      message: expect.stringMatching(/"nobody"/) as string,
    });
    expect(await mill.admin.channels()).toEqual([]);
  });

  const grouped = { events, alerts } as const;

  test.for(everywhere([["events"], ["alerts"]] as const))(
    "in %s: whose dead letters of %s has to be said",
    async ([place, name]) => {
      const mill = await openAt(place);
      const channel: Channel<unknown> = grouped[name];
      await mill.send(channel, 1);
      await mill.send(emails, 1);
      expect(await refusal(() => mill.admin.dead(channel).list())).toMatchObject({
        message: expect.stringMatching(/say which: \{ group/) as string,
      });
      expect(await refusal(() => mill.admin.dead(emails, { group: "g" }).list())).toMatchObject({
        message: expect.stringMatching(/leave group out/) as string,
      });
    },
  );

  test.for(everywhere([[0], [1]] as const))(
    "in %s: a read from %i behind the next offset is refused where it would wait for ever",
    async ([place, behind]) => {
      const mill = await openAt(place);
      await mill.send(events, "first", { key: "k" });
      const { offset = -1n, partition } = await mill.send(events, "second", { key: "k" });
      const reader = mill.read(events, { from: offset + 1n + BigInt(behind), partition, until: "end" });
      const reads = (async () => {
        for await (const message of reader) return message;
        return "nothing yet";
      })();
      if (behind === 0) expect(await reads).toBe("nothing yet");
      else
        await expect(reads).rejects.toMatchObject({
          code: "OFFSET_OUT_OF_RANGE",
          message: expect.stringMatching(/0 to 1 are kept, and 2 comes next/) as string,
        });
    },
  );
});
