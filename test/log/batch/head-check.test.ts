import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32c } from "../../../src/base/crc32c.js";
import { headCheck } from "../../../src/log/batch/head-check.js";

test("the head check is the CRC-32C of the first twelve bytes, started from the magic byte, without its highest bit", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 17, maxLength: 40 }), fc.nat(20), (noise, start) => {
      const bytes = Buffer.concat([Buffer.alloc(start, 0xab), noise]);
      const expected = crc32c(bytes.subarray(start, start + 12), bytes[start + 16]) & 0x7fff_ffff;
      expect(headCheck(bytes, start)).toBe(expected);
    }),
  );
});
