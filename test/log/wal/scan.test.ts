import { describe, expect, test } from "vitest";
import { type ChainFinding, chainDecisions } from "../../../src/log/wal/chain-decisions.js";
import { fileHeaderBytes } from "../../../src/log/wal/layout.js";
import { frameOf, from, gist, saltOfGeneration, scan, WalDirectory } from "./wal-files.js";

describe("the walk through the write-ahead log", () => {
  test("visits every commit behind the checkpoint, in order, over all files", () => {
    const wal = new WalDirectory(
      { generation: 4, lsns: [5, 6, 7] },
      { generation: 5, lsns: [8] },
      { generation: 6, lsns: [9, 10] },
    );
    const [first] = wal.files;
    expect(gist(scan(wal.disk, from(6, 4, first?.frames[2])))).toEqual({ visited: [7, 8, 9, 10], findings: [] });
  });

  test("follows the order of use and not the order of names", () => {
    const wal = new WalDirectory({ generation: 9, lsns: [3, 4] }, { generation: 8, lsns: [1, 2] });
    const scanned = scan(wal.disk, from(0, 8));
    expect(gist(scanned)).toEqual({ visited: [1, 2, 3, 4], findings: [] });
    expect(scanned).toMatchObject({ lastLsn: 4, generationMax: 9, nameMax: 2, damaged: false });
  });

  test("takes files that were prepared and never used for nothing, between others too", () => {
    const wal = new WalDirectory(
      { generation: 1, lsns: [1, 2] },
      { generation: 2, lsns: [] },
      { generation: 3, lsns: [3], afterLsn: 2 },
      { generation: 4, lsns: [] },
    );
    expect(gist(scan(wal.disk, from(0, 1)))).toEqual({ visited: [1, 2, 3], findings: [] });
  });

  test("lists files that a checkpoint has passed as spares", () => {
    const wal = new WalDirectory(
      { generation: 1, lsns: [1] },
      { generation: 2, lsns: [2] },
      { generation: 3, lsns: [3] },
    );
    const scanned = scan(wal.disk, from(1, 2));
    expect([scanned.spares, scanned.live.map((file) => file.name)]).toEqual([
      ["0000000001.wal"],
      ["0000000002.wal", "0000000003.wal"],
    ]);
  });

  test("never goes on with a frame of an earlier use of the file, although its number would fit", () => {
    const old = new WalDirectory({ generation: 1, lsns: [1, 2, 3, 4, 5, 6] });
    const wal = new WalDirectory();
    // The same file used again: its first frames are new, behind them stand the old ones, whole.
    const file = wal.add(
      { generation: 2, lsns: [1, 2] },
      old.bytesOf(old.add({ generation: 1, lsns: [1, 2, 3, 4, 5] })),
    );
    expect(wal.bytesOf(file).readUInt32LE(file.end + 4)).toBe(saltOfGeneration(1));
    expect(scan(wal.disk, from(0, 2))).toMatchObject({ visited: [1, 2], damaged: false });
  });

  test("does not take a frame that stands in a message for one of the log", () => {
    const wal = new WalDirectory({ generation: 1, lsns: [1, 2] });
    const [file] = wal.files as [(typeof wal.files)[number]];
    // As a payload it would lie inside of a frame: behind the last one it is at its most dangerous.
    wal.change(file, (bytes) => void frameOf(3, 7).copy(bytes, file.end));
    expect(scan(wal.disk, from(0, 1))).toMatchObject({ visited: [1, 2], damaged: false });
  });
});

type Row = readonly [finding: ChainFinding, what: string, make: () => WalDirectory, expected: ReturnType<typeof gist>];

const twoFiles = (): WalDirectory =>
  new WalDirectory({ generation: 1, lsns: [1, 2, 3, 4] }, { generation: 2, lsns: [5, 6] });

const at = "wal/0000000001.wal";

