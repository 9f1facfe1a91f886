import { expect, test } from "vitest";
import { BareEncoder } from "../../bench/encoder.js";
import { byteValues } from "../../bench/payloads.js";
import { checkBody } from "../../src/log/batch/check.js";
import { BatchView } from "../../src/log/batch/view.js";

test.for([1, 100, 1_000])("the yardstick writes batches that are valid, of %d records", (count) => {
  const values = byteValues(100).slice(0, count);
  const encoded = new BareEncoder(count, 100).encode(values, 7, 1_750_000_000_000);
  expect(checkBody(encoded, 0)).toBe("whole");
  const view = new BatchView(encoded);
  expect([view.baseOffset, view.count, view.lastOffset]).toEqual([7, count, 6 + count]);
  const records = view.records();
  expect(records.map((record) => Buffer.from(record.value))).toEqual(values.map((value) => Buffer.from(value)));
  expect(records.every((record) => record.key === undefined && record.timestampMs === 1_750_000_000_000)).toBe(true);
});
