/** Payloads that cannot be stored: refused with a code that says why, and nothing of their call is stored. */
import * as valibot from "valibot";
import { describe, expect, test } from "vitest";
import * as zod from "zod";
import { bytes, fixed, open, queue, silentLogger, stream, text } from "../../src/index.js";
import type { Channel, Codec, Millrace, Sender } from "../../src/index.js";
import { everywhere, openAt, ownDirectory, places, refusal } from "./place.js";

const wrong = (value: unknown): never => value as never;

function throwing(anything: unknown): never {
  throw anything;
}

const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;

const anything = queue<unknown>("anything");
const words = queue<string>("words", { codec: text });
const blobs = queue<Uint8Array>("blobs", { codec: bytes });
const withZod = queue("with-zod", { schema: zod.object({ to: zod.email(), count: zod.number().int() }) });
const withValibot = queue("with-valibot", {
  schema: valibot.object({
    to: valibot.pipe(valibot.string(), valibot.email()),
    count: valibot.pipe(valibot.number(), valibot.integer()),
  }),
});
const slowly = queue("slowly", {
  schema: zod.object({ to: zod.string().refine(async (to) => to !== "nobody", "nobody lives there") }),
});
const cramped: Codec<unknown> = {
  name: "cramped",
  encode() {
    throw new RangeError("no room for that");
  },
  decode: () => undefined,
};
const numbering: Codec<unknown> = { name: "numbering", encode: () => wrong(42), decode: () => undefined };

const good = { to: "ada@example.org", count: 1 };

type Row = readonly [what: string, channel: unknown, value: unknown, code: string | undefined, says: RegExp];

/** `code` undefined: a TypeError, because the program is wrong and not the value. */
const rows: readonly Row[] = [
  ["undefined", anything, undefined, "PAYLOAD_INVALID", /queue "anything": .*it is undefined; send null for "nothing"/],
  ["a function", anything, () => {}, "PAYLOAD_INVALID", /it is function/],
  ["a symbol", anything, Symbol("x"), "PAYLOAD_INVALID", /it is symbol/],
  ["a BigInt", anything, 5n, "PAYLOAD_INVALID", /BigInt/],
  ["a BigInt deep inside", anything, { a: [{ b: 5n }] }, "PAYLOAD_INVALID", /BigInt/],
  ["a cycle", anything, cyclic, "PAYLOAD_INVALID", /circular/i],
  [
    "a getter that throws",
    anything,
    {
      get a() {
        throw new Error("no a today");
      },
    },
    "PAYLOAD_INVALID",
    /no a today/,
  ],
  [
    "a toJSON that throws no error",
    anything,
    {
      toJSON() {
        return throwing("nothing");
      },
    },
    "PAYLOAD_INVALID",
    /nothing/,
  ],
  ["a number where text is due", words, 5, "PAYLOAD_INVALID", /the codec "text" takes a string, not number/],
  ["half a surrogate pair", words, "\ud83d", "PAYLOAD_INVALID", /half a surrogate pair/],
  [
    "a string where bytes are due",
    blobs,
    "hello",
    "PAYLOAD_INVALID",
    /the codec "bytes" takes a Uint8Array, not string/,
  ],
  ["an ArrayBuffer where bytes are due", blobs, new ArrayBuffer(3), "PAYLOAD_INVALID", /takes a Uint8Array/],
  ["what zod refuses", withZod, { to: "nobody", count: 1.5 }, "PAYLOAD_INVALID", /queue "with-zod": .*to: .*count: /],
  ["what zod refuses, and is nothing", withZod, null, "PAYLOAD_INVALID", /does not fulfil the schema/],
  [
    "what valibot refuses",
    withValibot,
    { to: "nobody", count: 1.5 },
    "PAYLOAD_INVALID",
    /queue "with-valibot": .*to: .*count: /,
  ],
  ["what a slow schema refuses", slowly, { to: "nobody" }, "PAYLOAD_INVALID", /to: nobody lives there/],
  [
    "more than a message may have",
    anything,
    "x".repeat(9 * 1024 * 1024),
    "PAYLOAD_TOO_LARGE",
    /has \d+ bytes .*over the 8388608 .*raise limits\.messageBytesMax/,
  ],
  [
    "what the codec throws at",
    queue("q", { codec: cramped }),
    1,
    "PAYLOAD_INVALID",
    /the codec "cramped" could not encode the value: RangeError: no room/,
  ],
  [
    "what the codec makes no bytes of",
    queue("q", { codec: numbering }),
    1,
    undefined,
    /must encode to a string or a Uint8Array, not 42/,
  ],
  [
    "a key that is no string",
    queue("q", { key: () => wrong(5) }),
    1,
    undefined,
    /key function must return a string or undefined, not 5/,
  ],
  ["an id that is empty", stream("s", { id: () => "" }), 1, undefined, /id function returned.*1 to 1000 characters/],
];

