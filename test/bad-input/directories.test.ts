/** Paths that are no data directory, or not ours to open: refused with a code that says what to do, and left as they were. */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { crc32c } from "../../src/base/crc32c.js";
import { bytes, open, queue, silentLogger, stream } from "../../src/index.js";
import type { Millrace } from "../../src/index.js";
import { headCheck } from "../../src/log/batch/head-check.js";
import { ownDirectory, refusal } from "./place.js";

const emails = queue<string>("emails");
const large = stream<Uint8Array>("large", { partitions: 1, codec: bytes });

const opened = (where: string): Promise<Millrace> =>
  open(where, { logger: silentLogger, limits: { walFileBytes: 1024 * 1024, reserveBytes: 4096 } });

/** Every file below `where` and what is in it, so that nothing can change unseen. */
function contents(where: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(where, { recursive: true, encoding: "utf8" })) {
    const path = join(where, name);
    found[name] = statSync(path).isFile()
      ? `${statSync(path).size} bytes, crc ${crc32c(readFileSync(path))}`
      : "directory";
  }
  return found;
}

/** Refused with `code`, and everything below the folder it stands in is as it was, and nothing is held open. */
async function refusedUnchanged(
  where: string,
  expected: { readonly code: string; readonly says: RegExp },
): Promise<void> {
  const around = dirname(where);
  const before = contents(around);
  for (let attempt = 1; attempt <= 2; attempt++) {
    const error = await refusal(() => opened(where));
    expect(error).toMatchObject({ name: "MillraceError", code: expected.code });
    expect(error.message).toMatch(expected.says);
    expect(contents(around)).toEqual(before);
  }
  expect(heldBelow(around)).toEqual([]);
}

/** Files below `where` that this process has open, where the system says. */
function heldBelow(where: string): string[] {
  const folder = "/proc/self/fd";
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    try {
      const target = readlinkSync(join(folder, name));
      return target.startsWith(where) ? [target] : [];
    } catch {
      return [];
    }
  });
}

/** A data directory with everything in it: channels, settled messages, a segment, two checkpoints. */
async function dataDirectory(): Promise<string> {
  const where = join(ownDirectory(), "data");
  const mill = await opened(where);
  await mill.sendAll(emails, ["one", "two"]);
  await mill.send(large, new Uint8Array(700_000));
  await mill.close();
  return where;
}

describe("a path that is no directory", () => {
  test("a file is refused, and stays as it was", async () => {
    const where = join(ownDirectory(), "notes.txt");
    writeFileSync(where, "mine");
    await refusedUnchanged(where, {
      code: "NOT_A_DATA_DIRECTORY",
      says: /notes\.txt is a file, or lies in one: open a directory/,
    });
  });

  test("a path inside a file is refused, however deep", async () => {
    const file = join(ownDirectory(), "notes.txt");
    writeFileSync(file, "mine");
    for (const below of ["data", "a/b/c"])
      expect(await refusal(() => opened(join(file, below)))).toMatchObject({ code: "NOT_A_DATA_DIRECTORY" });
    expect(readFileSync(file, "utf8")).toBe("mine");
  });

  test("a symbolic link to nowhere is refused, and one to a directory is that directory", async () => {
    const root = ownDirectory();
    symlinkSync(join(root, "nowhere"), join(root, "dangling"));
    expect(await refusal(() => opened(join(root, "dangling")))).toMatchObject({ code: "NOT_A_DATA_DIRECTORY" });
    mkdirSync(join(root, "real"));
    symlinkSync(join(root, "real"), join(root, "link"));
    await (await opened(join(root, "link"))).close();
    expect(readdirSync(join(root, "real"))).toContain("checkpoint.0");
  });

  test.for([
    ["a name of 300 characters", "x".repeat(300), /shorter path/],
    ["links round in a circle", "circle", /Symbolic links lead round in a circle/],
  ] as const)("%s are refused, saying so", async ([, name, says]) => {
    const root = ownDirectory();
    symlinkSync(join(root, "circle"), join(root, "circle"));
    expect(await refusal(() => opened(join(root, name)))).toMatchObject({
      code: "DISK_FAILED",
      message: expect.stringMatching(says) as string,
    });
  });
});

