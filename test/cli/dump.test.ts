import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { open, queue } from "../../src/index.js";
import { commandsOn, freshPath } from "./directory.js";

interface Directory {
  readonly path: string;
  readonly run: ReturnType<typeof commandsOn>;
}

async function filled(): Promise<Directory> {
  const path = freshPath();
  const run = commandsOn(path);
  // Little is kept in memory, so that there is a segment.
  const mill = await open(path, { limits: { partitionTailBytes: 1_000 } });
  const emails = queue<string>("emails");
  for (let round = 0; round < 20; round += 1) await mill.sendAll(emails, Array(50).fill("a payload"), { key: "k" });
  await mill.close();
  return { path, run };
}

describe("dump", () => {
  test("without a file lists the files there are, and what each is", async () => {
    const { path, run } = await filled();
    const { objects } = await run(["dump", "--json"]);
    const onDisk = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(objects).toHaveLength(onDisk.length);
    const kinds = new Set(objects.map((each) => each["kind"]));
    expect([...kinds].toSorted()).toEqual(["checkpoint", "meta journal", "reserve", "segment", "write-ahead log"]);
    expect((await run(["dump"])).stdout).toMatch(/^file +size +what\ncheckpoint\.0 +\d+ B +checkpoint\n/);
  });

  test("prints the structure of every file that has one", async () => {
    const { run } = await filled();
    const files = (await run(["dump", "--json"])).objects.filter((each) => each["kind"] !== "reserve");
    for (const { file } of files) {
      const { exitCode, objects, stderr } = await run(["dump", String(file), "--json"]);
      expect({ file, exitCode, stderr }).toEqual({ file, exitCode: 0, stderr: "" });
      expect(objects[0]).toEqual({
        what: expect.any(String) as string,
        position: expect.any(Number) as number,
        fields: expect.any(Object) as object,
      });
    }
  });

  test("tells the channels in the meta journal, and the records in a segment", async () => {
    const { run } = await filled();
    expect((await run(["dump", "meta/a"])).stdout).toMatch(/^ +0 {2}entry .*"kind":"queue","name":"emails"/m);
    const segment = "t/1/0/00000000000000000000.log";
    expect((await run(["dump", segment])).stdout).toMatch(/batch +baseOffset=0 {2}lastOffset=49 {2}records=50/);
    expect((await run(["dump", segment])).stdout).not.toMatch(/record /);
    expect((await run(["dump", segment, "--records"])).stdout).toMatch(/record .*offset=1 .*valueBytes=11 .*key=k/);
  });

  test("finds a file by its path as well as by its place in the directory", async () => {
    const { path, run } = await filled();
    const byPlace = await run(["dump", "checkpoint.0", "--json"]);
    expect((await run(["dump", join(path, "checkpoint.0"), "--json"])).stdout).toBe(byPlace.stdout);
    expect((await commandsOn(freshPath())(["dump", join(path, "checkpoint.0"), "--json"])).stdout).toBe(byPlace.stdout);
  });

  test("says so when there is no such file, or nothing to print in it", async () => {
    const { run } = await filled();
    expect(await run(["dump", "wal/none"])).toMatchObject({
      exitCode: 4,
      stdout: "",
      stderr: expect.stringMatching(/^millrace: FILE_UNREADABLE: there is no file wal\/none/) as string,
    });
    expect(await run(["dump", "reserve"])).toMatchObject({
      exitCode: 2,
      stdout: "",
      stderr: expect.stringMatching(/reserve \(reserve\) has no structure to print/) as string,
    });
    expect(await commandsOn(freshPath())(["dump"])).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/DIRECTORY_MISSING/) as string,
    });
  });

  test("changes nothing, not even what is damaged", async () => {
    const { path, run } = await filled();
    const bytesOf = (): Record<string, string> =>
      Object.fromEntries(
        readdirSync(path, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => [
            join(entry.parentPath, entry.name),
            readFileSync(join(entry.parentPath, entry.name)).toString("base64"),
          ]),
      );
    const before = bytesOf();
    for (const { file } of (await run(["dump", "--json"])).objects) await run(["dump", String(file)]);
    expect(bytesOf()).toEqual(before);
  });
});
