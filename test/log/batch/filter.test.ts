import fc from "fast-check";
import { expect, test } from "vitest";
import { checkBatch } from "../../../src/log/batch/check.js";
import { filterBatch } from "../../../src/log/batch/filter.js";
import { BatchView } from "../../../src/log/batch/view.js";
import { anyRecord, batchOf, contentOf } from "./records.js";

test("a batch without some of its records keeps the others as they were, and its bounds", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyRecord, fc.boolean()), { minLength: 1, maxLength: 30 }), (records) => {
      const view = new BatchView(
        batchOf(
          records.map(([input]) => input),
          500,
        ),
      );
      const wanted = view.records().filter((each) => records[each.offset - 500]?.[1]);
      const filtered = filterBatch(view, (offset) => records[offset - 500]?.[1] === true);
      expect(filtered === undefined).toBe(wanted.length === 0);
      if (filtered === undefined) return;
      expect(checkBatch(filtered, 0)).toBe("whole");
      const after = new BatchView(filtered);
      const { baseOffset, lastOffset, baseTimestampMs } = view;
      expect(after).toMatchObject({ baseOffset, lastOffset, baseTimestampMs, count: wanted.length });
      expect(after.maxTimestampMs).toBe(Math.max(...wanted.map((each) => each.timestampMs)));
      expect(after.records().map(contentOf)).toEqual(wanted.map(contentOf));
    }),
  );
});

test("a batch of which everything is wanted is not copied", () => {
  const view = new BatchView(batchOf([{ value: "x", key: undefined, id: undefined, headers: undefined }]));
  expect(filterBatch(view, () => true)).toBe(view.bytes);
});
