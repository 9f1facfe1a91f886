import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { open, queue, stream } from "../../src/index.js";
import { commandsOn, freshPath } from "./directory.js";

const looking = [
  ["tail", "x"],
  ["peek", "x"],
  ["channels"],
  ["stats"],
  ["groups", "x"],
  ["lag", "x"],
  ["seek", "x", "g", "--to", "earliest"],
  ["dead", "list", "x"],
  ["dead", "show", "x", "1"],
  ["dead", "redrive", "x", "--all"],
  ["dead", "drop", "x", "--all"],
  ["handle", "x", "--exec", "true"],
  ["verify"],
];

describe.each(looking.map((argv) => ({ name: argv.join(" "), argv })))("$name", ({ argv }) => {
  test("makes no directory where there is none", async () => {
    const path = freshPath();
    const { exitCode, stdout, stderr } = await commandsOn(path)(argv);
    expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: "" });
    expect(stderr).toBe(
      `millrace: DIRECTORY_MISSING: there is nothing at ${path}: name a data directory with --on, or make one by sending to it with millrace send\n`,
    );
    expect(existsSync(path)).toBe(false);
  });

  test("leaves an empty directory empty", async () => {
    const path = freshPath();
    mkdirSync(path);
    const { exitCode, stderr } = await commandsOn(path)(argv);
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/^millrace: DIRECTORY_MISSING: there is an empty directory at /);
    expect(readdirSync(path)).toEqual([]);
  });
});

describe("what is not ours", () => {
  test.each([["channels"], ["send", "x", "payload"]])("is not touched by %s", async (...argv) => {
    const path = freshPath();
    mkdirSync(path);
    writeFileSync(join(path, "novel.txt"), "It was a dark and stormy night");
    const { exitCode, stderr } = await commandsOn(path)(argv);
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/^millrace: NOT_A_DATA_DIRECTORY: /);
    expect(readdirSync(path)).toEqual(["novel.txt"]);
  });

  test("is said of a file, too", async () => {
    const path = freshPath();
    writeFileSync(path, "a file");
    expect(await commandsOn(path)(["send", "x", "payload"])).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/NOT_A_DATA_DIRECTORY/) as string,
    });
  });
});

test("a directory that another process has open is unreachable, and its process is named", async () => {
  const path = freshPath();
  const mill = await open(path);
  try {
    const { exitCode, stdout, stderr } = await commandsOn(path)(["channels"]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 6, stdout: "" });
    expect(stderr).toMatch(new RegExp(`^millrace: LOCKED: .*\\b${process.pid}\\b`));
  } finally {
    await mill.close();
  }
});

