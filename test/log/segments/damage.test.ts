import { describe, expect, test } from "vitest";
import { crc32c } from "../../../src/base/crc32c.js";
import type { Disk } from "../../../src/disk/disk.js";
import { memoryDisk } from "../../../src/disk/memory.js";
import { at } from "../../../src/log/batch/layout.js";
import { BatchView } from "../../../src/log/batch/view.js";
import { Segment } from "../../../src/log/segments/segment.js";
import { batchOf, record } from "../batch/records.js";
import { batchAt, contentOf, fill, filesOn, range, read, reopened, replace, valueOf } from "./fixture.js";

interface Stored {
  readonly disk: Disk;
  readonly segment: Segment;
  readonly bytes: Buffer;
}

function stored(batches: number, perBatch: number): Stored {
  const disk = memoryDisk();
  const segment = fill(Segment.create(filesOn(disk), 0), batches, perBatch);
  segment.seal();
  return { disk, segment, bytes: contentOf(disk, segment.path) };
}

/** Reads the segment after `change` was made to its file, as a process that has just started. */
function readAfter(
  { disk, segment, bytes }: Stored,
  change: (bytes: Buffer) => Uint8Array | void,
): ReturnType<typeof read> {
  const copy = Buffer.from(bytes);
  replace(disk, segment.path, change(copy) ?? copy);
  return read(reopened(segment));
}

const flip = (bytes: Buffer, bit: number): void => {
  bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
};

describe("damage in a segment", () => {
  const small = stored(4, 3);
  const batchBytes = small.bytes.length / 4;

  test("of any single bit costs at most the batch it is in, and never gives a wrong value", () => {
    for (let bit = 0; bit < small.bytes.length * 8; bit++) {
      const batch = Math.floor(bit / 8 / batchBytes);
      const inHead = (bit >> 3) % batchBytes < at.crc;
      const lost = inHead ? [] : [[batch * 3, batch * 3 + 3]];
      const offsets = range(0, 12).filter((offset) => inHead || Math.floor(offset / 3) !== batch);
      expect([bit, readAfter(small, (bytes) => flip(bytes, bit))]).toEqual([bit, { offsets, lost, wrong: [] }]);
    }
  });

  test("by a missing end costs what is missing, wherever it ends", () => {
    for (let length = 0; length < small.bytes.length; length++) {
      const whole = Math.floor(length / batchBytes) * 3;
      const reading = readAfter(small, (bytes) => bytes.subarray(0, length));
      expect([length, reading]).toEqual([length, { offsets: range(0, whole), lost: [[whole, 12]], wrong: [] }]);
    }
  });

  test.for([1, 512, 4_096])("of %i zeroed bytes, wherever they are, costs the batches they touch", (zeros) => {
    const large = stored(12, 15);
    const size = large.bytes.length / 12;
    for (let position = 0; position < large.bytes.length; position += 61) {
      const first = Math.floor(position / size);
      const last = Math.floor((Math.min(large.bytes.length, position + zeros) - 1) / size);
      const reading = readAfter(large, (bytes) => void bytes.subarray(position, position + zeros).fill(0));
      const kept = reading.offsets.filter((offset) => offset < first * 15 || offset >= (last + 1) * 15);
      expect(kept).toEqual([...range(0, first * 15), ...range((last + 1) * 15, 180)]);
      const lostCount = reading.lost.reduce((sum, [from, to]) => sum + to - from, 0);
      expect([position, reading.wrong, reading.offsets.length + lostCount]).toEqual([position, [], 180]);
    }
  });

  test("of everything leaves nothing, and says so", () => {
    const nothing = { offsets: [], lost: [[0, 12]], wrong: [] };
    expect(readAfter(small, (bytes) => void bytes.fill(0))).toEqual(nothing);
    expect(readAfter(small, (bytes) => void bytes.fill(0xff))).toEqual(nothing);
    expect(readAfter(small, (bytes) => void bytes.fill(at.crc, 0, bytes.length))).toEqual(nothing);
    expect(readAfter(small, (bytes) => void bytes.fill(2))).toEqual(nothing);
  });

  test("by a missing file is the loss of all of it, not an empty segment", () => {
    const { disk, segment } = stored(2, 2);
    disk.remove(segment.path);
    expect(read(reopened(segment))).toEqual({ offsets: [], lost: [[0, 4]], wrong: [] });
  });

  test("is told once, however often it is read", () => {
    const { disk, bytes, segment: before } = stored(4, 3);
    const segment = reopened(before);
    replace(disk, segment.path, bytes.fill(0, batchBytes + at.records, batchBytes + at.records + 9));
    expect(read(segment).lost).toEqual([[3, 6]]);
    expect(read(segment).lost).toEqual([]);
    expect(read(segment, 4).lost).toEqual([]);
    expect(segment.offsetAt(0)).toBe(0);
  });

  test("below the offset asked for is not told", () => {
    const damaged = stored(4, 3);
    replace(damaged.disk, damaged.segment.path, damaged.bytes.fill(0, at.records, at.records + 9));
    expect(read(reopened(damaged.segment), 3)).toEqual({ offsets: range(3, 12), lost: [], wrong: [] });
    expect(read(reopened(damaged.segment), 2)).toEqual({ offsets: range(3, 12), lost: [[0, 3]], wrong: [] });
  });

  test("by a write that went astray, whole batches in the wrong place, costs what they replaced", () => {
    const overwritten = readAfter(small, (bytes) => void bytes.copy(bytes, batchBytes * 2, 0, batchBytes));
    expect(overwritten).toEqual({ offsets: [...range(0, 6), ...range(9, 12)], lost: [[6, 9]], wrong: [] });
    const foreign = batchAt(700, 3).bytes;
    const fromElsewhere = readAfter(small, (bytes) => void foreign.copy(bytes, batchBytes));
    expect(fromElsewhere).toEqual({ offsets: [...range(0, 3), ...range(6, 12)], lost: [[3, 6]], wrong: [] });
  });
});

