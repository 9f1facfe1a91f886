import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crc32c } from "../../../src/base/crc32c.js";
import { hasCode } from "../../../src/base/errors.js";
import { type BatchCondition, checkBatch } from "../../../src/log/batch/check.js";
import { headCheck } from "../../../src/log/batch/head-check.js";
import { at } from "../../../src/log/batch/layout.js";
import { BatchView } from "../../../src/log/batch/view.js";
import { batchOf, record } from "./records.js";

const sample = batchOf(
  [record("first", { key: "k", id: "i", headers: { a: "b" } }), record("zweite ü"), record(new Uint8Array(40))],
  1_234_567_890_123,
);

/** Both checksums anew, as somebody with bad intent would. */
function sealed(bytes: Buffer): Buffer {
  bytes.writeInt32BE(headCheck(bytes, 0), at.headCheck);
  bytes.writeUInt32BE(crc32c(bytes.subarray(at.attributes)), at.crc);
  return bytes;
}

function changed(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(sample);
  change(bytes);
  return bytes;
}

function codeOf(run: () => unknown): string {
  try {
    run();
    return "nothing";
  } catch (error) {
    return hasCode(error, "LOG_CORRUPT")
      ? "LOG_CORRUPT"
      : hasCode(error, "LOG_VERSION_UNSUPPORTED")
        ? "LOG_VERSION_UNSUPPORTED"
        : String(error);
  }
}

describe("damage", () => {
  test("any single flipped bit is found, and told where it is", () => {
    for (let bit = 0; bit < sample.length * 8; bit++) {
      const damaged = changed((bytes) => (bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))));
      const inHead = bit >> 3 < at.crc;
      expect([bit, checkBatch(damaged, 0)]).toEqual([bit, inHead ? "head-damaged" : "body-damaged"]);
    }
  });

  test("a batch that ends too early is cut, wherever that is", () => {
    for (let length = 0; length < sample.length; length++) {
      expect(checkBatch(sample.subarray(0, length), 0)).toBe("cut");
    }
  });

  test("what stands before and behind a batch does not matter", () => {
    const around = Buffer.concat([Buffer.alloc(33, 0xff), sample, Buffer.alloc(7, 0xff)]);
    expect(checkBatch(around, 33)).toBe("whole");
  });

  test("zeros, ones and noise are not taken for a batch", () => {
    const conditions = new Set<BatchCondition>();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 61, maxLength: 200 }), (noise) => {
        conditions.add(checkBatch(Buffer.from(noise), 0));
      }),
    );
    conditions.add(checkBatch(Buffer.alloc(100), 0));
    conditions.add(checkBatch(Buffer.alloc(100, 0xff), 0));
    expect([...conditions]).toEqual(["head-damaged"]);
  });

  test("bytes of two batches mixed up are found, although each part is whole", () => {
    const other = batchOf([record("first", { key: "k" })], 99);
    expect(checkBatch(Buffer.concat([other.subarray(0, at.crc), sample.subarray(at.crc)]), 0)).not.toBe("whole");
    const shifted = changed((bytes) => other.copy(bytes, 0, at.baseOffset, at.length));
    expect(checkBatch(shifted, 0)).toBe("head-damaged");
  });
});

describe("a whole batch of another version is unsupported, not corrupt", () => {
  const cases: Record<string, (bytes: Buffer) => void> = {
    "a newer magic byte": (bytes) => (bytes[at.magic] = 3),
    compression: (bytes) => bytes.writeInt16BE(4, at.attributes),
    "a transaction": (bytes) => bytes.writeInt16BE(0x10, at.attributes),
  };
  test.for(Object.entries(cases))("%s", ([, change]) => {
    const newer = sealed(changed(change));
    expect(checkBatch(newer, 0)).toBe("unsupported");
    expect(codeOf(() => new BatchView(newer))).toBe("LOG_VERSION_UNSUPPORTED");
  });
});

describe("a batch made with bad intent, its checksums right", () => {
  const headers: Record<string, (bytes: Buffer) => void> = {
    "a count of two thousand million": (bytes) => bytes.writeInt32BE(0x7fff_ffff, at.count),
    "a count of two thousand million, over as many offsets": (bytes) => {
      bytes.writeInt32BE(0x7fff_ffff, at.count);
      bytes.writeInt32BE(0x7fff_fffe, at.lastOffsetDelta);
    },
    "more records than offsets": (bytes) => bytes.writeInt32BE(1, at.lastOffsetDelta),
    "no records": (bytes) => bytes.writeInt32BE(0, at.count),
    "a negative count": (bytes) => bytes.writeInt32BE(-1, at.count),
    "a negative last offset": (bytes) => bytes.writeInt32BE(-5, at.lastOffsetDelta),
    "a time that no number can say": (bytes) => bytes.fill(0x7f, at.maxTimestamp, at.producerId),
  };
  test.for(Object.entries(headers))("%s is refused", ([, change]) => {
    expect(codeOf(() => new BatchView(sealed(changed(change))))).toBe("LOG_CORRUPT");
  });

  test("fewer records counted than stored is refused", () => {
    const view = new BatchView(sealed(changed((bytes) => bytes.writeInt32BE(2, at.count))));
    expect(codeOf(() => view.records())).toBe("LOG_CORRUPT");
  });

  test("a value that reaches into the next record is refused, and so is a key that does", () => {
    const lengthsAt = at.records + 4;
    const plain = batchOf([record("x"), record("y".repeat(30))]);
    // Record 0: its length 8, attributes, two deltas, key length -1, value length 1.
    expect([...plain.subarray(at.records, lengthsAt + 2)]).toEqual([14, 0, 0, 0, 1, 2]);
    for (const position of [lengthsAt, lengthsAt + 1]) {
      const reaching = Buffer.from(plain);
      reaching[position] = 20;
      expect(codeOf(() => new BatchView(sealed(reaching)).records())).toBe("LOG_CORRUPT");
    }
  });

  test("an offset or a length that is out of bounds is not a head", () => {
    const wrong = [
      changed((bytes) => bytes.fill(0x7f, at.baseOffset, at.length)),
      changed((bytes) => bytes.writeInt32BE(-1, at.baseOffset)),
      changed((bytes) => bytes.writeInt32BE(48, at.length)),
      changed((bytes) => bytes.writeInt32BE(-100, at.length)),
      changed((bytes) => bytes.writeInt32BE(0x7fff_ffff, at.length)),
    ];
    expect(wrong.map((bytes) => checkBatch(sealed(bytes), 0))).toEqual(wrong.map(() => "head-damaged"));
  });

  test("whatever stands where the records should be, reading ends in records or LOG_CORRUPT and touches nothing outside", () => {
    const edit = fc.record({ position: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 8 }), (edits) => {
        const bytes = changed((batch) => {
          for (const { position, byte } of edits) batch[at.records + (position % (batch.length - at.records))] = byte;
        });
        const outcome = codeOf(() => {
          for (const view of new BatchView(sealed(bytes)).records()) {
            const { key, value, id } = view;
            const texts = Object.entries(view.headers).flat().join("");
            expect((key?.length ?? 0) + value.length + (id?.length ?? 0) + texts.length).toBeLessThan(2 * bytes.length);
            expect(value.byteOffset + value.length).toBeLessThanOrEqual(bytes.byteOffset + bytes.length);
          }
        });
        expect(["nothing", "LOG_CORRUPT"]).toContain(outcome);
      }),
      { numRuns: 5_000 },
    );
  });
});
