/** Handlers that do what they should not: the message is tried again or dead, with what was thrown; the consumer goes on. */
import { runInNewContext } from "node:vm";
import { describe, expect, test, vi } from "vitest";
import { fixed, later, queue, reject, stream, topic } from "../../src/index.js";
import type { Channel, Consumer, Delivery, HandleOptions, Millrace } from "../../src/index.js";
import { everywhere, openAt, places } from "./place.js";

const wrong = (value: unknown): never => value as never;

/** As JavaScript can: anything. */
function throwing(anything: unknown): never {
  throw anything;
}

/** The one attempt it has fails. */
const once = queue<string>("once", { attempts: 1, backoff: fixed(1) });
const twice = queue<string>("twice", { attempts: 2, backoff: fixed(1) });
const events = stream<string>("events", { partitions: 1, attempts: 1, backoff: fixed(1) });
const alerts = topic<string>("alerts", { attempts: 1, backoff: fixed(1) });

class Unreadable extends Error {
  override get message(): string {
    throw new Error("not even this");
  }
}

const foreignError: unknown = runInNewContext("new RangeError('from elsewhere')");
const looping: { self?: unknown } = {};
looping.self = looping;

type Thrown = readonly [what: string, thrown: unknown, name: string, message: RegExp];

const thrown: readonly Thrown[] = [
  ["an error", new RangeError("too far"), "RangeError", /^too far$/],
  ["a string", "plain words", "string", /^plain words$/],
  ["an empty string", "", "string", /^$/],
  ["undefined", undefined, "undefined", /^undefined$/],
  ["null", null, "null", /^null$/],
  ["a number", 42, "number", /^42$/],
  ["a symbol", Symbol("why"), "symbol", /Symbol\(why\)/],
  ["an object", { status: 503 }, "object", /status: 503/],
  ["an object of no prototype", Object.create(null), "object", /./],
  ["an object that holds itself", looping, "object", /Circular/],
  ["a function", () => {}, "function", /./],
  ["an error of another realm", foreignError, "object", /from elsewhere/],
  ["an error that cannot be read", new Unreadable(), "Error", /^an error that cannot be read$/],
  [
    "an error whose name is an object",
    Object.assign(new Error("odd"), { name: Object.create(null) }),
    "Error",
    /^an error that cannot be read$/,
  ],
  ["an error with a megabyte to say", new Error("y".repeat(1024 * 1024)), "Error", /^y{900,}…$/],
  ["an error without a stack", Object.assign(new Error("bare"), { stack: undefined }), "Error", /^bare$/],
  ["half a character", new Error("\ud83d"), "Error", /./],
];

/** Handles what is there, and what comes after it, which has to get through. */
async function handled(
  mill: Millrace,
  to: { readonly channel: Channel<string>; readonly options?: HandleOptions },
  behave: (delivery: Delivery<string>) => unknown,
): Promise<Consumer> {
  const { channel, options = {} } = to;
  let last = "";
  const consumer = mill.handle(
    channel,
    (value, delivery) => {
      last = value;
      return value === "bad" ? wrong(behave(delivery)) : undefined;
    },
    options,
  );
  await consumer.ready;
  await mill.send(channel, "bad");
  await mill.send(channel, "good");
  await expect.poll(() => last, { timeout: 10_000, interval: 5 }).toBe("good");
  await expect
    .poll(() => mill.admin.dead(channel, { group: options.group }).list(), { timeout: 10_000, interval: 5 })
    .toHaveLength(1);
  expect(consumer.state).toBe("running");
  return consumer;
}

