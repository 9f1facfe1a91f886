import { describe, expect, test } from "vitest";
import { commandsOn, freshPath } from "./directory.js";

const untilEmpty = ["--until-empty", "--backoff", "1ms"];

describe("handle --exec", () => {
  test("runs the command for each message, and what it prints is printed", async () => {
    const run = commandsOn(freshPath());
    await run(["send", "emails"], { stdin: "one\ntwo\nthree\n" });
    const { exitCode, stdout, stderr } = await run(["handle", "emails", "--exec", "cat; echo", ...untilEmpty]);
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 0,
      stdout: "one\ntwo\nthree\n",
      stderr: "millrace: 3 done, 0 failed, 0 rejected\n",
    });
    expect((await run(["peek", "emails"])).stderr).toBe("millrace: nothing waits in emails\n");
  });

  test("tells the command what it has to know of the message", async () => {
    const run = commandsOn(freshPath());
    await run(["send", "emails", "x", "--key", "ada lovelace", "--id", "one", "-H", 'a=b"c']);
    const command =
      'echo "$MILLRACE_CHANNEL|$MILLRACE_ID|$MILLRACE_KEY|$MILLRACE_ATTEMPT|$MILLRACE_HEADERS|$MILLRACE_OFFSET"';
    const { stdout } = await run(["handle", "emails", "--exec", command, ...untilEmpty]);
    expect(stdout).toBe('emails|one|ada lovelace|1|{"a":"b\\"c"}|0\n');
  });

  test("tries again what failed, and then it is a dead letter with what the command said", async () => {
    const run = commandsOn(freshPath());
    await run(["send", "emails", "x"]);
    const command = 'echo "attempt $MILLRACE_ATTEMPT" >&2; exit 7';
    const { exitCode, objects } = await run([
      "handle",
      "emails",
      "--json",
      "--exec",
      command,
      "--attempts",
      "3",
      ...untilEmpty,
    ]);
    expect(exitCode).toBe(0);
    expect(objects.map(({ attempt, outcome, exitCode: code }) => [attempt, outcome, code])).toEqual([
      [1, "retry", 7],
      [2, "retry", 7],
      [3, "retry", 7],
    ]);
    const [letter] = (await run(["dead", "list", "emails", "--json"])).objects;
    expect(letter).toMatchObject({
      reason: "attempts",
      attempts: 3,
      error: { name: "CommandFailed", message: "the command exited with 7: attempt 3", stack: "attempt 3" },
      message: { value: "x", encoding: "text" },
    });
  });

  test("rejects at once what the command rejects", async () => {
    const run = commandsOn(freshPath());
    await run(["send", "emails", "x"]);
    const { objects } = await run([
      "handle",
      "emails",
      "--json",
      "--exec",
      "echo no such street >&2; exit 100",
      ...untilEmpty,
    ]);
    expect(objects).toMatchObject([{ attempt: 1, outcome: "rejected", exitCode: 100 }]);
    expect((await run(["dead", "list", "emails", "--json"])).objects).toMatchObject([
      { reason: "rejected", attempts: 1, error: { message: "the command rejected it: no such street" } },
    ]);
  });

  test("gives messages back untried when there is no such command", async () => {
    const run = commandsOn(freshPath());
    await run(["send", "emails"], { stdin: "one\ntwo\n" });
    const { exitCode, stderr, objects } = await run([
      "handle",
      "emails",
      "--json",
      "--exec",
      "no-such-command-anywhere",
      ...untilEmpty,
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/"COMMAND_UNUSABLE","message":"the shell cannot run the command \(exit code 127\)/);
    // Once is enough to know.
    expect(objects).toMatchObject([{ attempt: 1, outcome: "released", exitCode: 127 }]);
    expect((await run(["peek", "emails", "--json"])).objects.map((each) => [each["value"], each["attempts"]])).toEqual([
      ["one", 0],
      ["two", 0],
    ]);
    expect((await run(["dead", "list", "emails"])).stderr).toBe("millrace: no dead letters of emails\n");
  });

  test("stops after as many as it was told, and leaves the others", async () => {
    const run = commandsOn(freshPath());
    await run(["send", "emails"], { stdin: "1\n2\n3\n4\n5\n" });
    const { stdout } = await run(["handle", "emails", "--exec", "cat", "--limit", "2", "--concurrency", "4"]);
    expect(stdout.split("").toSorted()).toEqual(["1", "2"]);
    expect((await run(["stats", "emails", "--json"])).objects).toMatchObject([{ messages: 3, ready: 3 }]);
  });

  test("runs as many at once as it was told", async () => {
    const run = commandsOn(freshPath());
    const path = freshPath();
    await run(["send", "emails"], { stdin: "1\n2\n3\n" });
    // Each waits until all three have begun: one after the other they would wait for ever.
    const command = `mkdir -p ${path}; touch ${path}/$(cat); while [ $(ls ${path} | wc -l) -lt 3 ]; do sleep 0.01; done`;
    expect(await run(["handle", "emails", "--exec", command, "--concurrency", "3", ...untilEmpty])).toMatchObject({
      exitCode: 0,
    });
  });

  test("reads a stream for a group, and needs to know which", async () => {
    const run = commandsOn(freshPath());
    await run(["send", "log", "--kind", "stream", "--partitions", "2"], { stdin: "a\nb\nc\n" });
    expect(await run(["handle", "log", "--exec", "cat"])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/log is a stream: say who reads it with --group/) as string,
    });
    const { stdout } = await run(["handle", "log", "--exec", "cat", "--group", "audit", ...untilEmpty]);
    expect(stdout.split("").toSorted()).toEqual(["a", "b", "c"]);
    expect((await run(["lag", "log", "audit", "--json"])).objects.every((each) => each["messages"] === 0)).toBe(true);
  });

  test("parks the key of a message that fails where it is told, and else waits with its partition", async () => {
    for (const [onFailure, expected] of [
      ["park", ["b", "a"]],
      ["block", ["a", "b"]],
    ] as const) {
      const run = commandsOn(freshPath());
      await run(["send", "log", "a", "--kind", "stream", "--partitions", "1", "--key", "a"]);
      await run(["send", "log", "b", "--key", "b"]);
      const command = 'read x; [ "$x" = b ] || [ "$MILLRACE_ATTEMPT" = 2 ] || exit 1; echo "$x"';
      const handling = ["handle", "log", "--exec", command, "--group", "g", "--backoff", "20ms", ...untilEmpty];
      const { stdout } = await run([...handling, "--on-failure", onFailure]);
      expect(stdout.trim().split("\n")).toEqual(expected);
    }
  });

  test("settles each message of a stream by itself where it is told, and so does every later reader of the group", async () => {
    const run = commandsOn(freshPath());
    await run(["send", "log", "--kind", "stream", "--partitions", "1"], { stdin: "a\nb\n" });
    const handle = ["handle", "log", "--exec", "cat", "--group", "thumbnails", ...untilEmpty];
    expect((await run([...handle, "--settle-each"])).stdout).toBe("ab");
    expect(await run(handle)).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/settle: "each"/) as string });
  });

  test("lets a group begin where it is told, the first time", async () => {
    const run = commandsOn(freshPath());
    await run(["send", "log", "--kind", "stream", "--partitions", "1"], { stdin: "a\nb\n" });
    const { stdout } = await run([
      "handle",
      "log",
      "--exec",
      "cat",
      "--group",
      "late",
      "--from",
      "latest",
      ...untilEmpty,
    ]);
    expect(stdout).toBe("");
    await run(["send", "log", "c"]);
    expect((await run(["handle", "log", "--exec", "cat", "--group", "late", ...untilEmpty])).stdout).toBe("c");
  });

  test("at Ctrl-C finishes what runs, and takes nothing more", async () => {
    const run = commandsOn(freshPath());
    await run(["send", "emails"], { stdin: "one\ntwo\n" });
    const interrupt = new AbortController();
    const path = freshPath();
    const handling = run(
      ["handle", "emails", "--exec", `cat; touch ${path}.begun; while [ ! -e ${path}.go ]; do sleep 0.01; done`],
      { signal: interrupt.signal },
    );
    const { existsSync, writeFileSync } = await import("node:fs");
    await expect.poll(() => existsSync(`${path}.begun`), { interval: 10 }).toBe(true);
    interrupt.abort();
    writeFileSync(`${path}.go`, "");
    const { exitCode, stdout, stderr } = await handling;
    expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: "one" });
    expect(stderr).toMatch(
      /stopping: what is in hand is finished first.*\n.*INTERRUPTED: stopped; 1 done, 0 failed, 0 rejected\n$/,
    );
    expect((await run(["peek", "emails", "--json"])).objects.map((each) => [each["value"], each["attempts"]])).toEqual([
      ["two", 0],
    ]);
  });
});
