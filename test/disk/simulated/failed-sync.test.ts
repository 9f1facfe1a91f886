import { expect, test } from "vitest";
import type { DiskFile } from "../../../src/disk/disk.js";
import { type CrashStyleName, crashStyles, SimulatedDisk } from "../../../src/disk/simulated.js";
import { outcomes, putDurably, sync, textOf } from "./outcomes.js";

type Unsynced = "stay-in-cache" | "are-dropped";

/** A file with `old` synced and `written` over it, whose sync then fails. */
async function failedSync(old: string, written: string, unsynced?: Unsynced): Promise<[SimulatedDisk, DiskFile]> {
  const disk = new SimulatedDisk();
  await putDurably(disk, { a: old });
  const file = disk.open("a", "write");
  file.write(Buffer.from(written), 0);
  await failSync(disk, file, unsynced);
  return [disk, file];
}

async function failSync(disk: SimulatedDisk, file: DiskFile, unsynced: Unsynced = "stay-in-cache"): Promise<void> {
  disk.faults = ({ operation }) => (operation === "sync" ? { fail: "EIO", unsynced } : undefined);
  await expect(file.sync()).rejects.toMatchObject({ code: "DISK_FAILED" });
  disk.faults = undefined;
}

const durable = (disk: SimulatedDisk): string[] => outcomes(disk, "nothing-unsynced", (left) => textOf(left, "a"));

test("after a failed sync, a sync that succeeds does not bring the bytes back, though reads see them", async () => {
  const [disk, file] = await failedSync("old", "new");
  expect(textOf(disk, "a")).toBe("new");
  await file.sync();
  await sync(disk, "a");
  expect(textOf(disk, "a")).toBe("new");
  expect(durable(disk)).toEqual(["old"]);
  expect(disk.hasUnsynced("a")).toBe(true);
});

test("a failed sync may have brought some of it to the medium", async () => {
  const [disk] = await failedSync("old", "new");
  expect(outcomes(disk, "reordered", (left) => textOf(left, "a"))).toEqual(["new", "old"]);
});

test("after a failed sync, the next process on the same system is fooled too", async () => {
  const [disk] = await failedSync("old", "new");
  const next = disk.afterKill();
  expect(textOf(next, "a")).toBe("new");
  await sync(next, "a");
  expect(durable(next)).toEqual(["old"]);
});

test("writing the bytes again makes them durable", async () => {
  const [disk, file] = await failedSync("old", "new");
  file.write(Buffer.from("new"), 0);
  await file.sync();
  expect(durable(disk)).toEqual(["new"]);
  expect(disk.hasUnsynced("a")).toBe(false);
});

test("writing into a page again saves that page, and no other", async () => {
  const [disk, file] = await failedSync("o".repeat(8192), "n".repeat(8192));
  file.write(Buffer.from("!"), 4096 + 10);
  await file.sync();
  expect(durable(disk)).toEqual([`${"o".repeat(4096)}${"n".repeat(10)}!${"n".repeat(4085)}`]);
});

test("a doomed tail leaves its size and zeros once a later append was synced", async () => {
  const [disk, file] = await failedSync("o", "n".repeat(9000));
  file.write(Buffer.from("end"), 9000);
  await file.sync();
  expect(durable(disk)).toEqual([`o${".".repeat(8191)}${"n".repeat(9000 - 8192)}end`]);
});

test("a cut after a failed sync cuts what is doomed as well", async () => {
  const [disk, file] = await failedSync("oooo", "nnnnnn");
  file.truncate(2);
  await file.sync();
  file.truncate(6);
  await file.sync();
  expect(outcomes(disk, "everything", (left) => textOf(left, "a"))).toEqual(["nn...."]);
  expect(outcomes(disk, "reordered", (left) => textOf(left, "a"))).toEqual(["nn....", "oo...."]);
});

test("dropped bytes are gone for reads as well, their size stays", async () => {
  const [disk, file] = await failedSync("old", "newer", "are-dropped");
  expect(textOf(disk, "a")).toBe("old..");
  await file.sync();
  expect(durable(disk)).toEqual(["old.."]);
});

test("what is written while a sync runs that drops its bytes is kept", async () => {
  const disk = new SimulatedDisk({
    faults: ({ operation }) => (operation === "sync" ? { fail: "EIO", unsynced: "are-dropped" } : undefined),
  });
  const file = disk.open("a", "create");
  await disk.syncDirectory("");
  file.write(Buffer.from("one"), 0);
  const failing = file.sync();
  file.write(Buffer.from("two"), 3);
  await expect(failing).rejects.toThrow("EIO");
  expect(textOf(disk, "a")).toBe("...two");
  disk.faults = undefined;
  await file.sync();
  expect(durable(disk)).toEqual(["...two"]);
});

test("a failed sync takes nothing away that was synced before", async () => {
  for (const unsynced of ["stay-in-cache", "are-dropped"] as const) {
    const [disk, file] = await failedSync("old", "new", unsynced);
    file.write(Buffer.from("again"), 100);
    await failSync(disk, file, unsynced);
    for (const style of Object.keys(crashStyles) as CrashStyleName[]) {
      const found = outcomes(disk, style, (left) => textOf(left, "a").slice(0, 3));
      expect(found.every((text) => /^[on][le][dw]$/.test(text))).toBe(true);
    }
  }
});

test("a directory's sync that failed may be tried again", async () => {
  const disk = new SimulatedDisk({
    faults: ({ operation }) => (operation === "syncDirectory" ? { fail: "EIO" } : undefined),
  });
  disk.open("a", "create").close();
  await expect(disk.syncDirectory("")).rejects.toMatchObject({ code: "DISK_FAILED" });
  expect(durable(disk)).toEqual(["-"]);
  disk.faults = undefined;
  await disk.syncDirectory("");
  expect(durable(disk)).toEqual([""]);
});
