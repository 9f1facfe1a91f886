import { describe, expect, test } from "vitest";
import { crc32c } from "../../../src/base/crc32c.js";
import { SimulatedDisk } from "../../../src/disk/simulated.js";
import { checkDirectory, DirectoryCheck } from "../../../src/log/verify/directory-check.js";
import { turn } from "../../../src/testing/manual-clock.js";
import { filesIn, LogWorld, type LogWorldOptions } from "../log-world.js";
import { contentOf, replace } from "../segments/fixture.js";

const options: LogWorldOptions = { limits: { partitionTailBytes: 150, segmentBytes: 600, directBytesMin: 400 } };

/** Three partitions, pages, declarations; segments, tails and large batches. */
async function filled(): Promise<LogWorld> {
  const world = await LogWorld.open(options);
  for (const id of [1, 2]) await world.log.appendMeta({ entry: "channel", id });
  for (let count = 0; count < 12; count++)
    await world.send(world.log.partition(1 + (count % 3), 0), `record ${count} `.padEnd(100, "."));
  world.log.touch(world.state.setPage("g/3/1-0", 0, "a page").setPage("g/3/1-0", 1, "another page"));
  await world.log.checkpoint();
  await world.send(world.log.partition(1, 0), "behind the checkpoint");
  await world.send(world.log.partition(2, 0), "large ".padEnd(500, "."));
  await world.note("a", "b");
  await turn();
  return world;
}

const gist = (disk: SimulatedDisk): string[] =>
  checkDirectory(disk).findings.map(({ kind, file, lost }) => `${kind} ${file}: ${lost ?? "nothing lost"}`);

async function closed(): Promise<SimulatedDisk> {
  const world = await filled();
  await world.log.close();
  return world.disk.afterKill();
}

async function killed(): Promise<SimulatedDisk> {
  return (await filled()).disk.afterKill();
}

describe("a directory that was closed in order", () => {
  test("has no findings, and everything in it is counted", async () => {
    const report = checkDirectory(await closed());
    expect(report.findings).toEqual([]);
    expect(report.totals).toMatchObject({ declarations: 2, partitions: 3, records: 14, pages: 2, commits: 0 });
    expect(report.totals.segments).toBeGreaterThan(2);
    expect(report.checkpoint?.sequence).toBeGreaterThan(1);
  });

  test("is the same after the check, to the byte, and no call was made that could change anything", async () => {
    const disk = await closed();
    const before = disk.files().map((path) => [path, Buffer.from(disk.bytesOf(path)).toString("base64")]);
    disk.faults = (call) => (call.changes ? { fail: "EROFS" } : undefined);
    checkDirectory(disk);
    expect(disk.files().map((path) => [path, Buffer.from(disk.bytesOf(path)).toString("base64")])).toEqual(before);
  });

  test("can be checked in steps, with progress", async () => {
    const check = new DirectoryCheck(await closed());
    const shares: number[] = [];
    for (const finding of check.run()) {
      expect(finding).toBeUndefined();
      shares.push(check.share);
    }
    expect(shares).toEqual(shares.toSorted((one, other) => one - other));
    expect(shares.at(-1)).toBe(1);
    expect(check.declarations).toEqual([
      { entry: "channel", id: 1 },
      { entry: "channel", id: 2 },
    ]);
  });
});

describe("a directory whose process was killed", () => {
  test("has no findings but files that its process had no time to name, and commits behind the checkpoint", async () => {
    const disk = await killed();
    const { totals, findings } = checkDirectory(disk);
    expect(totals).toMatchObject({ records: 14, commits: 3 });
    expect(findings.filter(({ kind }) => kind !== "orphan-file")).toEqual([]);
  });

  test("names each file that nothing refers to, and counts those as no loss", async () => {
    const disk = await closed();
    const orphans = [
      "t/1/0/00000000000000000099.log",
      "t/1/0/00000000000000000000.7.index",
      "t/9/0/00000000000000000000.log",
      "g/3/1-0.9.ack",
      "meta/a.new",
      "wal/0000000077.wal.new",
    ];
    disk.makeDirectory("t/9/0");
    for (const path of orphans) replace(disk, path, Buffer.from("left behind"));
    expect(gist(disk).sort()).toEqual(orphans.map((path) => `orphan-file ${path}: nothing lost`).sort());
  });

  test("does not call a segment an orphan that only the write-ahead log refers to", async () => {
    const world = await LogWorld.open(options);
    await world.send(world.log.partition(1, 0), "large ".padEnd(500, "."));
    const disk = world.disk.afterKill();
    expect(filesIn(disk, "t")).toHaveLength(1);
    expect(gist(disk)).toEqual([]);
  });
});

