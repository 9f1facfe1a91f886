import { describe, expect, test } from "vitest";
import { memoryDisk } from "../../../src/disk/memory.js";
import { readFully } from "../../../src/disk/disk.js";
import { at } from "../../../src/log/batch/layout.js";
import { BatchView } from "../../../src/log/batch/view.js";
import { OpenFiles } from "../../../src/log/segments/open-files.js";
import { rewriteSegment } from "../../../src/log/segments/rewrite.js";
import { Segment, type SegmentFacts } from "../../../src/log/segments/segment.js";
import { batchOf, record } from "../batch/records.js";
import { compareGolden, golden } from "../golden/golden.js";
import { encode, linesOf, sampleBaseOffset, sampleBatches } from "../golden/sample.js";

const disk = memoryDisk();
disk.makeDirectory("p");
const files = { openFiles: new OpenFiles(disk, 8), directory: "p" };
const isKept = (offset: number): boolean => offset % 3 !== 0 && (offset < 1_100 || offset > 1_140);

function contentOf(name: string): Buffer {
  const file = disk.open(`p/${name}`, "read");
  const bytes = Buffer.alloc(file.size());
  readFully(file, bytes, 0);
  return bytes;
}

function written(): Segment {
  const segment = Segment.create(files, sampleBaseOffset);
  for (const records of sampleBatches()) segment.append(encode(records));
  segment.seal();
  return segment;
}

/** What reading the segment gives, batch by batch, as text of the kind the golden files hold. */
function readBack(facts: SegmentFacts): string {
  const reader = Segment.restore(files, facts).reader(0, () => expect.unreachable("nothing is lost"));
  let lines = "";
  for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
    lines += linesOf(
      batch.records().map((each) => ({
        offset: each.offset,
        timestampMs: each.timestampMs,
        input: { value: each.value, key: each.key, id: each.id, headers: each.headers },
      })),
    );
  }
  return lines;
}

describe("the golden segment, which Kafka's own tools accept (see ../kafka/README.md)", () => {
  const segment = written();
  const rewritten = rewriteSegment(segment, isKept);

  test.for(["log", "index", "timeindex"])("its .%s is written byte for byte", (ending) => {
    expect(compareGolden(`segment/00000000000000001000.${ending}`, contentOf(`00000000000000001000.${ending}`))).toBe(
      "same",
    );
  });

  test.for(["log", "index", "timeindex"])("rewritten without some of its records, its .%s is too", (ending) => {
    expect(
      compareGolden(`segment/00000000000000001000.1.${ending}`, contentOf(`00000000000000001000.1.${ending}`)),
    ).toBe("same");
  });

  test("its records are what went in", () => {
    const all = sampleBatches().flat();
    expect(compareGolden("segment/records.txt", Buffer.from(linesOf(all)))).toBe("same");
    expect(
      compareGolden("segment/records.1.txt", Buffer.from(linesOf(all.filter((each) => isKept(each.offset))))),
    ).toBe("same");
    expect(readBack(segment.facts)).toBe(golden("segment/records.txt").toString());
    expect(readBack(rewritten.facts)).toBe(golden("segment/records.1.txt").toString());
  });
});

test("a batch written by Kafka is byte for byte what we write, but for the leader epoch, where our head check is", () => {
  const theirs = golden("kafka-batch.bin");
  const headers = { "content-type": "text/plain", über: "ü" };
  const ours = batchOf(
    [
      record("plain"),
      record("größe €", { key: "schlüssel" }),
      record(new Uint8Array(0), { key: "" }),
      record("with headers", { headers }),
      record("z".repeat(9_000)),
    ],
    4_294_967_300,
  );
  expect(theirs.readInt32BE(at.headCheck)).toBe(-1);
  theirs.copy(ours, at.headCheck, at.headCheck, at.magic);
  expect(ours.toString("hex")).toBe(theirs.toString("hex"));
  expect(new BatchView(theirs).records()).toHaveLength(5);
});
