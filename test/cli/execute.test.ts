import { PassThrough } from "node:stream";
import { beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { type Execution, execute } from "../../src/cli/execute.js";
import { outcomeOf, settlementOf } from "../../src/cli/outcome.js";
import { Output } from "../../src/cli/output.js";
import type { Message } from "../../src/index.js";

let stdout: string;
let stderr: string;

beforeEach(() => {
  stdout = "";
  stderr = "";
});

function run(
  command: string,
  given: { payload?: Uint8Array; environment?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Execution> {
  const out = new PassThrough().on("data", (chunk: Buffer) => (stdout += chunk.toString("latin1")));
  const notes = new PassThrough().on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")));
  return execute({
    command,
    message: { value: given.payload ?? new Uint8Array(0) } as Message<Uint8Array>,
    environment: { PATH: process.env["PATH"], ...given.environment },
    stdout: new Output(out),
    stderr: new Output(notes),
    signal: given.signal ?? new AbortController().signal,
    clock: systemClock,
  });
}

describe("a command", () => {
  test("gets the payload on its stdin, byte for byte, and its output is ours", async () => {
    const payload = Uint8Array.from({ length: 100_000 }, (_, index) => index % 256);
    const { ending } = await run("cat", { payload });
    expect(ending).toEqual({ kind: "exit", code: 0 });
    expect(stdout).toBe(Buffer.from(payload).toString("latin1"));
  });

  test("need not read its stdin", async () => {
    expect((await run("exit 3", { payload: new Uint8Array(1_000_000) })).ending).toEqual({ kind: "exit", code: 3 });
  });

  test("leaves the end of what it said on stderr", async () => {
    const { lastWords } = await run('i=0; while [ $i -lt 2000 ]; do echo "line $i" >&2; i=$((i+1)); done; exit 1');
    expect(lastWords).toMatch(/line 1999$/);
    expect(lastWords.length).toBeLessThanOrEqual(4_096);
    expect(stderr).toMatch(/^line 0\n[^]*line 1999\n$/);
  });

  test("is ended with all that it started when its signal aborts", async () => {
    const over = new AbortController();
    const ending = run("sleep 60 & sleep 60; wait", { signal: over.signal });
    setImmediate(() => over.abort());
    // The pipes close only once nobody holds them any more, the grandchild included.
    expect((await ending).ending).toEqual({ kind: "signal", signal: "SIGTERM" });
  });
});

describe("the outcome", () => {
  test.each([
    ["exit 0", { kind: "done" }],
    ["exit 100", { kind: "rejected", why: "the command rejected it" }],
    ["echo no such street >&2; exit 100", { kind: "rejected", why: "the command rejected it: no such street" }],
    ["exit 1", { kind: "retry", why: "the command exited with 1" }],
    ["echo first >&2; echo last >&2; exit 75", { kind: "retry", why: "the command exited with 75: last" }],
    ["kill -9 $$", { kind: "retry", why: "the command was ended by SIGKILL" }],
  ])("of %s is %j", async (command, outcome) => {
    expect(outcomeOf(await run(command))).toEqual(outcome);
  });

  test("of a command that is not there is the worker's trouble, not the message's", async () => {
    const outcome = outcomeOf(await run("no-such-command-anywhere"));
    expect(outcome).toMatchObject({
      kind: "hopeless",
      why: expect.stringMatching(/exit code 127.*not found/) as string,
    });
    expect(settlementOf(outcome, "")).toMatchObject({ kind: "later", counts: false });
  });

  test.each([
    ["a key with a NUL", "a\u0000b"],
    ["headers larger than an environment", "x".repeat(3_000_000)],
  ])("of a message with %s is a rejection that says so", async (_, key) => {
    const outcome = outcomeOf(await run("true", { environment: { MILLRACE_KEY: key } }));
    expect(outcome).toMatchObject({
      kind: "rejected",
      why: expect.stringMatching(/^its key or headers cannot be given/) as string,
    });
  });

  test("of a failure is an error whose stack is what the command said", async () => {
    const { lastWords, ending } = await run("echo one >&2; echo two >&2; exit 9");
    const failing = (): unknown => settlementOf(outcomeOf({ lastWords, ending }), lastWords);
    expect(failing).toThrow(
      expect.objectContaining({ name: "CommandFailed", message: "the command exited with 9: two", stack: "one\ntwo" }),
    );
  });
});
