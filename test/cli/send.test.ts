import { PassThrough } from "node:stream";
import { beforeEach, describe, expect, test } from "vitest";
import type { Millrace, SendOptions, Supports } from "../../src/index.js";
import { MillraceError } from "../../src/index.js";
import { commandLine } from "./command-line.js";
import { fakeMillrace, knowing, opening } from "./fake-millrace.js";

interface Sent {
  readonly channel: string;
  readonly kind: string;
  readonly payload: string;
  readonly options: SendOptions | undefined;
}

let sent: Sent[];
let underWay: number;
let underWayMost: number;

beforeEach(() => {
  sent = [];
  underWay = 0;
  underWayMost = 0;
});

/** Takes every message, or what `refuse` says of it. */
function taking(refuse: (payload: string) => Error | undefined = () => undefined): Millrace {
  return fakeMillrace({
    supports: { dedup: { level: "native" } } as Supports,
    admin: knowing("emails"),
    send: async (channel, value, options) => {
      underWay += 1;
      underWayMost = Math.max(underWayMost, underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      const payload = Buffer.from(channel.codec.encode(value) as string).toString("utf8");
      const error = refuse(payload);
      if (error !== undefined) throw error;
      sent.push({ channel: channel.name, kind: channel.kind, payload, options });
      return {
        id: String(sent.length),
        partition: 0,
        offset: BigInt(sent.length - 1),
        duplicate: false,
        dropped: false,
      };
    },
  });
}

const on = ["--on", "memory:"];
const send = (argv: readonly string[], stdin = "", mill = taking()): ReturnType<typeof commandLine> =>
  commandLine(["send", ...argv, ...on], { stdin, open: opening(mill) });

describe("lines", () => {
  test("each line is a message, as it is; empty ones are none", async () => {
    const { exitCode, stdout, stderr } = await send(["emails"], '{"to":"ada"}\n\n plain \r\nlast');
    expect(sent.map((each) => each.payload)).toEqual(['{"to":"ada"}', " plain \r", "last"]);
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "millrace: sent 3 messages to queue emails\n",
    });
  });

  test("arguments are payloads too, even an empty one", async () => {
    await send(["emails", "one", ""]);
    expect(sent.map((each) => each.payload)).toEqual(["one", ""]);
  });

  test("key, id and headers are given to each message", async () => {
    await send(["emails", "one", "--key", "k", "--id", "i", "-H", "a=1", "-H", "b=x=y"]);
    expect(sent[0]?.options).toMatchObject({ key: "k", id: "i", headers: { a: "1", b: "x=y" } });
  });

  test("--receipts prints where each message is", async () => {
    const { objects } = await send(["emails", "--receipts"], "a\nb\n");
    expect(objects).toEqual([
      { id: "1", partition: 0, offset: 0, duplicate: false, dropped: false },
      { id: "2", partition: 0, offset: 1, duplicate: false, dropped: false },
    ]);
  });

  test("a file that is not there is not found, and nothing is opened", async () => {
    const open = (): never => {
      throw new Error("opened");
    };
    const { exitCode, stderr } = await commandLine(["send", "emails", "--file", "/nowhere/lines", ...on], { open });
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/^millrace: FILE_UNREADABLE: cannot read \/nowhere\/lines: ENOENT/);
  });
});

describe("with --json", () => {
  test("each line says value, key, id and headers of a message, in any encoding", async () => {
    const lines = [
      { value: { to: "ada" }, key: "k", id: "i", headers: { a: "1" } },
      { value: "plain", encoding: "text" },
      { value: "AAE=", encoding: "base64" },
      { value: "quoted", key: null, partition: 3, offset: 17, sentAt: "2026-01-01T00:00:00Z" },
    ];
    const { exitCode, objects } = await send(
      ["emails", "--json"],
      lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
    );
    expect(exitCode).toBe(0);
    expect(sent.map((each) => each.payload)).toEqual(['{"to":"ada"}', "plain", "\u0000\u0001", '"quoted"']);
    expect(sent[0]?.options).toMatchObject({ key: "k", id: "i", headers: { a: "1" } });
    expect(sent[3]?.options).toMatchObject({ key: undefined, id: undefined });
    expect(objects).toEqual([{ channel: "emails", kind: "queue", sent: 4, duplicates: 0, dropped: 0 }]);
  });

  test.each([
    ["no JSON", "{", /line 2: it is not JSON/],
    ["no object", "[1]", /line 2: it is JSON, but not an object/],
    ["no value", '{"key":"k"}', /line 2: there is no "value"/],
    [
      "a mistyped field",
      '{"value":1,"keys":"k"}',
      /line 2: "keys" is not one of value, encoding, key, id, priority, headers/,
    ],
    ["a key that is no string", '{"value":1,"key":5}', /line 2: "key" must be a string/],
    ["headers that are no strings", '{"value":1,"headers":{"a":1}}', /line 2: "headers" must be an object of strings/],
  ])("a line with %s stops the sending and is named", async (_, line, message) => {
    const { exitCode, stdout, stderr } = await send(["emails", "--json"], `{"value":1}\n${line}\n{"value":3}\n`);
    const { error } = JSON.parse(stderr) as { error: { code: string; message: string } };
    expect({ exitCode, stdout, code: error.code }).toEqual({ exitCode: 1, stdout: "", code: "INPUT_INVALID" });
    expect(error.message).toMatch(message);
    expect(sent).toHaveLength(1);
  });
});