describe("a directory that cannot be written to", () => {
  /** Makes `folder` read-only: by mounting where root may do so, else by its mode, which root does not heed. */
  function madeReadOnly(folder: string): boolean {
    if (process.getuid?.() !== 0) {
      chmodSync(folder, 0o555);
      onTestFinished(() => chmodSync(folder, 0o755));
      return true;
    }
    const mount = (...args: string[]): boolean => spawnSync("mount", args).status === 0;
    if (!mount("--bind", folder, folder)) return false;
    onTestFinished(() => void spawnSync("umount", [folder]));
    return mount("-o", "remount,bind,ro", folder);
  }

  test("a file system that takes no directories says so, at once", async () => {
    expect(await refusal(() => opened("/proc/millrace/data"))).toMatchObject({
      code: "DISK_READ_ONLY",
      message: expect.stringMatching(/open another directory/) as string,
    });
    expect(await refusal(() => opened("/proc/self/data"))).toMatchObject({ code: "DISK_READ_ONLY" });
  });

  test("a new directory in it is refused", async () => {
    const folder = join(ownDirectory(), "read-only");
    mkdirSync(folder);
    const where = madeReadOnly(folder) ? join(folder, "data") : "/proc/data";
    expect(await refusal(() => opened(where))).toMatchObject({
      code: "DISK_READ_ONLY",
      message: expect.stringMatching(/open another directory/) as string,
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("one with data in it is refused, and its data are there when it can be written to again", async () => {
    const where = await dataDirectory();
    if (!madeReadOnly(where)) return expect(process.getuid?.()).toBe(0);
    await refusedUnchanged(where, { code: "DISK_READ_ONLY", says: /cannot lock .*open another directory/ });
  });
});

describe("somebody else's directory", () => {
  test.for([
    ["a file of theirs", "photo.jpg"],
    ["a folder of theirs", "node_modules/package.json"],
    ["a hidden file", ".git"],
    ["a file named like a lock", "LOCKED-door.txt"],
    ["a folder that is named like ours", "wal/photo.jpg"],
    ["a folder of numbers that is named like ours", "t/readme.txt"],
    ["metadata of their own", "meta/index.html"],
  ] as const)("with %s is refused, naming it", async ([, path]) => {
    const where = join(ownDirectory(), "theirs");
    mkdirSync(dirname(join(where, path)), { recursive: true });
    writeFileSync(join(where, path), "mine");
    const [top = ""] = path.split("/");
    await refusedUnchanged(where, {
      code: "NOT_A_DATA_DIRECTORY",
      says: new RegExp(`holds files that are not Millrace's \\(${top}.*give a directory of its own`),
    });
  });

  test("the root of the file system is refused", async () => {
    expect(await refusal(() => opened("/"))).toMatchObject({ name: "MillraceError" });
    expect(readdirSync("/").filter((name) => /^(?:LOCK|checkpoint)/.test(name))).toEqual([]);
  });
});

describe("a directory that a newer release wrote", () => {
  /** The version field of each kind of file, raised by one, with the checksum that covers it made right again. */
  const raise: Readonly<Record<string, (file: Buffer) => void>> = {
    checkpoint: (file) => {
      file.writeUInt32LE(file.readUInt32LE(4) + 1, 4);
      file.writeUInt32LE(crc32c(file.subarray(0, 28)), 28);
    },
    meta: (file) => {
      file.writeUInt32LE(file.readUInt32LE(4) + 1, 4);
      file.writeUInt32LE(crc32c(file.subarray(0, 8)), 8);
    },
    wal: (file) => {
      file.writeUInt16LE(file.readUInt16LE(4) + 1, 4);
      file.writeUInt32LE(0, 20);
      file.writeUInt32LE(crc32c(file.subarray(0, 40)), 20);
    },
    segment: (file) => {
      file.writeUInt8(file.readUInt8(16) + 1, 16);
      file.writeInt32BE(headCheck(file, 0), 12);
    },
  };

  function rewrite(where: string, path: string, kind: string): void {
    const file = readFileSync(join(where, path));
    raise[kind]?.(file);
    writeFileSync(join(where, path), file);
  }

  const firstWal = (where: string): string => `wal/${readdirSync(join(where, "wal")).toSorted()[0]}`;

  test.for([
    ["checkpoint", ["checkpoint.0", "checkpoint.1"]],
    ["checkpoint", ["checkpoint.0"]],
    ["checkpoint", ["checkpoint.1"]],
    ["meta", ["meta/a", "meta/b"]],
    ["meta", ["meta/a"]],
    ["meta", ["meta/b"]],
    ["wal", [undefined]],
  ] as const)("%s %o: refused as unsupported, not as damaged, and nothing is touched", async ([kind, paths]) => {
    const where = await dataDirectory();
    const named = paths.map((path) => path ?? firstWal(where));
    for (const path of named) rewrite(where, path, kind);
    await refusedUnchanged(where, {
      code: "LOG_VERSION_UNSUPPORTED",
      says: new RegExp(
        `${named[0]} has version 2, this release reads up to 1; open the directory with the release that wrote it`,
      ),
    });
  });

  test("a segment: what can be read is read, and the rest is refused as unsupported", async () => {
    const where = await dataDirectory();
    const segment =
      readdirSync(join(where, "t"), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".log"))
        .map((name) => `t/${name}`)
        .find((path) => statSync(join(where, path)).size > 500_000) ?? "";
    rewrite(where, segment, "segment");
    const before = readFileSync(join(where, segment));
    const mill = await opened(where);
    const error = await refusal(async () => {
      for await (const message of mill.read(large, { until: "end" })) return message.value;
      return "nothing";
    });
    expect(error).toMatchObject({ code: "LOG_VERSION_UNSUPPORTED" });
    expect(await mill.admin.peek(emails)).toMatchObject([{ value: "one" }, { value: "two" }]);
    await mill.close();
    expect(readFileSync(join(where, segment)).equals(before)).toBe(true);
  });
});

describe("a directory that somebody has open", () => {
  async function owner(where: string): Promise<ChildProcess> {
    const child = spawn(process.execPath, [fileURLToPath(new URL("owner.mjs", import.meta.url)), where], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child.stdout, "data");
    return child;
  }

  test("another process: refused with its pid, while it goes on", async () => {
    const where = join(ownDirectory(), "data");
    const child = await owner(where);
    const error = await refusal(() => opened(where));
    expect(error).toMatchObject({ code: "LOCKED", retryable: true });
    expect(error.message).toMatch(
      new RegExp(
        `LOCK is held by process ${child.pid} on host .* since 20.*Close it there or end that process, or open another directory`,
      ),
    );
    const ended = once(child, "exit");
    child.stdin?.end();
    expect(await ended).toEqual([0, null]);
    const mill = await opened(where);
    expect(await mill.admin.peek(emails)).toMatchObject([{ value: "stored before the kill" }]);
    await mill.close();
  });

  test("a process that was killed: taken over, with all it had acknowledged", async () => {
    const where = join(ownDirectory(), "data");
    const child = await owner(where);
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    expect(existsSync(join(where, "LOCK"))).toBe(true);
    const mill = await opened(where);
    expect(await mill.admin.peek(emails)).toMatchObject([{ value: "stored before the kill" }]);
    await mill.close();
    expect(readdirSync(where).filter((name) => name.startsWith("LOCK"))).toEqual([]);
  });

  test("this process: refused, saying that it is this one", async () => {
    const where = join(ownDirectory(), "data");
    const mill = await opened(where);
    expect(await refusal(() => opened(where))).toMatchObject({
      code: "LOCKED",
      message: expect.stringMatching(new RegExp(`process ${process.pid} \\(this one\\)`)) as string,
    });
    await mill.send(emails, "still here");
    await mill.close();
  });

  test.for([
    ["nothing", ""],
    ["garbage", "\0\0garbage"],
    ["JSON of somebody else", '{"pid":1}'],
  ] as const)("a lock that holds %s is respected, and says how to get rid of it", async ([, text]) => {
    const where = join(ownDirectory(), "data");
    mkdirSync(where);
    writeFileSync(join(where, "LOCK"), text);
    await refusedUnchanged(where, {
      code: "LOCKED",
      says: /does not say who holds it.*When no process uses the directory, remove it/,
    });
  });

  test("a lock of another host is respected, because nobody here can tell", async () => {
    const where = join(ownDirectory(), "data");
    mkdirSync(where);
    writeFileSync(
      join(where, "LOCK"),
      JSON.stringify({ token: "t", pid: 1, host: "elsewhere", started: null, openedAt: "2026-01-01T00:00:00Z" }),
    );
    await refusedUnchanged(where, { code: "LOCKED", says: /on host elsewhere .*then remove / });
  });
});

describe("a directory that is damaged beyond opening", () => {
  test("both checkpoints gone bad: refused as corrupt, with what to do, and nothing is touched", async () => {
    const where = await dataDirectory();
    for (const name of ["checkpoint.0", "checkpoint.1"]) writeFileSync(join(where, name), Buffer.alloc(100, 7));
    await refusedUnchanged(where, {
      code: "LOG_CORRUPT",
      says: /both checkpoint slots .* are damaged; keep a copy .*millrace verify/,
    });
  });

  test("no checkpoint, but segments: refused as corrupt, not begun anew", async () => {
    const where = await dataDirectory();
    for (const name of ["checkpoint.0", "checkpoint.1"]) rmSync(join(where, name));
    await refusedUnchanged(where, { code: "LOG_CORRUPT", says: /has segments but no checkpoint/ });
  });
});