describe("channels, stats, groups and lag", () => {
  async function filled(): Promise<ReturnType<typeof commandsOn>> {
    const path = freshPath();
    const mill = await open(path);
    const webhooks = stream<number>("webhooks", { partitions: 2, key: (value) => String(value) });
    await mill.sendAll(queue<number>("emails"), [1, 2, 3]);
    await mill.sendAll(webhooks, [1, 2, 3, 4, 5, 6, 7, 8]);
    await mill.send(queue<number>("orders"), 1);
    let seen = 0;
    await new Promise<void>((resolve) => {
      mill.handle(
        webhooks,
        () => {
          seen += 1;
          if (seen === 8) resolve();
        },
        { group: "audit" },
      );
    });
    await mill.close();
    return commandsOn(path);
  }

  test("tell what is there, for people and for programs", async () => {
    const run = await filled();
    expect((await run(["channels"])).stdout).toBe(
      [
        "channel   kind    partitions",
        "emails    queue            1",
        "orders    queue            1",
        "webhooks  stream           2",
        "",
      ].join("\n"),
    );
    expect((await run(["channels", "--json"])).objects).toContainEqual({
      channel: "webhooks",
      kind: "stream",
      durable: true,
      partitions: 2,
    });
    expect((await run(["stats", "emails", "--json"])).objects).toEqual([
      expect.objectContaining({
        channel: "emails",
        kind: "queue",
        messages: 3,
        ready: 3,
        inFlight: 0,
        delayed: 0,
        damaged: 0,
        oldestMs: expect.any(Number) as number,
      }),
    ]);
    expect((await run(["stats"])).stdout.split("\n").map((line) => line.split(/ {2,}/).slice(0, 3).join("|"))).toEqual([
      "channel|kind|messages",
      "emails|queue|3",
      "orders|queue|1",
      "webhooks|stream|8",
      "",
    ]);
    expect((await run(["groups", "webhooks", "--json"])).objects).toEqual([
      { channel: "webhooks", group: "audit", members: 0 },
    ]);
    const lag = (await run(["lag", "webhooks", "audit", "--json"])).objects;
    expect(lag.map((each) => [each["partition"], each["messages"]])).toEqual([
      [0, 0],
      [1, 0],
    ]);
    expect(lag.reduce((sum, each) => sum + Number(each["end"]), 0)).toBe(8);
    expect((await run(["lag", "webhooks"])).stdout).toMatch(
      /^group +partition +committed +end +behind +oldest\naudit /,
    );
  });

  test("take a queue for a group of its own, without a name", async () => {
    const run = await filled();
    expect((await run(["groups", "emails", "--json"])).objects).toEqual([
      { channel: "emails", group: null, members: 0 },
    ]);
    expect((await run(["lag", "emails", "--json"])).objects).toMatchObject([{ group: null, messages: 3, end: 3 }]);
    expect((await run(["lag", "emails"])).stdout).toMatch(/^\(the queue\) +0 +0 +3 +3 /m);
  });

  test("follow a group that is moved", async () => {
    const run = await filled();
    const moved = (await run(["seek", "webhooks", "audit", "--to", "earliest", "--json"])).objects;
    expect(moved.map((each) => [each["partition"], each["to"]])).toEqual([
      [0, 0],
      [1, 0],
    ]);
    const lag = (await run(["lag", "webhooks", "audit", "--json"])).objects;
    expect(lag.reduce((sum, each) => sum + Number(each["messages"]), 0)).toBe(8);
    const table = (await run(["seek", "webhooks", "audit", "--to", "1", "--partition", "1"])).stdout;
    expect(table).toMatch(/^partition +was at +goes on at\n +1 +0 +1\n$/);
    expect(await run(["seek", "webhooks", "audit", "--to", "1"])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/say which with --partition/) as string,
    });
  });

  test("do not find what is not there, and say what may have been meant", async () => {
    const run = await filled();
    expect(await run(["stats", "emials"])).toMatchObject({
      exitCode: 4,
      stdout: "",
      stderr: "millrace: CHANNEL_UNKNOWN: there is no channel emials. Did you mean emails?\n",
    });
    expect(await run(["peek", "invoices"])).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/"millrace channels" lists what there is/) as string,
    });
    expect(await run(["lag", "webhooks", "nobody"])).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/^millrace: GROUP_UNKNOWN: /) as string,
    });
    expect(await run(["peek", "../x"])).toMatchObject({ exitCode: 2 });
    expect(await run(["peek", "webhooks"])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/say whose view with --group .*, or read it with millrace tail webhooks/) as string,
    });
    expect((await run(["peek", "webhooks", "--group", "audit"])).stderr).toBe("millrace: nothing waits in webhooks\n");
  });
});

test("looking changes nothing: sent again and again, the same is seen", async () => {
  const run = commandsOn(freshPath());
  await run(["send", "emails"], { stdin: "a\nb\nc\n" });
  const first = await run(["peek", "emails", "--json"]);
  expect(first.objects.map((each) => [each["value"], each["state"], each["attempts"]])).toEqual([
    ["a", "ready", 0],
    ["b", "ready", 0],
    ["c", "ready", 0],
  ]);
  expect((await run(["peek", "emails", "--json"])).stdout).toBe(first.stdout);
  const { objects } = await run([
    "peek",
    "emails",
    "--json",
    "--limit",
    "1",
    "--after",
    String(first.objects[0]?.["id"]),
  ]);
  expect(objects.map((each) => each["value"])).toEqual(["b"]);
});

test("a message that waits for its retry says how long it still will", async () => {
  const run = commandsOn(freshPath());
  await run(["send", "emails", "x"]);
  await run(["handle", "emails", "--exec", "exit 1", "--limit", "1", "--backoff", "5m"], {
    open: (address, options) => open(address, { ...options, random: () => 0.9 }),
  });
  const [message] = (await run(["peek", "emails", "--json"])).objects;
  expect(message).toMatchObject({ state: "delayed", attempts: 1, until: expect.stringMatching(/^\d{4}-/) as string });
  expect((await run(["peek", "emails"])).stdout).toMatch(/^emails\/0\/0 +delayed, 4\.[45] m left +1 /m);
});