describe("a damaged head", () => {
  /** A segment whose middle batch carries, as the value of a record, what looks like the batch that should follow. */
  function withBatchInValue(): Stored & { position: number; length: number } {
    const disk = memoryDisk();
    const segment = fill(Segment.create(filesOn(disk), 0), 1, 2);
    const position = segment.bytes;
    const forged = batchOf([record("forged"), record("forged")], 4);
    const middle = new BatchView(batchOf([record(valueOf(2)), record(Buffer.concat([forged, forged]))], 2));
    segment.append(middle);
    fill(segment, 2, 2);
    segment.seal();
    return { disk, segment, bytes: contentOf(disk, segment.path), position, length: middle.bytes.length };
  }

  test("does not let a message pass for a batch that only carries one", () => {
    const carrier = withBatchInValue();
    const reading = readAfter(carrier, (bytes) => void bytes.fill(0xee, carrier.position, carrier.position + 12));
    // Offset 3 holds the forged batch as its value: right, although it does not tell its offset.
    expect(reading).toEqual({ offsets: range(0, 8), lost: [], wrong: [3] });
  });

  test("of the last batch does not either", () => {
    const disk = memoryDisk();
    const segment = fill(Segment.create(filesOn(disk), 0), 1, 2);
    const position = segment.bytes;
    segment.append(new BatchView(batchOf([record(batchOf([record("forged")], 3)), record(valueOf(3))], 2)));
    segment.seal();
    const last = { disk, segment, bytes: contentOf(disk, segment.path) };
    const reading = readAfter(last, (bytes) => void bytes.fill(0xee, position, position + 12));
    expect(reading).toEqual({ offsets: range(0, 4), lost: [], wrong: [2] });
  });

  test("costs the batch next to a gap in the offsets, because nobody can say which one was its first", () => {
    const disk = memoryDisk();
    const segment = Segment.create(filesOn(disk), 0, 1);
    for (const offset of [0, 10, 20]) segment.append(batchAt(offset, 3));
    segment.seal(30);
    const position = batchAt(0, 3).bytes.length;
    const bytes = contentOf(disk, segment.path);
    const reading = readAfter({ disk, segment, bytes }, (copy) => flip(copy, position * 8 + 60));
    expect(reading).toEqual({ offsets: [0, 1, 2, 20, 21, 22], lost: [[3, 20]], wrong: [] });
  });

  test("of a batch as large as one read is got over as any other, wherever the next one begins", () => {
    for (let length = 65_300; length < 65_600; length += 3) {
      const disk = memoryDisk();
      const segment = Segment.create(filesOn(disk), 0);
      // 64 KiB of bytes in which nothing looks like the beginning of a batch.
      segment.append(new BatchView(batchOf([record(new Uint8Array(length))], 0)));
      fill(segment, 2, 2);
      segment.seal();
      const bytes = contentOf(disk, segment.path);
      const reading = readAfter({ disk, segment, bytes }, (copy) => void copy.fill(0, 0, 100));
      expect([length, reading]).toEqual([length, { offsets: range(1, 5), lost: [[0, 1]], wrong: [] }]);
    }
  });

  test("next to a damaged body costs both, for then nothing says where one ends and the other begins", () => {
    const four = stored(4, 3);
    const size = four.bytes.length / 4;
    const reading = readAfter(four, (bytes) => {
      flip(bytes, (size + at.records) * 8);
      flip(bytes, size * 2 * 8 + 60);
    });
    expect(reading).toEqual({ offsets: [...range(0, 3), ...range(9, 12)], lost: [[3, 9]], wrong: [] });
  });
});

test("a whole batch of a newer release stops the reading with LOG_VERSION_UNSUPPORTED: it is not damage", () => {
  const { disk, segment, bytes } = stored(2, 1);
  const compressed = batchAt(0, 1).bytes;
  compressed.writeInt16BE(1, at.attributes);
  compressed.writeUInt32BE(crc32c(compressed.subarray(at.attributes)), at.crc);
  compressed.copy(bytes);
  replace(disk, segment.path, bytes);
  expect(() => read(reopened(segment))).toThrow(expect.objectContaining({ code: "LOG_VERSION_UNSUPPORTED" }));
});
