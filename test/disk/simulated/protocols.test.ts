import { expect, test } from "vitest";
import { seededRandom } from "../../../src/base/random.js";
import type { Disk } from "../../../src/disk/disk.js";
import { type CrashStyleName, crashStyles, SimulatedDisk } from "../../../src/disk/simulated.js";
import { put, putDurably, sync, textOf } from "./outcomes.js";

/**
 * Ways to replace a file that engineers trust or wrongly trust. If the disk were kinder than real ones, a wrong way would
 * pass; if it were crueller than any, the right way would fail.
 */
const steps = {
  write: async (disk: Disk) => put(disk, "new", "second".repeat(200)),
  sync: async (disk: Disk) => sync(disk, "new"),
  rename: async (disk: Disk) => disk.rename("new", "file"),
  syncDirectory: async (disk: Disk) => disk.syncDirectory(""),
  overwrite: async (disk: Disk) => put(disk, "file", "second".repeat(200)),
  syncFile: async (disk: Disk) => sync(disk, "file"),
};
type Protocol = readonly (keyof typeof steps)[];

const names = new Map([
  ["first", "first"],
  ["second".repeat(200), "second"],
]);

/** What was found after a crash at any call and after the end, in any style: "first", "second" or "broken". */
async function found(protocol: Protocol): Promise<{ during: string[]; after: string[] }> {
  const seen = { during: new Set<string>(), after: new Set<string>() };
  const disk = new SimulatedDisk();
  const crash = (into: Set<string>): undefined => {
    for (const style of Object.keys(crashStyles) as CrashStyleName[]) {
      for (let seed = 0; seed < 20; seed += 1) {
        const text = textOf(disk.afterCrash(style, seededRandom(seed)), "file");
        into.add(names.get(text) ?? "broken");
      }
    }
  };
  await putDurably(disk, { file: "first" });
  disk.faults = () => crash(seen.during);
  for (const step of protocol) await steps[step](disk);
  crash(seen.after);
  return { during: [...seen.during].toSorted(), after: [...seen.after].toSorted() };
}

test("write, sync, rename, sync the directory: always the first or the second, and the second once it is done", async () => {
  const { during, after } = await found(["write", "sync", "rename", "syncDirectory"]);
  expect(during).toEqual(["first", "second"]);
  expect(after).toEqual(["second"]);
});

test("without the sync of the directory, the first may come back", async () => {
  const { after } = await found(["write", "sync", "rename"]);
  expect(after).toEqual(["first", "second"]);
});

test("without the sync of the file, a rename may bring a broken one", async () => {
  const { after } = await found(["write", "rename", "syncDirectory"]);
  expect(after).toContain("broken");
});

test("a file written over in place may be broken until it is synced", async () => {
  const { during, after } = await found(["overwrite", "syncFile"]);
  expect(during).toEqual(["broken", "first", "second"]);
  expect(after).toEqual(["second"]);
});
