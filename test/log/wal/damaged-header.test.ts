import { describe, expect, test } from "vitest";
import { fileHeaderBytes } from "../../../src/log/wal/layout.js";
import { from, gist, saltOfGeneration, scan, WalDirectory } from "./wal-files.js";

const header = Array.from({ length: 40 * 8 }, (_, bit) => bit);

function threeFiles(): WalDirectory {
  return new WalDirectory(
    { generation: 1, lsns: [1, 2] },
    { generation: 2, lsns: [3, 4], afterLsn: 2 },
    { generation: 3, lsns: [5] },
  );
}

describe("a damaged header of a file of the write-ahead log", () => {
  test("costs no commit, whichever bit of whichever file it is: the frames say where they belong", () => {
    for (const index of [0, 1, 2]) {
      for (const bit of header) {
        const wal = threeFiles();
        const file = wal.files[index]!;
        wal.change(file, (bytes) => void bytes.writeUInt8((bytes[bit >> 3] as number) ^ (1 << (bit & 7)), bit >> 3));
        const { visited, damaged, generationMax, findings } = scan(wal.disk, from(0, 1));
        expect([index, bit, visited, damaged]).toEqual([index, bit, [1, 2, 3, 4, 5], false]);
        expect(findings.map(({ kind, file: path }) => [kind, path])).toEqual([["wal-header-damaged", file.path]]);
        expect(generationMax).toBeGreaterThanOrEqual(3);
      }
    }
  });

  test("of a file without frames is nothing: there is nothing to lose in it", () => {
    const wal = new WalDirectory({ generation: 1, lsns: [1, 2] }, { generation: 2, lsns: [] });
    wal.change(wal.files[1]!, (bytes) => void bytes.writeUInt8(77, 9));
    expect(gist(scan(wal.disk, from(0, 1)))).toEqual({ visited: [1, 2], findings: [] });
    expect(scan(wal.disk, from(0, 1)).spares).toEqual(["0000000002.wal"]);
  });

  test("of a file that a checkpoint has passed is nothing either", () => {
    const wal = threeFiles();
    wal.change(wal.files[0]!, (bytes) => void bytes.writeUInt8(77, 9));
    expect(gist(scan(wal.disk, from(2, 2)))).toEqual({ visited: [3, 4, 5], findings: [] });
    expect(scan(wal.disk, from(2, 2)).spares).toEqual(["0000000001.wal"]);
  });

  test("of the file in which the checkpoint stands, before any commit, is told, since nobody can say what it held", () => {
    const wal = new WalDirectory({ generation: 4, lsns: [] });
    wal.change(wal.files[0]!, (bytes) => void bytes.writeUInt8(77, 9));
    expect(gist(scan(wal.disk, from(9, 4))).findings).toEqual([
      "wal-file-missing wal: what was committed in it since the last checkpoint, if anything",
    ]);
  });
});

describe("a file of the write-ahead log that was cut short", () => {
  test("is told, wherever it was cut, unless nothing behind the checkpoint can have been in it", () => {
    const whole = threeFiles();
    for (const [index, made] of whole.files.entries()) {
      for (let size = 0; size < whole.bytesOf(made).length; size += 4) {
        const wal = threeFiles();
        const file = wal.files[index]!;
        wal.change(file, (bytes) => bytes.subarray(0, size));
        const { visited, findings } = scan(wal.disk, from(2, 2));
        const isNeeded = index > 0 || size < fileHeaderBytes;
        expect([index, size, findings.some(({ kind }) => kind.startsWith("wal-f"))]).toEqual([index, size, isNeeded]);
        // What is still there is still read, and a commit that is gone is told of as lost.
        const gone = [3, 4, 5].filter((lsn) => !visited.includes(lsn));
        const isLost = findings.some(({ lost }) => lost !== undefined);
        if (gone.length > 0) expect([index, size, gone, isLost]).toEqual([index, size, gone, true]);
        const untouched = [3, 4, 5].filter((lsn) => (lsn === 5 ? 2 : 1) !== index);
        expect(visited).toEqual(expect.arrayContaining(untouched));
      }
    }
  });

  test("loses nothing when the next file goes on behind it", () => {
    const wal = new WalDirectory({ generation: 1, lsns: [1, 2] }, { generation: 2, lsns: [3] });
    wal.change(wal.files[0]!, (bytes) => bytes.subarray(0, wal.files[0]!.end));
    expect(gist(scan(wal.disk, from(0, 1)))).toEqual({
      visited: [1, 2, 3],
      findings: ["wal-file-cut wal/0000000001.wal: nothing lost"],
    });
  });
});

describe("a file of a newer release", () => {
  test("is refused as such and not taken for damage, even when it is not needed", () => {
    for (const generation of [1, 2, 3]) {
      const wal = new WalDirectory({ generation: 2, lsns: [1] }, { generation, lsns: [], version: 2 });
      expect(() => scan(wal.disk, from(0, 2))).toThrow(
        expect.objectContaining({
          code: "LOG_VERSION_UNSUPPORTED",
          message: expect.stringMatching(
            /0000000002\.wal has version 2.*open the directory with the release/,
          ) as string,
        }),
      );
    }
  });

  test("is damage when its checksum does not hold: then its version says nothing", () => {
    const wal = new WalDirectory({ generation: 1, lsns: [1] });
    wal.change(wal.files[0]!, (bytes) => void bytes.writeUInt16LE(2, 4));
    expect(gist(scan(wal.disk, from(0, 1)))).toEqual({
      visited: [1],
      findings: ["wal-header-damaged wal/0000000001.wal: nothing lost"],
    });
  });
});

test("a file that is not finished does not have its name yet, and is not looked at", () => {
  const wal = new WalDirectory({ generation: 1, lsns: [1] });
  const unfinished = wal.disk.open("wal/0000000009.wal.new", "create");
  unfinished.write(Buffer.alloc(10, saltOfGeneration(1)), 0);
  unfinished.close();
  expect(scan(wal.disk, from(0, 1))).toMatchObject({ visited: [1], findings: [], spares: [], nameMax: 1 });
});