/** Every way to send one value, with good ones beside it where there is room. */
const ways: readonly (readonly [string, (mill: Millrace, channel: Channel<never>, bad: never) => Promise<unknown>])[] =
  [
    ["send", (mill, channel, bad) => mill.send(channel, bad)],
    ["send with options", (mill, channel, bad) => mill.send(channel, bad, { headers: { a: "b" } })],
    ["sendAll", (mill, channel, bad) => mill.sendAll(channel, [bad, bad])],
    ["load", (mill, channel, bad) => mill.load(channel, [bad])],
    [
      "transaction",
      (mill, channel, bad) =>
        mill.transaction(async (transaction) => {
          await transaction.send(anything, "beside it");
          await transaction.send(channel, bad);
        }),
    ],
    [
      "a transaction that looks away",
      (mill, channel, bad) =>
        mill.transaction(async (transaction) => {
          await transaction.send(anything, "beside it");
          await transaction.send(channel, bad).catch(() => {});
        }),
    ],
  ];

/** Nothing is stored, in whatever channel. */
async function stored(mill: Millrace): Promise<number> {
  const channels = await mill.admin.channels();
  const counts = await Promise.all(channels.map(async ({ name }) => (await mill.admin.stats(name)).messages));
  return counts.reduce((all, one) => all + one, 0);
}

describe("to be sent", () => {
  test.for(everywhere(rows))(
    "in %s: %s is refused every way, and nothing is stored",
    async ([place, , channel, value, code, says]) => {
      const mill = await openAt(place);
      for (const [way, send] of ways) {
        const error = await refusal(() => send(mill, wrong(channel), wrong(value)));
        const expected = code === undefined ? { name: "TypeError" } : { name: "MillraceError", code };
        expect({ way, error }).toMatchObject({
          way,
          error: { ...expected, message: expect.stringMatching(says) as string },
        });
      }
      expect(await stored(mill)).toBe(0);
    },
  );

  test.for(everywhere([[0], [1], [2]] as const))(
    "in %s: a list with a bad value at place %i is refused whole",
    async ([place, at]) => {
      const mill = await openAt(place);
      for (const channel of [withZod, withValibot]) {
        const values = [good, good, good].with(at, wrong({ to: "nobody", count: 1 }));
        expect(await refusal(() => mill.sendAll(channel, values))).toMatchObject({ code: "PAYLOAD_INVALID" });
      }
      expect(await stored(mill)).toBe(0);
      await mill.sendAll(withZod, [good, good]);
      expect(await stored(mill)).toBe(2);
    },
  );

  test.for(places)("in %s: a load says how many were sent before the bad one", async (place) => {
    const mill = await openAt(place);
    const values = [...Array.from({ length: 10 }, () => good), wrong({ to: "nobody", count: 1 })];
    const error = await refusal(() => mill.load(withZod, values, { batch: 5 }));
    expect(error).toMatchObject({ code: "PAYLOAD_INVALID", message: expect.stringMatching(/\b10\b/) as string });
    expect(await stored(mill)).toBe(10);
  });

  test.for(places)("in %s: a limit of one's own holds, counting key and headers", async (place) => {
    const mill = await openAt(place, { limits: { messageBytesMax: 100 } });
    await mill.send(words, "x".repeat(100));
    for (const send of [
      () => mill.send(words, "x".repeat(101)),
      () => mill.send(words, "x".repeat(100), { key: "k" }),
      () => mill.send(words, "x".repeat(99), { headers: { a: "b" } }),
      () => mill.send(words, "é".repeat(51)),
    ])
      expect(await refusal(send)).toMatchObject({ code: "PAYLOAD_TOO_LARGE", retryable: false });
    expect(await stored(mill)).toBe(1);
  });
});

