import { access, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { UsageError } from "../../../examples/webhooks/options.js";
import { Workspace } from "../../../examples/webhooks/workspace.js";

let parent: string;
let at: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "millrace-workspace-"));
  at = join(parent, "run");
});
afterEach(() => rm(parent, { recursive: true }));

const begin = { events: 10, seed: 1, fresh: false };

test("an interrupted run is gone on with, with its own settings", async () => {
  await Workspace.open(at, begin);
  const again = await Workspace.open(at, { events: 99, seed: 2, fresh: false });
  expect(again).toMatchObject({ resumed: true, events: 10, seed: 1 });
});

test("a finished run leaves no directory, unless it is to be kept", async () => {
  await (await Workspace.open(at, begin)).finish(false);
  expect(await readdir(parent)).toEqual([]);
  const kept = await Workspace.open(at, begin);
  await writeFile(kept.out("x"), "");
  await kept.finish(true);
  await access(kept.out("x"));
});

test("a new run begins empty after a finished one that was kept, or when it is asked to", async () => {
  for (const fresh of [false, true]) {
    const earlier = await Workspace.open(at, { ...begin, fresh: true });
    await writeFile(earlier.out("x"), "");
    if (!fresh) await earlier.finish(true);
    const next = await Workspace.open(at, { events: 20, seed: 3, fresh });
    expect(next).toMatchObject({ resumed: false, events: 20, seed: 3 });
    expect(await readdir(next.out("."))).toEqual([]);
  }
});

test("a directory that holds something else is refused and left as it is", async () => {
  await writeFile(join(parent, "precious"), "");
  await expect(Workspace.open(parent, { ...begin, fresh: true })).rejects.toThrow(/holds something else.*--data/);
  await writeFile(join(parent, "run.json"), "{}");
  await expect(Workspace.open(parent, begin)).rejects.toThrow(UsageError);
  expect(await readdir(parent)).toEqual(["precious", "run.json"]);
});