/** One way at least to reach each row of the table. */
const rows: readonly Row[] = [
  ["nothing", "the chain ends at unused bytes", twoFiles, { visited: [1, 2, 3, 4, 5, 6], findings: [] }],
  [
    "begun-frame",
    "the last frame is torn",
    () => {
      const wal = twoFiles();
      wal.breakFrame(wal.files[1]!, 1);
      return wal;
    },
    { visited: [1, 2, 3, 4, 5], findings: ["torn-tail wal/0000000002.wal: nothing lost"] },
  ],
  [
    "hole-synced",
    "a frame is broken and later ones are whole",
    () => {
      const wal = twoFiles();
      wal.breakFrame(wal.files[0]!, 1);
      return wal;
    },
    { visited: [1, 3, 4, 5, 6], findings: [`wal-frame-damaged ${at}: commits 2 to 2`] },
  ],
  [
    "hole-synced",
    "the last frame of a file is broken and the next file goes on",
    () => {
      const wal = twoFiles();
      wal.eraseFrame(wal.files[0]!, 3);
      wal.breakFrame(wal.files[0]!, 2);
      return wal;
    },
    { visited: [1, 2, 5, 6], findings: [`wal-frame-damaged ${at}: commits 3 to 4`] },
  ],
  [
    "hole-synced",
    "the first frame of a later file is broken",
    () => {
      const wal = twoFiles();
      wal.breakFrame(wal.files[1]!, 0);
      return wal;
    },
    { visited: [1, 2, 3, 4, 6], findings: ["wal-frame-damaged wal/0000000002.wal: commits 5 to 5"] },
  ],
  [
    "hole-synced",
    "a file was not synced frame by frame, but the next one was begun, which waits until it is synced",
    () => {
      const wal = new WalDirectory(
        { generation: 1, lsns: [1, 2, 3], eachFrameSynced: false },
        { generation: 2, lsns: [4], eachFrameSynced: false },
      );
      wal.eraseFrame(wal.files[0]!, 1);
      return wal;
    },
    { visited: [1, 3, 4], findings: [`wal-frame-damaged ${at}: commits 2 to 2`] },
  ],
  [
    "hole-unsynced",
    "frames were not synced one by one, and one in the middle did not make it",
    () => {
      const wal = new WalDirectory({ generation: 1, lsns: [1, 2, 3, 4], eachFrameSynced: false });
      wal.eraseFrame(wal.files[0]!, 1);
      return wal;
    },
    { visited: [1], findings: [`unsynced-tail ${at}: nothing lost`] },
  ],
  [
    "hole-unsynced",
    "the first frame of the last file did not make it, and one behind it did",
    () => {
      const wal = new WalDirectory(
        { generation: 1, lsns: [1, 2], eachFrameSynced: false },
        { generation: 2, lsns: [3, 4, 5], eachFrameSynced: false },
      );
      wal.eraseFrame(wal.files[1]!, 0);
      return wal;
    },
    { visited: [1, 2], findings: ["unsynced-tail wal/0000000002.wal: nothing lost"] },
  ],
  [
    "known-frame-missing",
    "a later process found more commits here than there are now",
    () => {
      const wal = new WalDirectory({ generation: 1, lsns: [1, 2, 3] }, { generation: 2, lsns: [], afterLsn: 3 });
      wal.breakFrame(wal.files[0]!, 2);
      return wal;
    },
    { visited: [1, 2], findings: [`wal-frame-damaged ${at}: commits 3 to 3`] },
  ],
  [
    "file-cut",
    "the file ends where frames may have been",
    () => {
      const wal = new WalDirectory({ generation: 1, lsns: [1, 2, 3] });
      const [file] = wal.files;
      wal.change(file!, (bytes) => bytes.subarray(0, file!.frames[1]! + 20));
      return wal;
    },
    { visited: [1], findings: [`wal-file-cut ${at}: what was committed behind byte 128, if anything`] },
  ],
];

describe("where the walk stops", () => {
  test.for(rows.map(([finding, what, make, expected]) => ({ finding, what, make, expected })))(
    "$finding: $what",
    ({ make, expected }) => {
      expect(gist(scan(make().disk, from(0, 1)))).toEqual(expected);
    },
  );

  test("is always a row of the table, and each row is reached by a test", () => {
    const table = Object.keys(chainDecisions).sort();
    expect([...new Set(rows.map(([finding]) => finding))].sort()).toEqual(table);
    expect(table).toEqual([
      "begun-frame",
      "file-cut",
      "hole-synced",
      "hole-unsynced",
      "known-frame-missing",
      "nothing",
    ]);
  });

  test("each decision gives its reason in what is told", () => {
    for (const [finding, , make] of rows) {
      const said = scan(make().disk, from(0, 1)).findings.map(({ what }) => what);
      if (finding === "nothing") expect(said).toEqual([]);
      else expect(said.join()).toContain(chainDecisions[finding].because);
    }
  });
});

