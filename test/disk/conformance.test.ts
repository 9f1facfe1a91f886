import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AssertionError } from "../../src/base/assert.js";
import { hasCode } from "../../src/base/errors.js";
import { type Disk, readFully, writeFully } from "../../src/disk/disk.js";
import { memoryDisk } from "../../src/disk/memory.js";
import { nodeDisk } from "../../src/disk/node.js";
import { SimulatedDisk } from "../../src/disk/simulated.js";

interface Candidate {
  readonly disk: Disk;
  dispose(): void;
}

const candidates: Record<string, () => Candidate> = {
  node: () => {
    const root = mkdtempSync(join(tmpdir(), "millrace-disk-"));
    return { disk: nodeDisk(root), dispose: () => rmSync(root, { recursive: true }) };
  },
  memory: () => ({ disk: memoryDisk(), dispose: () => {} }),
  simulated: () => ({ disk: new SimulatedDisk(), dispose: () => {} }),
};

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function contentOf(disk: Disk, path: string): string {
  const file = disk.open(path, "read");
  const bytes = new Uint8Array(file.size());
  readFully(file, bytes, 0);
  file.close();
  return new TextDecoder().decode(bytes);
}

function create(disk: Disk, path: string, text = ""): void {
  const file = disk.open(path, "create");
  writeFully(file, bytesOf(text), 0);
  file.close();
}

/** Runs `wrong` and returns its error's code, and "nothing" when it does not fail. */
function codeOf(wrong: () => unknown): string {
  try {
    wrong();
    return "nothing";
  } catch (error) {
    if (error instanceof AssertionError) return "assertion";
    return hasCode(error, "DISK_FAILED") ? ((error.cause as NodeJS.ErrnoException).code ?? "no cause") : String(error);
  }
}