describe("sent by a handler", () => {
  test.for(everywhere([["send"], ["sendAll"]]))(
    "in %s: a bad %s fails the delivery, and nothing it sent goes out",
    async ([place, way]) => {
      const mill = await openAt(place);
      const orders = queue<number>("orders", { attempts: 1 });
      await mill.send(orders, 1);
      const consumer = mill.handle(orders, async (_order, delivery) => {
        const out: Sender = delivery;
        await out.send(anything, "beside it");
        const bad = way === "send" ? out.send(withZod, wrong({})) : out.sendAll(withZod, [good, wrong({})]);
        await bad.catch(() => {});
      });
      await expect
        .poll(() => mill.admin.dead(orders).list())
        .toMatchObject([{ reason: "attempts", error: { message: expect.stringMatching(/schema/) as string } }]);
      await consumer.close();
      expect((await mill.admin.channels()).map((each) => each.name)).not.toContain("with-zod.dead");
      expect(await mill.admin.dead(orders).drop({ all: true })).toBe(1);
      expect(await stored(mill)).toBe(0);
    },
  );
});

describe("received", () => {
  test.for(
    everywhere([
      ["that is no JSON", words, "{", anything, "unreadable"],
      ["that zod refuses", anything, { to: 5 }, withZod, "schema"],
      ["that valibot refuses", anything, { to: 5 }, withValibot, "schema"],
      ["that is no UTF-8", blobs, Buffer.from([0xff, 0xfe]), words, "unreadable"],
    ] as const),
  )(
    "in %s: one %s is a dead letter at once, and the handler never sees it",
    async ([place, , sent, value, received, reason]) => {
      const mill = await openAt(place);
      const as = (channel: Channel<never>): Channel<never> => ({
        ...channel,
        name: "q",
        spec: { ...channel.spec, name: "q" },
      });
      await mill.send(as(sent as Channel<never>), wrong(value));
      const seen: unknown[] = [];
      const consumer = mill.handle(as(received as Channel<never>), (each) => void seen.push(each));
      await expect.poll(async () => (await mill.admin.dead("q").list()).length).toBe(1);
      expect(await mill.admin.dead("q").list()).toMatchObject([{ reason, attempts: 1 }]);
      expect(seen).toEqual([]);
      await consumer.close();
    },
  );
});

test("a value may be changed once it was handed over: what is stored is what it was", async () => {
  const mill = await openAt("memory:");
  const value = { to: "ada@example.org", count: 1 };
  const sending = mill.send(withZod, value);
  value.count = 99;
  await sending;
  expect(await mill.admin.peek(withZod)).toMatchObject([{ value: good }]);
});

test("a stored message that a lower limit would not take is still delivered", async () => {
  const where = ownDirectory();
  const first = await open(where, { logger: silentLogger });
  await first.send(words, "x".repeat(5_000));
  await first.close();
  const second = await open(where, { logger: silentLogger, limits: { messageBytesMax: 100 } });
  const seen: number[] = [];
  second.handle(words, (word) => void seen.push(word.length));
  await expect.poll(() => seen).toEqual([5_000]);
  await second.close();
});

test("even one that is too large for a dead letter's story ends as a dead letter", async () => {
  const mill = await openAt("memory:", { limits: { messageBytesMax: 600 } });
  const tight = queue<string>("tight", { codec: text, attempts: 1, backoff: fixed(1) });
  await mill.send(tight, "x".repeat(600));
  mill.handle(tight, () => {
    throw new Error("y".repeat(5_000));
  });
  await expect.poll(async () => (await mill.admin.dead(tight).list()).length).toBe(1);
  expect(await mill.admin.dead(tight).list()).toMatchObject([{ reason: "attempts" }]);
});