describe("damage is found, and said what of it is lost:", () => {
  type Case = readonly [what: string, make: () => Promise<SimulatedDisk>, path: RegExp, at: number, expected: RegExp];
  const cases: readonly Case[] = [
    ["a mirror", closed, /^meta\/a$/, 20, /^meta-mirror-damaged meta\/a: nothing lost$/],
    ["a checkpoint slot", closed, /^checkpoint\.1$/, 60, /^checkpoint-slot-damaged checkpoint\.1: nothing lost$/],
    [
      "a page",
      closed,
      /^g\//,
      20,
      /^page-damaged g\/3\/1-0\.\d\.ack: which messages were settled; they are delivered again$/,
    ],
    ["a segment", closed, /^t\/1\/0\/0+\.log$/, 100, /^segment-damaged t\/1\/0\/0+\.log: offset 0$/],
    ["an index", closed, /^t\/1\/0\/0+\.timeindex$/, 2, /^index-wrong t\/1\/0\/0+\.timeindex: nothing lost$/],
  ];

  test.for(cases.map(([what, make, path, at, expected]) => ({ what, make, path, at, expected })))(
    "$what",
    async ({ make, path, at, expected }) => {
      const disk = await make();
      const file = disk.files().find((each) => path.test(each));
      disk.flipBit(file ?? "none", at * 8);
      const findings = gist(disk);
      expect(findings).toHaveLength(1);
      expect(findings[0]).toMatch(expected);
    },
  );

  test("a commit behind the checkpoint, and which offsets were in it", async () => {
    const world = await filled();
    for (const value of ["lost", "kept"]) await world.send(world.log.partition(1, 0), value.repeat(20));
    const disk = world.disk.afterKill();
    const path =
      disk.files().find((each) => each.startsWith("wal/") && contentOf(disk, each).includes("lostlost")) ?? "none";
    disk.flipBit(path, contentOf(disk, path).indexOf("lostlost") * 8);
    const findings = gist(disk).filter((each) => !each.startsWith("orphan"));
    expect(findings).toEqual([
      expect.stringMatching(/^wal-frame-damaged wal\/\d+\.wal: commits \d+ to \d+$/),
      "segment-damaged t/1/0: offsets 5 to 5",
    ]);
  });

  test("a large batch that only the write-ahead log refers to", async () => {
    const disk = await killed();
    const path =
      filesIn(disk, "t/2/0")
        .map((name) => `t/2/0/${name}`)
        .find((each) => contentOf(disk, each).includes("large")) ?? "none";
    disk.flipBit(path, (contentOf(disk, path).indexOf("large") + 100) * 8);
    expect(gist(disk).filter((each) => !each.startsWith("orphan"))).toEqual(["segment-damaged t/2/0: offsets 4 to 4"]);
  });

  test("a segment that is gone, and one that is cut", async () => {
    const gone = await closed();
    gone.remove("t/1/0/00000000000000000000.log");
    expect(gist(gone)[0]).toMatch(/^segment-missing t\/1\/0\/0+\.log: offsets? 0/);
    const cut = await closed();
    cut.truncateFile("t/1/0/00000000000000000000.log", 100);
    expect(gist(cut)[0]).toMatch(/^segment-cut t\/1\/0\/0+\.log: offsets? 0/);
  });

  test("both slots: nothing can be placed any more", async () => {
    const disk = await closed();
    for (const slot of ["checkpoint.0", "checkpoint.1"]) disk.flipBit(slot, 300);
    expect(gist(disk)).toEqual([
      "checkpoint-slot-damaged checkpoint.0, checkpoint.1: everything: without a checkpoint no segment can be placed",
    ]);
  });

  test("both mirrors: no declaration can be read, everything else still is", async () => {
    const disk = await closed();
    for (const mirror of ["meta/a", "meta/b"]) replace(disk, mirror, Buffer.alloc(50));
    const report = checkDirectory(disk);
    expect(report.findings).toMatchObject([
      { kind: "meta-entry-lost", lost: "all declarations of channels and groups" },
    ]);
    expect(report.totals.records).toBe(14);
  });
});

test("a directory that is somebody else's is refused as such", () => {
  const disk = new SimulatedDisk();
  disk.makeDirectory("");
  replace(disk, "novel.txt", Buffer.from("It was a dark and stormy night"));
  expect(() => checkDirectory(disk)).toThrow(expect.objectContaining({ code: "NOT_A_DATA_DIRECTORY" }));
});

test("a directory of a newer release is refused as such, not called damaged", async () => {
  const disk = await closed();
  const newer = contentOf(disk, "checkpoint.0");
  newer.writeUInt32LE(9, 4);
  newer.writeUInt32LE(crc32c(newer.subarray(0, 28)), 28);
  replace(disk, "checkpoint.0", newer);
  expect(() => checkDirectory(disk)).toThrow(expect.objectContaining({ code: "LOG_VERSION_UNSUPPORTED" }));
});
