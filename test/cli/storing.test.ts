import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { open, queue } from "../../src/index.js";
import { commandsOn, freshPath } from "./directory.js";

test("what was sent is what is seen: texts, JSON, bytes, keys, ids and headers", async () => {
  const run = commandsOn(freshPath());
  const messages = [
    { value: { to: "ada", n: [1, null] }, encoding: "json", key: "k", id: "one", headers: { a: "1" } },
    { value: "no JSON \u{1F30A}", encoding: "text", key: null, id: "two", headers: {} },
    {
      value: Buffer.from([0, 255, 10, 13]).toString("base64"),
      encoding: "base64",
      key: null,
      id: "three",
      headers: {},
    },
  ];
  const sent = await run(["send", "emails", "--json"], {
    stdin: messages.map((each) => `${JSON.stringify(each)}\n`).join(""),
  });
  expect(sent.objects).toEqual([{ channel: "emails", kind: "queue", sent: 3, duplicates: 0, dropped: 0 }]);
  expect((await run(["peek", "emails", "--json"])).objects).toMatchObject(messages);
});

test("what peek prints can be sent to another directory as it is", async () => {
  const [one, other] = [commandsOn(freshPath()), commandsOn(freshPath())];
  await one(["send", "emails", "--key", "k", "-H", "a=1"], { stdin: "x\n\u00FF\n{}\n" });
  const printed = await one(["peek", "emails", "--json"]);
  await other(["send", "emails", "--json"], { stdin: printed.stdout });
  const told = ({ value, encoding, key, id, headers }: Record<string, unknown>): unknown => ({
    value,
    encoding,
    key,
    id,
    headers,
  });
  expect((await other(["peek", "emails", "--json"])).objects.map(told)).toEqual(printed.objects.map(told));
});

test("an id counts once, also from one call to the next", async () => {
  const run = commandsOn(freshPath());
  expect(await run(["send", "emails", "x", "--id", "1"])).toMatchObject({ exitCode: 0 });
  expect(await run(["send", "emails", "y", "--id", "1"])).toMatchObject({ exitCode: 0 });
  expect((await run(["peek", "emails", "--json"])).objects.map((each) => each["id"])).toEqual(["1"]);
});

test("a channel's settings stay what its program made them", async () => {
  const path = freshPath();
  const emails = queue("emails", { capacity: { messages: 7, whenFull: "reject" }, attempts: 2 });
  let mill = await open(path);
  await mill.send(emails, 0);
  const before = await mill.admin.describe("emails");
  await mill.close();
  await commandsOn(path)(["send", "emails", "1"]);
  await commandsOn(path)(["handle", "emails", "--exec", "true", "--limit", "1", "--attempts", "9"]);
  mill = await open(path);
  expect(await mill.admin.describe("emails")).toEqual(before);
  await mill.close();
});

describe("a full queue", () => {
  test("refuses by its limit, and the line is named", async () => {
    const path = freshPath();
    const mill = await open(path);
    await mill.send(queue("emails", { capacity: { messages: 2, whenFull: "reject" } }), 0);
    await mill.close();
    const { exitCode, stderr } = await commandsOn(path)(["send", "emails"], { stdin: "1\n2\n3\n" });
    expect(exitCode).toBe(5);
    expect(stderr).toMatch(/^millrace: QUEUE_FULL: line 2 was not sent: .*\(others sent: 1\)\n$/);
  });

  test("is not waited for where nobody else can make room", async () => {
    const path = freshPath();
    const mill = await open(path);
    await mill.send(queue("emails", { capacity: { messages: 3 } }), 0);
    await mill.close();
    const { exitCode, stderr } = await commandsOn(path)(["send", "emails"], { stdin: "1\n2\n3\n4\n" });
    expect(exitCode).toBe(5);
    expect(stderr).toMatch(
      /^millrace: QUEUE_FULL: line 3 was not sent: it is full, and nobody else can make room .*\(others sent: 2\)\n$/,
    );
  });

  test("that makes senders wait is left by --timeout", async () => {
    const path = freshPath();
    const mill = await open(path);
    await mill.send(queue("emails", { capacity: { messages: 1 } }), 0);
    await mill.close();
    const { exitCode, stderr } = await commandsOn(path)(["send", "emails", "x", "--timeout", "20ms"]);
    expect(exitCode).toBe(7);
    expect(stderr).toMatch(/^millrace: TIMEOUT: line 1 was not sent: /);
  });
});

test("a file of many lines goes in whole", async () => {
  const path = freshPath();
  const run = commandsOn(path);
  const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`);
  writeFileSync(`${path}.lines`, lines.join("\n"));
  expect(await run(["send", "log", "--kind", "stream", "--partitions", "1", "--file", `${path}.lines`])).toMatchObject({
    exitCode: 0,
  });
  expect((await run(["tail", "log", "--until-end"])).stdout).toBe(`${lines.join("\n")}\n`);
});