/** All a crash or one accident can do to the frames of two files: what each combination must give. */
test("whatever happens to two frames, nothing that can be read is passed over in silence", () => {
  const states = ["whole", "broken", "erased"] as const;
  for (const one of states) {
    for (const other of states) {
      for (const [first, second] of [
        [0, 1],
        [1, 3],
        [3, 4],
        [4, 5],
      ] as const) {
        const wal = twoFiles();
        const spoil = (state: (typeof states)[number], index: number): void => {
          const file = wal.files[index < 4 ? 0 : 1]!;
          if (state === "broken") wal.breakFrame(file, index % 4);
          if (state === "erased") wal.eraseFrame(file, index % 4);
        };
        spoil(one, first);
        spoil(other, second);
        const spoilt = new Set([one === "whole" ? -1 : first + 1, other === "whole" ? -1 : second + 1]);
        const readable = [1, 2, 3, 4, 5, 6].filter((lsn) => !spoilt.has(lsn));
        const { visited, findings } = scan(wal.disk, from(0, 1));
        expect([one, first, other, second, visited]).toEqual([one, first, other, second, readable]);
        // All that is missing before the last commit that is there was acknowledged.
        const lost = [...spoilt].filter((lsn) => lsn > 0 && lsn < Math.max(...readable));
        const told = findings.flatMap(({ lost: text }) => text?.match(/\d+/g)?.map(Number) ?? []);
        const inTold = (lsn: number): boolean =>
          told.some((begin, index) => index % 2 === 0 && begin <= lsn && lsn <= (told[index + 1] ?? 0));
        expect([one, first, other, second, lost.filter((lsn) => !inTold(lsn))]).toEqual([
          one,
          first,
          other,
          second,
          [],
        ]);
      }
    }
  }
});

describe("a commit that refers to what is not there", () => {
  test("did not happen when it is the last one", () => {
    const wal = twoFiles();
    const scanned = scan(wal.disk, from(0, 1), (lsn) => lsn !== 6);
    expect(gist(scanned)).toEqual({
      visited: [1, 2, 3, 4, 5],
      findings: ["torn-tail wal/0000000002.wal: nothing lost"],
    });
    expect(scanned.lastLsn).toBe(5);
  });

  test("was acknowledged when another one follows: what is left of it counts", () => {
    expect(scan(twoFiles().disk, from(0, 1), (lsn) => lsn !== 5).visited).toEqual([1, 2, 3, 4, 5, 6]);
    expect(scan(twoFiles().disk, from(0, 1), (lsn) => lsn !== 2).visited).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("stays cut off once a process began behind it, even if it looks whole later", () => {
    const wal = new WalDirectory({ generation: 1, lsns: [1, 2, 3] }, { generation: 2, lsns: [3, 4], afterLsn: 2 });
    // Commit 3 of the first file was cut off; the process after it has given its number again.
    const { visited, findings, live } = scan(wal.disk, from(0, 1));
    expect({ visited, findings }).toEqual({ visited: [1, 2, 3, 4], findings: [] });
    expect(live.map(({ end }) => end)).toEqual([wal.files[0]!.frames[2], wal.files[1]!.end]);
  });
});

test("a broken file of the checkpoint itself does not hide the first frame that is whole", () => {
  const wal = new WalDirectory({ generation: 3, lsns: [7, 8] }, { generation: 4, lsns: [9] });
  // The checkpoint stands behind commit 4 in a file that is gone.
  expect(gist(scan(wal.disk, from(4, 2)))).toEqual({
    visited: [7, 8, 9],
    findings: [
      "wal-file-missing wal: what was committed in it since the last checkpoint, if anything",
      "wal-frame-damaged wal/0000000001.wal: commits 5 to 6",
    ],
  });
});

test("an empty directory is the end of a log, not its loss", () => {
  const scanned = scan(new WalDirectory().disk, { lsn: 0, generation: 1, salt: 0, position: fileHeaderBytes });
  expect(scanned).toMatchObject({ visited: [], findings: [], lastLsn: 0, live: [], spares: [], damaged: false });
});
