import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { open, stream } from "../../src/index.js";
import type { OutputStream } from "../../src/cli/io.js";
import { commandsOn, freshPath } from "./directory.js";

async function history(): Promise<ReturnType<typeof commandsOn>> {
  const path = freshPath();
  const mill = await open(path);
  await mill.sendAll(stream<number>("numbers", { partitions: 1 }), [0, 1, 2, 3, 4]);
  await mill.sendAll(stream<number>("spread", { partitions: 3, key: String }), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  await mill.close();
  return commandsOn(path);
}

describe("tail", () => {
  test.each([
    ["everything", [], ["0", "1", "2", "3", "4"]],
    ["from an offset", ["--from", "3"], ["3", "4"]],
    ["from the end", ["--from", "latest"], []],
    ["from a time ago", ["--from", "1h"], ["0", "1", "2", "3", "4"]],
    ["from a date to come", ["--from", "2999-01-01"], []],
    ["a few", ["--limit", "2"], ["0", "1"]],
  ])("prints %s", async (_, options, expected) => {
    const { exitCode, stdout, stderr } = await (await history())(["tail", "numbers", "--until-end", ...options]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout.split("\n").filter(Boolean)).toEqual(expected);
  });

  test("that has printed as many as it should waits for no more", async () => {
    expect(await (await history())(["tail", "numbers", "--limit", "2"])).toMatchObject({
      exitCode: 0,
      stdout: "0\n1\n",
    });
  });

  test("prints one partition alone, or all of them", async () => {
    const run = await history();
    const all = (await run(["tail", "spread", "--until-end", "--json"])).objects;
    expect(all.map((each) => Number(each["value"])).toSorted((one, other) => one - other)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8,
    ]);
    const one = (await run(["tail", "spread", "--until-end", "--json", "--partition", "1"])).objects;
    expect(one).toEqual(all.filter((each) => each["partition"] === 1));
  });

  test("needs a partition with an offset, where offsets alone say nothing", async () => {
    const { exitCode, stderr } = await (await history())(["tail", "spread", "--from", "2"]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/spread has 3 partitions, each with its own offsets: say which with --partition/);
  });

  test("prints what each message is with --json", async () => {
    const { objects } = await (await history())(["tail", "numbers", "--until-end", "--json", "--limit", "1"]);
    expect(objects).toEqual([
      {
        id: "numbers/0/0",
        key: null,
        headers: {},
        sentAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        partition: 0,
        offset: 0,
        value: 0,
        encoding: "json",
      },
    ]);
  });

  test("waits for more until Ctrl-C", async () => {
    const run = await history();
    const interrupt = new AbortController();
    let seen = "";
    const stdout: OutputStream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        seen += chunk.toString();
        if (seen.endsWith("4\n")) setImmediate(() => interrupt.abort());
        done();
      },
    });
    const { exitCode, stderr } = await run(["tail", "numbers"], { stdout, signal: interrupt.signal });
    expect({ exitCode, stderr, seen }).toEqual({
      exitCode: 130,
      stderr: "millrace: INTERRUPTED: stopped reading\n",
      seen: "0\n1\n2\n3\n4\n",
    });
  });

  test("reads streams, and says what to do about a queue", async () => {
    const run = commandsOn(freshPath());
    await run(["send", "emails", "x"]);
    expect(await run(["tail", "emails"])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/emails is a queue.*millrace peek emails/) as string,
    });
  });

  test("keeps a terminal from being disturbed by what others have sent", async () => {
    const run = commandsOn(freshPath());
    await run(["send", "log", "\u001B[2Jboo", "--kind", "stream"]);
    expect((await run(["tail", "log", "--until-end"])).stdout).toBe("\u001B[2Jboo\n");
    expect((await run(["tail", "log", "--until-end"], { stdoutIsTerminal: true })).stdout).toBe("\\u{1b}[2Jboo\n");
  });
});