describe("a handler that throws", () => {
  test.for(everywhere(thrown))(
    "in %s: %s makes a dead letter that shows it, and the next message is handled",
    async ([place, , what, name, message]) => {
      const mill = await openAt(place);
      await handled(mill, { channel: once }, () => {
        throw what;
      });
      expect(await mill.admin.dead(once).list()).toMatchObject([
        {
          reason: "attempts",
          error: { name, message: expect.stringMatching(message) as string },
          message: { value: "bad" },
        },
      ]);
    },
  );

  test.for(everywhere(thrown))("in %s: rejecting with %s does the same", async ([place, , what, name, message]) => {
    const mill = await openAt(place);
    await handled(mill, { channel: once }, () => Promise.reject(what));
    expect(await mill.admin.dead(once).list()).toMatchObject([
      { reason: "attempts", error: { name, message: expect.stringMatching(message) as string } },
    ]);
  });

  test.for(
    everywhere([
      ["stream", events],
      ["topic", alerts],
    ] as const),
  )("in %s: a %s's group goes on behind it", async ([place, , channel]) => {
    const mill = await openAt(place);
    await handled(mill, { channel, options: { group: "g" } }, () => {
      throwing("plain words");
    });
    expect(await mill.admin.dead(channel as Channel<string>, { group: "g" }).list()).toMatchObject([
      { error: { name: "string", message: "plain words" } },
    ]);
  });

  test.for(places)("in %s: a whole batch fails with undefined, each by its own count", async (place) => {
    const mill = await openAt(place);
    const calls: string[][] = [];
    mill.handleBatch(
      twice,
      (values) => {
        calls.push([...values]);
        throwing(undefined);
      },
      { size: 10 },
    );
    await mill.sendAll(twice, ["a", "b"]);
    await expect.poll(() => mill.admin.dead(twice).list()).toHaveLength(2);
    // Together at first; on its last attempt each is alone.
    expect(calls.map((each) => each.join("")).toSorted()).toEqual(["a", "ab", "b"]);
    expect(await mill.admin.dead(twice).list()).toMatchObject([
      { attempts: 2, error: { name: "undefined" } },
      { attempts: 2 },
    ]);
  });
});

describe("a handler that returns what it should not", () => {
  const returned: readonly (readonly [string, unknown, RegExp])[] = [
    ["a number", 5, /returned 5; return nothing, done\(\), later\(…\) or reject\(…\)/],
    ["true", true, /returned true/],
    ["null", null, /returned null/],
    ["the function later", later, /returned a function/],
    ["an object", { kind: "finished" }, /returned an object/],
    [
      "an object whose then throws",
      {
        // oxlint-disable-next-line unicorn/no-thenable -- what is wrong about it is what is tested
        get then() {
          throw new TypeError("no then today");
        },
      },
      /no then today/,
    ],
    ["a promise of a string", Promise.resolve("ok"), /returned "ok"/],
  ];

  test.for(everywhere(returned))(
    "in %s: %s is a failed attempt, not a done message",
    async ([place, , value, says]) => {
      const mill = await openAt(place);
      await handled(mill, { channel: once }, () => value);
      expect(await mill.admin.dead(once).list()).toMatchObject([
        { reason: "attempts", error: { name: "TypeError", message: expect.stringMatching(says) as string } },
      ]);
    },
  );

  test.for(
    everywhere([
      ["too few", ["x"]],
      ["no list", "xy"],
      ["one that is none", [undefined, 5]],
    ] as const),
  )("in %s: from a batch, %s settlements fail it", async ([place, , outcome]) => {
    const mill = await openAt(place);
    await mill.sendAll(once, ["a", "b"]);
    mill.handleBatch(once, () => wrong(outcome), { size: 2 });
    const failed = outcome.length === 2 && typeof outcome !== "string" ? 1 : 2;
    await expect.poll(() => mill.admin.dead(once).list()).toHaveLength(failed);
    expect(await mill.admin.stats(once)).toMatchObject({ messages: 0 });
  });
});

