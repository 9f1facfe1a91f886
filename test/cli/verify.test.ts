import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { open, queue, stream } from "../../src/index.js";
import { commandsOn, freshPath } from "./directory.js";

interface Directory {
  readonly path: string;
  readonly run: ReturnType<typeof commandsOn>;
}

async function filled(): Promise<Directory> {
  const path = freshPath();
  // Little is kept in memory, so that there are segments.
  const mill = await open(path, { limits: { partitionTailBytes: 1_000 } });
  const emails = queue<string>("emails");
  const log = stream<string>("log", { partitions: 1 });
  for (let round = 0; round < 20; round += 1) {
    await mill.sendAll(emails, Array(50).fill("a payload"));
    await mill.sendAll(log, Array(50).fill("a line"));
  }
  await mill.close();
  return { path, run: commandsOn(path) };
}

function flip(path: string, position: number): void {
  const bytes = readFileSync(path);
  bytes[position] = (bytes[position] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

function contentOf(path: string): Record<string, string> {
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => [
      join(entry.parentPath, entry.name),
      readFileSync(join(entry.parentPath, entry.name)).toString("base64"),
    ]),
  );
}

const segment = "t/1/0/00000000000000000000.log";

describe("verify", () => {
  test("of a whole directory finds nothing, and says what it looked at", async () => {
    const { run } = await filled();
    const { exitCode, stdout, stderr } = await run(["verify"]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
    expect(stderr).toMatch(
      /^millrace: all is well: 2 channels, 2,000 records in \d+ segments, 0 commits behind the checkpoint\n$/,
    );
  });

  test("takes the directory as an argument, too", async () => {
    const { path } = await filled();
    expect(await commandsOn(freshPath())(["verify", path])).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/all is well/) as string,
    });
  });

  test("of a damaged segment names the channel and the offsets that are lost, and fails", async () => {
    const { path, run } = await filled();
    flip(join(path, segment), 200);
    const { exitCode, objects, stderr } = await run(["verify", "--json"]);
    expect(exitCode).toBe(1);
    expect(objects).toEqual([
      {
        kind: "segment-damaged",
        file: segment,
        channel: "emails",
        partition: 0,
        what: expect.any(String) as string,
        lost: "offsets 0 to 49 (50)",
      },
    ]);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: "DAMAGE_FOUND", exitCode: 1 } });
    expect((await run(["verify"])).stdout).toMatch(
      /^t\/1\/0\/0+\.log \(emails, partition 0\): .*; lost: offsets 0 to 49 \(50\)\n$/,
    );
  });

  test("of a segment that is gone says all that was in it", async () => {
    const { path, run } = await filled();
    rmSync(join(path, segment));
    const { exitCode, objects } = await run(["verify", "--json"]);
    expect(exitCode).toBe(1);
    expect(objects).toMatchObject([
      {
        kind: "segment-missing",
        file: segment,
        channel: "emails",
        lost: expect.stringMatching(/^offsets 0 to /) as string,
      },
    ]);
  });

  test.each([
    ["checkpoint.0", 60, "checkpoint-slot-damaged"],
    ["checkpoint.1", 60, "checkpoint-slot-damaged"],
    ["meta/a", 40, "meta-mirror-damaged"],
    ["meta/b", 40, "meta-mirror-damaged"],
  ])("of damage in %s, which has a whole copy, is told and is no failure", async (...[file, position, kind]) => {
    const { path, run } = await filled();
    flip(join(path, file), position);
    const { exitCode, objects, stderr } = await run(["verify", "--json"]);
    expect(objects).toEqual([expect.objectContaining({ kind, file, lost: null })]);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/nothing is lost: 2 channels/);
  });

  test("of both copies damaged says that what they declared is lost", async () => {
    const { path, run } = await filled();
    for (const mirror of ["meta/a", "meta/b"]) flip(join(path, mirror), 40);
    const { exitCode, objects } = await run(["verify", "--json"]);
    expect(exitCode).toBe(1);
    const lost = objects.filter((each) => each["kind"] === "meta-entry-lost").map((each) => each["lost"]);
    expect(lost).toContain("the channels and groups that were declared there");
    expect(lost).toContain("all messages of that channel");
  });

  test("of both checkpoints damaged says that all is lost, and goes no further", async () => {
    const { path, run } = await filled();
    for (const slot of ["checkpoint.0", "checkpoint.1"]) flip(join(path, slot), 60);
    const { exitCode, objects } = await run(["verify", "--json"]);
    expect(exitCode).toBe(1);
    expect(objects).toMatchObject([
      { kind: "checkpoint-slot-damaged", lost: expect.stringMatching(/^everything/) as string },
    ]);
  });

  test("of what a killed process has left reads the write-ahead log, and tells a hole in it from its end", async () => {
    const path = freshPath();
    const mill = await open(path);
    for (let index = 0; index < 5; index += 1) await mill.send(queue<string>("emails"), "needle".repeat(10));
    cpSync(path, `${path}.copy`, { recursive: true });
    await mill.close();
    rmSync(join(`${path}.copy`, "LOCK"));
    const run = commandsOn(`${path}.copy`);
    expect((await run(["verify"])).stderr).toMatch(
      /^millrace: all is well: 1 channel, .*, [5-9] commits behind the checkpoint\n$/,
    );
    const wal = readdirSync(join(`${path}.copy`, "wal"))
      .map((name) => join(`${path}.copy`, "wal", name))
      .find((file) => readFileSync(file).includes("needle"));
    expect(wal).toBeDefined();
    flip(String(wal), readFileSync(String(wal)).indexOf("needle"));
    const { exitCode, objects } = await run(["verify", "--json"]);
    expect(exitCode).toBe(1);
    expect(objects).toMatchObject([{ kind: "wal-frame-damaged", lost: expect.stringMatching(/^commits /) as string }]);
  });

  test("changes nothing, damaged or not", async () => {
    const { path, run } = await filled();
    flip(join(path, segment), 200);
    flip(join(path, "meta/a"), 40);
    const before = contentOf(path);
    await run(["verify"]);
    expect(contentOf(path)).toEqual(before);
  });

  test("leaves a directory alone that somebody has open", async () => {
    const { path, run } = await filled();
    const mill = await open(path);
    expect(await run(["verify"])).toMatchObject({
      exitCode: 6,
      stdout: "",
      stderr: expect.stringMatching(/^millrace: LOCKED/) as string,
    });
    await mill.close();
  });

  test("says so when the directory is somebody else's", async () => {
    const path = freshPath();
    await commandsOn(path)(["send", "x", "y"]);
    for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true });
    writeFileSync(join(path, "novel.txt"), "It was a dark and stormy night");
    expect(await commandsOn(path)(["verify"])).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/^millrace: NOT_A_DATA_DIRECTORY/) as string,
    });
    expect(readdirSync(path)).toEqual(["novel.txt"]);
  });
});