describe.each(Object.entries(candidates))("the %s disk", (_name, open) => {
  let candidate: Candidate;
  let disk: Disk;
  beforeEach(() => {
    candidate = open();
    disk = candidate.disk;
  });
  afterEach(() => candidate.dispose());

  describe("files", () => {
    test("give back what was written, where it was written", () => {
      const file = disk.open("a", "create");
      writeFully(file, bytesOf("hello world"), 0);
      writeFully(file, bytesOf("W"), 6);
      const into = new Uint8Array(5);
      expect(file.read(into, 6)).toBe(5);
      expect(new TextDecoder().decode(into)).toBe("World");
      expect(file.size()).toBe(11);
      file.close();
      expect(contentOf(disk, "a")).toBe("hello World");
    });

    test("read short at their end and nothing past it", () => {
      create(disk, "a", "abc");
      const file = disk.open("a", "read");
      const into = new Uint8Array(10).fill(7);
      expect(file.read(into, 1)).toBe(2);
      expect([...into.subarray(0, 3)]).toEqual([98, 99, 7]);
      expect(file.read(into, 3)).toBe(0);
      expect(file.read(into, 1_000_000)).toBe(0);
      file.close();
    });

    test("show a write at once to everyone who has them open", () => {
      const writer = disk.open("a", "create");
      const reader = disk.open("a", "read");
      writeFully(writer, bytesOf("now"), 0);
      expect(reader.size()).toBe(3);
      expect(contentOf(disk, "a")).toBe("now");
      writer.close();
      reader.close();
    });

    test("hold zeros in a gap that was never written", () => {
      const file = disk.open("a", "create");
      writeFully(file, bytesOf("x"), 700_000);
      const into = new Uint8Array(700_001).fill(7);
      expect(readFully(file, into, 0)).toBe(700_001);
      expect(into.subarray(0, 700_000).every((byte) => byte === 0)).toBe(true);
      expect(into[700_000]).toBe(120);
      file.close();
    });

    test("hold megabytes whole, across every inner boundary", () => {
      const bytes = Uint8Array.from({ length: 1_500_000 }, (_, index) => (index * 31 + (index >> 8)) & 255);
      const file = disk.open("a", "create");
      for (let at = 0; at < bytes.length; at += 99_991) writeFully(file, bytes.subarray(at, at + 99_991), at);
      const into = new Uint8Array(bytes.length);
      for (let at = 0; at < bytes.length; at += 65_537) readFully(file, into.subarray(at, at + 65_537), at);
      file.close();
      expect(Buffer.compare(into, bytes)).toBe(0);
    });

    test("are cut by truncate, and zeros come back when they grow again", () => {
      const file = disk.open("a", "create");
      writeFully(file, bytesOf("abcdef"), 0);
      file.truncate(2);
      expect(file.size()).toBe(2);
      file.truncate(5);
      expect(file.size()).toBe(5);
      file.close();
      expect(contentOf(disk, "a")).toBe("ab\0\0\0");
    });

    test("are cut in their megabytes too", () => {
      const file = disk.open("a", "create");
      writeFully(file, new Uint8Array(1_000_000).fill(9), 0);
      file.truncate(600_000);
      file.truncate(900_000);
      const into = new Uint8Array(300_002);
      expect(readFully(file, into, 599_998)).toBe(300_002);
      expect([...into.subarray(0, 4)]).toEqual([9, 9, 0, 0]);
      expect(into.subarray(2).every((byte) => byte === 0)).toBe(true);
      file.truncate(0);
      expect(file.size()).toBe(0);
      file.close();
    });

    test("take an empty write and an empty read", () => {
      const file = disk.open("a", "create");
      expect(file.write(new Uint8Array(0), 0)).toBe(0);
      expect(file.read(new Uint8Array(0), 0)).toBe(0);
      expect(file.size()).toBe(0);
      file.close();
    });

    test("resolve a sync, also one that runs while they are closed, and many at once", async () => {
      const file = disk.open("a", "create");
      writeFully(file, bytesOf("x"), 0);
      await file.sync();
      const running = [file.sync(), file.sync()];
      file.close();
      file.close();
      await expect(Promise.all(running)).resolves.toHaveLength(2);
    });

    test("are dead after close: using them is a defect", async () => {
      const file = disk.open("a", "create");
      file.close();
      const uses = [
        () => file.size(),
        () => file.read(new Uint8Array(1), 0),
        () => file.write(new Uint8Array(1), 0),
        () => file.truncate(0),
      ];
      expect(uses.map(codeOf)).toEqual(uses.map(() => "assertion"));
      await expect(file.sync()).rejects.toThrow(AssertionError);
    });

    test("have nothing before their beginning: asking for it is a defect", () => {
      const file = disk.open("a", "create");
      expect(codeOf(() => file.read(new Uint8Array(1), -1))).toBe("assertion");
      expect(codeOf(() => file.write(new Uint8Array(1), -1))).toBe("assertion");
      file.close();
    });

    test("opened for reading refuse to be written", () => {
      create(disk, "a", "abc");
      const file = disk.open("a", "read");
      expect(codeOf(() => file.write(bytesOf("x"), 0))).toBe("EBADF");
      expect(contentOf(disk, "a")).toBe("abc");
      file.close();
    });
  });

  describe("names", () => {
    test("open refuses to read or write what is missing, and to create what exists", () => {
      expect(codeOf(() => disk.open("a", "read"))).toBe("ENOENT");
      expect(codeOf(() => disk.open("a", "write"))).toBe("ENOENT");
      expect(codeOf(() => disk.open("no/a", "create"))).toBe("ENOENT");
      create(disk, "a", "kept");
      expect(codeOf(() => disk.open("a", "create"))).toBe("EEXIST");
      expect(contentOf(disk, "a")).toBe("kept");
    });

    test("open for writing keeps what is there", () => {
      create(disk, "a", "abc");
      const file = disk.open("a", "write");
      writeFully(file, bytesOf("X"), 1);
      file.close();
      expect(contentOf(disk, "a")).toBe("aXc");
    });

    test("directories are made with their parents, again and again", () => {
      disk.makeDirectory("");
      disk.makeDirectory("a/b/c");
      disk.makeDirectory("a/b/c");
      disk.makeDirectory("a/d");
      create(disk, "a/b/c/file", "deep");
      expect(disk.list("a").toSorted()).toEqual(["b", "d"]);
      expect(disk.list("").toSorted()).toEqual(["a"]);
      expect(contentOf(disk, "a/b/c/file")).toBe("deep");
    });

    test("list is empty for a directory that is not there, and refuses a file", () => {
      expect(disk.list("nowhere/at/all")).toEqual([]);
      create(disk, "a");
      expect(codeOf(() => disk.list("a"))).toBe("ENOTDIR");
    });

    test("exists tells of files and directories, and of nothing below a file", () => {
      disk.makeDirectory("a");
      create(disk, "a/file");
      expect(["", "a", "a/file", "b", "a/b", "a/file/b"].map((path) => disk.exists(path))).toEqual([
        true,
        true,
        true,
        false,
        false,
        false,
      ]);
    });

    test("a file stands where a directory is needed, and the other way round", () => {
      create(disk, "file");
      disk.makeDirectory("directory");
      expect(codeOf(() => disk.makeDirectory("file/below"))).toBe("ENOTDIR");
      expect(codeOf(() => disk.open("file/below", "create"))).toBe("ENOTDIR");
      expect(codeOf(() => disk.open("directory", "write"))).toBe("EISDIR");
    });

    test("rename moves a file, also to another directory, and replaces what is there", () => {
      disk.makeDirectory("a");
      create(disk, "old", "new content");
      create(disk, "a/target", "replaced");
      disk.rename("old", "a/target");
      expect(disk.exists("old")).toBe(false);
      expect(contentOf(disk, "a/target")).toBe("new content");
      expect(disk.list("a")).toEqual(["target"]);
      disk.rename("a/target", "a/target");
      expect(contentOf(disk, "a/target")).toBe("new content");
      expect(codeOf(() => disk.rename("old", "other"))).toBe("ENOENT");
      expect(codeOf(() => disk.rename("a/target", "no/target"))).toBe("ENOENT");
    });

    test("a file that is open goes on under its new name, and after its removal", () => {
      const file = disk.open("a", "create");
      disk.rename("a", "b");
      writeFully(file, bytesOf("moved"), 0);
      expect(contentOf(disk, "b")).toBe("moved");
      disk.remove("b");
      expect(disk.exists("b")).toBe(false);
      const into = new Uint8Array(5);
      expect(file.read(into, 0)).toBe(5);
      file.close();
    });

    test("remove and removeDirectory each remove what they are for, and only that", () => {
      disk.makeDirectory("a");
      create(disk, "a/file");
      expect(codeOf(() => disk.remove("a/other"))).toBe("ENOENT");
      expect(codeOf(() => disk.remove("a"))).toMatch(/EISDIR|EPERM/);
      expect(codeOf(() => disk.removeDirectory("a"))).toBe("ENOTEMPTY");
      expect(codeOf(() => disk.removeDirectory("a/file"))).toBe("ENOTDIR");
      disk.remove("a/file");
      disk.removeDirectory("a");
      expect(disk.list("")).toEqual([]);
      expect(codeOf(() => disk.removeDirectory("a"))).toBe("ENOENT");
    });

    test("a removed name can be created anew, and is empty then", () => {
      create(disk, "a", "before");
      disk.remove("a");
      create(disk, "a");
      expect(contentOf(disk, "a")).toBe("");
    });

    test("a directory's entries can be synced, those of a missing one cannot", async () => {
      disk.makeDirectory("a");
      await disk.syncDirectory("a");
      await disk.syncDirectory("");
      await expect(disk.syncDirectory("missing")).rejects.toMatchObject({ code: "DISK_FAILED" });
    });

    test.each(["..", "a/../b", "/a", "a/", "a//b", "./a", "a/.", "a\0b", "a\\b"])("%j is no path: a defect", (path) => {
      expect(codeOf(() => disk.open(path, "create"))).toBe("assertion");
      expect(codeOf(() => disk.makeDirectory(path))).toBe("assertion");
      expect(codeOf(() => disk.list(path))).toBe("assertion");
      expect(codeOf(() => disk.exists(path))).toBe("assertion");
      expect(codeOf(() => disk.remove(path))).toBe("assertion");
      create(disk, "a", "safe");
      expect(codeOf(() => disk.rename(path, "b"))).toBe("assertion");
      expect(codeOf(() => disk.rename("a", path))).toBe("assertion");
      expect(contentOf(disk, "a")).toBe("safe");
    });
  });

  test("tells where it is and how much can still be written", () => {
    expect(disk.where).not.toBe("");
    expect(disk.freeBytes()).toBeGreaterThan(0);
  });

  test("an error says what was tried, where, and what to do", () => {
    expect(() => disk.open("wal/7", "write")).toThrow(/cannot open wal\/7 in .+: ENOENT: .+\. It is missing: see /s);
  });
});