describe("a handler that never returns", () => {
  test.for(
    everywhere([
      ["queue", once, {}],
      ["stream", events, { group: "g" }],
      ["topic", alerts, { group: "g" }],
    ] as const),
  )("in %s, of a %s: its time ends, its signal aborts, its place is free", async ([place, , channel, options]) => {
    const mill = await openAt(place);
    let signal: AbortSignal | undefined;
    await handled(mill, { channel, options: { ...options, timeout: 30 } }, (delivery) => {
      signal = delivery.signal;
      return new Promise(() => {});
    });
    expect(signal?.reason).toMatchObject({
      code: "HANDLER_TIMEOUT",
      retryable: true,
      message: expect.stringMatching(/ran longer than its 30 ms; .*raise timeout/) as string,
    });
    expect(await mill.admin.dead(channel as Channel<string>, options).list()).toMatchObject([
      { reason: "attempts", error: { name: "MillraceError" } },
    ]);
  });

  test.for(places)("in %s: closing does not wait for it longer than the drain", async (place) => {
    const mill = await openAt(place);
    await mill.send(once, "bad");
    let signal: AbortSignal | undefined;
    const begun = vi.fn<() => void>();
    mill.handle(once, (_value, delivery) => {
      signal = delivery.signal;
      begun();
      return new Promise(() => {});
    });
    await vi.waitFor(() => expect(begun).toHaveBeenCalled());
    await mill.close({ drain: 20 });
    expect(signal?.reason).toMatchObject({ code: "CLOSED" });
  });
});

describe("a handler that goes on after its end", () => {
  test.for(
    everywhere([
      [
        "throws",
        () => {
          throw new Error("too late");
        },
      ],
      ["rejects with nothing", () => Promise.reject(undefined)],
      ["returns reject", () => reject("too late")],
    ] as const),
  )("in %s: one that %s after its time changes nothing more", async ([place, , end]) => {
    const mill = await openAt(place);
    const unheard = vi.fn<(reason: unknown) => void>();
    process.on("unhandledRejection", unheard);
    let over = (): void => {};
    const ended = new Promise<void>((resolve) => (over = resolve));
    await handled(mill, { channel: once, options: { timeout: 20 } }, async () => {
      await ended;
      return end();
    });
    over();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await mill.admin.dead(once).list()).toMatchObject([
      { reason: "attempts", error: { message: expect.stringMatching(/longer than its 20 ms/) as string } },
    ]);
    process.off("unhandledRejection", unheard);
    expect(unheard).not.toHaveBeenCalled();
  });

  test.for(places)("in %s: what it sends and extends then is refused", async (place) => {
    const mill = await openAt(place);
    let kept: Delivery<string> | undefined;
    await handled(mill, { channel: once }, (delivery) => {
      kept = delivery;
      return reject("no such customer");
    });
    await expect(kept!.send(twice, "late")).rejects.toMatchObject({
      code: "TRANSACTION_ENDED",
      message: expect.stringMatching(/before the handler ends/) as string,
    });
    await expect(kept!.sendAll(twice, ["late"])).rejects.toMatchObject({ code: "TRANSACTION_ENDED" });
    await expect(kept!.extend("1m")).rejects.toMatchObject({ code: "LEASE_EXPIRED" });
    await expect(kept!.extend(wrong("5 minutes"))).rejects.toBeInstanceOf(TypeError);
    expect((await mill.admin.channels()).map((each) => each.name).toSorted()).toEqual(["once", "once.dead"]);
  });

  test.for(places)("in %s: a send it did not wait for goes out all the same, or fails the delivery", async (place) => {
    const mill = await openAt(place);
    await handled(mill, { channel: once }, (delivery) => {
      void delivery.send(twice, wrong(5n)).catch(() => {});
    });
    expect(await mill.admin.dead(once).list()).toMatchObject([
      { error: { message: expect.stringMatching(/BigInt/) as string } },
    ]);
  });
});

test("a thenable that calls back twice settles once", async () => {
  const mill = await openAt("memory:");
  await handled(mill, { channel: once }, () => ({
    // oxlint-disable-next-line unicorn/no-thenable -- the same
    then(done: (value: unknown) => void, failed: (error: unknown) => void) {
      failed(new Error("first"));
      done(undefined);
      failed(new Error("second"));
    },
  }));
  expect(await mill.admin.dead(once).list()).toMatchObject([{ error: { message: "first" } }]);
  expect(await mill.admin.stats(once)).toMatchObject({ messages: 0 });
});
