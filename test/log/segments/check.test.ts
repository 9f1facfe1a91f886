import { describe, expect, test } from "vitest";
import { crc32c } from "../../../src/base/crc32c.js";
import type { Disk } from "../../../src/disk/disk.js";
import { memoryDisk } from "../../../src/disk/memory.js";
import { at } from "../../../src/log/batch/layout.js";
import { rewriteSegment } from "../../../src/log/segments/rewrite.js";
import { Segment, type SegmentFacts } from "../../../src/log/segments/segment.js";
import { checkSegment } from "../../../src/log/verify/segment-check.js";
import { batchAt, contentOf, fill, filesOn, replace } from "./fixture.js";

const log = "p/00000000000000000000.log";
const batchBytes = batchAt(0, 5).bytes.length;

interface Stored {
  readonly disk: Disk;
  readonly facts: SegmentFacts;
}

function stored(): Stored {
  const disk = memoryDisk();
  const segment = fill(Segment.create(filesOn(disk), 0), 60, 5);
  segment.seal();
  return { disk, facts: segment.facts };
}

/** Checks the segment after `change` was made to one of its files. */
function checkAfter(path: string, change: (bytes: Buffer) => Uint8Array | void): ReturnType<typeof checkSegment> {
  const { disk, facts } = stored();
  const bytes = contentOf(disk, path);
  replace(disk, path, change(bytes) ?? bytes);
  return checkSegment(disk, "p", facts);
}

describe("checking a segment", () => {
  test("finds nothing in a whole one, and counts what it holds", () => {
    const { disk, facts } = stored();
    expect(checkSegment(disk, "p", facts)).toMatchObject({ findings: [], batches: 60, records: 300, lostOffsets: 0 });
  });

  test("finds nothing in one that was rewritten, that has no indexes, or that goes on behind what the checkpoint knows", () => {
    const disk = memoryDisk();
    const segment = fill(Segment.create(filesOn(disk), 0), 60, 5);
    const earlier = segment.facts;
    fill(segment, 10, 5);
    segment.seal();
    const rewritten = rewriteSegment(segment, (offset) => offset % 7 === 0);
    for (const name of segment.fileNames.slice(1)) disk.remove(`p/${name}`);
    for (const facts of [earlier, segment.facts, rewritten.facts]) {
      expect(checkSegment(disk, "p", facts)).toMatchObject({ findings: [], lostOffsets: 0 });
    }
  });

  test("says which bytes are damaged and which offsets went with them", () => {
    const check = checkAfter(log, (bytes) => void bytes.fill(0, 3 * batchBytes + 100, 3 * batchBytes + 110));
    const what = `bytes ${3 * batchBytes} to ${4 * batchBytes} are not what was written`;
    expect(check.findings).toEqual([{ kind: "segment-damaged", file: log, what, lost: "offsets 15 to 19 (5)" }]);
    expect(check).toMatchObject({ batches: 59, records: 295, lostOffsets: 5 });
  });

  test("says when the damage costs nothing", () => {
    const check = checkAfter(log, (bytes) => void bytes.fill(0xee, batchBytes, batchBytes + 8));
    const what = `the head of the batch at byte ${batchBytes} is damaged; reading mends it`;
    expect(check.findings).toEqual([{ kind: "segment-damaged", file: log, what, lost: undefined }]);
    expect(check).toMatchObject({ records: 300, lostOffsets: 0 });
  });

  test("says when the end is missing", () => {
    const check = checkAfter(log, (bytes) => bytes.subarray(0, 58 * batchBytes + 1));
    expect(check.findings).toMatchObject([{ kind: "segment-cut", file: log, lost: "offsets 290 to 299 (10)" }]);
    expect(check.findings[0]?.what).toContain(`the file ends at byte ${58 * batchBytes + 1}`);
  });

  test("says when the file is missing", () => {
    const { disk, facts } = stored();
    disk.remove(log);
    expect(checkSegment(disk, "p", facts).findings).toMatchObject([
      { kind: "segment-missing", lost: "offsets 0 to 299 (300)" },
    ]);
  });

  test("looks into records that no checksum vouches for", () => {
    const check = checkAfter(log, (bytes) => {
      const batch = bytes.subarray(0, batchBytes);
      batch.fill(0xff, at.records, at.records + 20);
      batch.writeUInt32BE(crc32c(batch.subarray(at.attributes)), at.crc);
    });
    expect(check.findings).toMatchObject([{ kind: "segment-damaged", lost: "offsets 0 to 4 (5)" }]);
    expect(check.findings[0]?.what).toContain("right checksums and wrong records");
    expect(check).toMatchObject({ records: 295, lostOffsets: 5 });
  });

  test.for(["index", "timeindex"])("says when the .%s is not that of the segment, which costs nothing", (ending) => {
    const file = log.replace(/log$/, ending);
    const check = checkAfter(file, (bytes) => void bytes.fill(1, 0, 3));
    expect(check.findings).toMatchObject([{ kind: "index-wrong", file, lost: undefined }]);
  });

  test("changes nothing", () => {
    const { disk, facts } = stored();
    replace(disk, log, contentOf(disk, log).fill(0, 200, 900));
    disk.remove(log.replace(/log$/, "index"));
    const before = disk.list("p").map((name) => [name, contentOf(disk, `p/${name}`).toString("hex")]);
    checkSegment(disk, "p", facts);
    expect(disk.list("p").map((name) => [name, contentOf(disk, `p/${name}`).toString("hex")])).toEqual(before);
  });
});
