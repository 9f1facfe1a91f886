import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MillraceError } from "../../../src/base/errors.js";
import { diskFailure, systemError } from "../../../src/disk/failure.js";
import { nodeDisk } from "../../../src/disk/node.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "millrace-errors-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const failure = (code: string, message: RegExp): unknown =>
  expect.objectContaining({ name: "MillraceError", code, message: expect.stringMatching(message) as string });

test.each([
  ["ENOSPC", "DISK_FULL", /Free some space/],
  ["EDQUOT", "DISK_FULL", /raise the quota/],
  ["EFBIG", "DISK_FULL", /ulimit -f/],
  ["EROFS", "DISK_READ_ONLY", /Mount the file system for writing/],
  ["EACCES", "DISK_READ_ONLY", /Give this user the right/],
  ["EPERM", "DISK_READ_ONLY", /Give this user the right/],
  ["EIO", "DISK_FAILED", /check the disk/],
  ["EMFILE", "DISK_FAILED", /ulimit -n/],
  ["EBUSY", "DISK_FAILED", /system's log/],
])("%s becomes %s, and the message says what to do", (systemCode, code, advice) => {
  const cause = systemError(systemCode);
  const error = diskFailure({ where: "/data", action: "write", path: "wal/1" }, cause) as MillraceError;
  expect(error).toBeInstanceOf(MillraceError);
  expect(error.code).toBe(code);
  expect(error.cause).toBe(cause);
  expect(error.message).toMatch(/^cannot write wal\/1 in \/data: E/);
  expect(error.message).toMatch(advice);
});

test("a root that is a file is told as such", () => {
  const path = join(root, "file");
  writeFileSync(path, "");
  const disk = nodeDisk(path);
  expect(() => disk.makeDirectory("")).toThrow(
    failure("DISK_FAILED", /cannot create the directory.*ENOTDIR.*A file stands where/),
  );
  expect(() => disk.makeDirectory("wal")).toThrow(failure("DISK_FAILED", /ENOTDIR.*A file stands where/));
  expect(() => disk.list("")).toThrow(failure("DISK_FAILED", /cannot list .*file: ENOTDIR/));
  expect(() => disk.open("a", "create")).toThrow(failure("DISK_FAILED", /ENOTDIR/));
});

test("a root that does not exist yet is created with all its parents, and is empty", () => {
  const disk = nodeDisk(join(root, "a", "b", "c"));
  expect(disk.exists("")).toBe(false);
  expect(disk.list("")).toEqual([]);
  disk.makeDirectory("");
  expect(disk.exists("")).toBe(true);
});

test("a name that is taken away meanwhile is told as missing", async () => {
  const disk = nodeDisk(root);
  disk.makeDirectory("d");
  rmSync(join(root, "d"), { recursive: true });
  await expect(disk.syncDirectory("d")).rejects.toMatchObject(failure("DISK_FAILED", /ENOENT/) as object);
});

// Linux has devices that refuse as disks do.
describe.runIf(process.platform === "linux")("devices", () => {
  test("a write for which there is no space is DISK_FULL and may be tried again", () => {
    const file = nodeDisk("/dev").open("full", "write");
    expect(() => file.write(new Uint8Array(10), 0)).toThrow(failure("DISK_FULL", /cannot write full in \/dev: ENOSPC/));
    expect(() => file.write(new Uint8Array(10), 0)).toThrow(expect.objectContaining({ retryable: true }));
    file.close();
  });

  test("a sync that fails rejects, with the path in the message", async () => {
    const file = nodeDisk("/dev").open("full", "write");
    await expect(file.sync()).rejects.toMatchObject(
      failure("DISK_FAILED", /cannot sync full in \/dev: EINVAL/) as object,
    );
    file.close();
  });

  test("no descriptor is left open by failures and closes", async () => {
    const openDescriptors = (): number => nodeDisk("/proc/self").list("fd").length;
    const disk = nodeDisk(root);
    const before = openDescriptors();
    for (let round = 0; round < 20; round += 1) {
      const file = disk.open(`${round}`, "create");
      const syncing = file.sync();
      file.close();
      await syncing;
      await disk.syncDirectory("");
      await expect(disk.syncDirectory("missing")).rejects.toThrow("ENOENT");
      await expect(nodeDisk("/proc").syncDirectory("self")).rejects.toThrow("EINVAL");
    }
    expect(openDescriptors()).toBe(before);
  });
});

/** Root may mount; elsewhere these tests are skipped, and the simulated disk stands in for them. */
const mountAllowed = process.platform === "linux" && mounted("size=1m", () => true) === true;

function mounted<T>(options: string, run: (path: string) => T): T | undefined {
  const path = mkdtempSync(join(tmpdir(), "millrace-mount-"));
  try {
    if (spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path]).status !== 0) return undefined;
    try {
      return run(path);
    } finally {
      spawnSync("umount", [path]);
    }
  } finally {
    rmSync(path, { recursive: true });
  }
}

describe.runIf(mountAllowed)("mounted file systems", () => {
  test("a file system that fills up writes what fits, then says DISK_FULL, and goes on once there is room", () => {
    mounted("size=64k", (path) => {
      const disk = nodeDisk(path);
      expect(disk.freeBytes()).toBe(65_536);
      const other = disk.open("other", "create");
      other.write(new Uint8Array(32_768), 0);
      const file = disk.open("file", "create");
      expect(file.write(new Uint8Array(60_000), 0)).toBe(32_768);
      expect(() => file.write(new Uint8Array(1), 32_768)).toThrow(failure("DISK_FULL", /Free some space/));
      expect(disk.freeBytes()).toBe(0);
      other.truncate(0);
      expect(file.write(new Uint8Array(20_000), 32_768)).toBe(20_000);
      other.close();
      file.close();
    });
  });

  test("a file system that is read-only is DISK_READ_ONLY, and can be read", () => {
    mounted("size=64k", (path) => {
      mkdirSync(join(path, "d"));
      writeFileSync(join(path, "file"), "abc");
      spawnSync("mount", ["-o", "remount,ro", path]);
      const disk = nodeDisk(path);
      const readOnly = failure("DISK_READ_ONLY", /EROFS.*Mount the file system for writing/);
      expect(() => disk.open("new", "create")).toThrow(readOnly);
      expect(() => disk.open("file", "write")).toThrow(readOnly);
      expect(() => disk.makeDirectory("new")).toThrow(readOnly);
      expect(() => disk.rename("file", "other")).toThrow(readOnly);
      expect(() => disk.remove("file")).toThrow(readOnly);
      expect(() => disk.removeDirectory("d")).toThrow(readOnly);
      const file = disk.open("file", "read");
      expect(file.read(new Uint8Array(3), 0)).toBe(3);
      file.close();
    });
  });
});
