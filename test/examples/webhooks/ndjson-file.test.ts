import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NdjsonFile, readNdjson } from "../../../examples/webhooks/ndjson-file.js";

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-ndjson-"));
  path = join(directory, "file.ndjson");
});
afterEach(() => rm(directory, { recursive: true }));

test("what is appended is read back in order, also by many at once", async () => {
  const file = await NdjsonFile.open(path);
  await Promise.all([file.append([1, "two"]), file.append([{ three: 3 }])]);
  await file.close();
  expect(await readNdjson(path)).toEqual([1, "two", { three: 3 }]);
});

test("a file that was never written reads as empty", async () => {
  expect(await readNdjson(path)).toEqual([]);
});

test.for([
  ["a last line cut short", '{"a":1}\n{"b', '{"a":1}\n'],
  ["only a line cut short", '{"b', ""],
  ["a long line cut short", `1\n${"x".repeat(200_000)}`, "1\n"],
  ["whole lines", "1\n2\n", "1\n2\n"],
  ["nothing", "", ""],
] as const)("opened again after a crash that left %s, only whole lines remain", async ([, before, after]) => {
  await writeFile(path, before);
  await (await NdjsonFile.open(path)).close();
  expect(await readFile(path, "utf8")).toBe(after);
});