describe("a channel", () => {
  test("that is new becomes a queue, and that is said", async () => {
    const { stderr } = await send(["orders", "x"]);
    expect(sent).toMatchObject([{ channel: "orders", kind: "queue" }]);
    expect(stderr).toMatch(/there is no channel orders yet: it becomes a queue/);
  });

  test("that is new becomes what --kind says", async () => {
    const { stderr } = await send(["orders", "x", "--kind", "stream", "--partitions", "6"]);
    expect(sent).toMatchObject([{ channel: "orders", kind: "stream" }]);
    expect(stderr).toBe("millrace: sent 1 message to stream orders\n");
  });

  test("that is there keeps its kind", async () => {
    expect(await send(["emails", "x", "--kind", "queue"])).toMatchObject({ exitCode: 0 });
    const { exitCode, stderr } = await send(["emails", "x", "--kind", "stream"]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^millrace: CHANNEL_MISMATCH: emails is a queue and cannot become a stream/);
    expect(sent).toHaveLength(1);
  });

  test("has partitions only when it is a stream", async () => {
    expect(await send(["orders", "x", "--partitions", "6"])).toMatchObject({ exitCode: 2 });
  });
});

describe("what cannot be sent", () => {
  const full = (payload: string): Error | undefined =>
    payload === "bad" ? new MillraceError("QUEUE_FULL", "it is full") : undefined;

  test("is named by its line, with what was sent besides", async () => {
    const { exitCode, stderr } = await send(["emails"], "a\nb\nbad\n", taking(full));
    expect(exitCode).toBe(5);
    expect(stderr).toBe("millrace: QUEUE_FULL: line 3 was not sent: it is full (others sent: 2)\n");
  });

  test("ends the reading", async () => {
    const lines = `bad\n${"x\n".repeat(100_000)}`;
    expect(await send(["emails"], lines, taking(full))).toMatchObject({ exitCode: 5 });
    expect(sent.length).toBeLessThan(8_000);
  });

  test("because of an argument in the input is not called a usage error", async () => {
    const refuse = (): Error => new TypeError('headers starting with "millrace-" are kept');
    const { exitCode, stderr } = await send(["emails"], "a\n", taking(refuse));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^millrace: INPUT_INVALID: line 1 was not sent: headers starting/);
  });
});

describe("a long sending", () => {
  test("has a bounded number of messages under way", async () => {
    await send(["emails"], "x\n".repeat(50_000));
    expect(sent).toHaveLength(50_000);
    expect(underWayMost).toBeGreaterThan(100);
    expect(underWayMost).toBeLessThanOrEqual(4_000);
  });

  test("shows progress and what is left on a terminal, and takes it away at the end", async () => {
    let nowMs = 0;
    const clock = { nowMs: () => nowMs, monotonicMs: () => (nowMs += 200), after: () => ({ cancel() {} }), soon() {} };
    const stderrOf = async (stderrIsTerminal: boolean): Promise<string> =>
      (
        await commandLine(["send", "emails", ...on], {
          stdin: "x\n".repeat(5_000),
          open: opening(taking()),
          clock,
          stderrIsTerminal,
        })
      ).stderr;
    const shown = (await stderrOf(true)).split("\r\u001B[K");
    expect(shown[1]).toMatch(/^[\d,]+ messages, [\d,]+\/s$/);
    expect(shown.at(-1)).toMatch(/^millrace: sent 5,000 messages to queue emails in /);
    expect(await stderrOf(false)).toMatch(/^millrace: sent 5,000 messages to queue emails in [^\n]*\n$/);
  });

  test("ends at Ctrl-C after what is under way, although stdin is silent, and says how far it came", async () => {
    const interrupt = new AbortController();
    const stdin = new PassThrough();
    stdin.write("a\nb\n");
    const mill = taking((payload) => {
      if (payload === "b") interrupt.abort();
      return undefined;
    });
    const { exitCode, stderr } = await commandLine(["send", "emails", ...on], {
      stdin,
      open: opening(mill),
      signal: interrupt.signal,
    });
    expect(exitCode).toBe(130);
    expect(stderr).toBe("millrace: INTERRUPTED: stopped; sent to queue emails before that: 2 messages\n");
  });
});
