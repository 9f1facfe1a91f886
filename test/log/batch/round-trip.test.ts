import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BatchBuilder } from "../../../src/log/batch/builder.js";
import { checkBatch } from "../../../src/log/batch/check.js";
import { encodedBytes } from "../../../src/log/batch/builder.js";
import { BatchView } from "../../../src/log/batch/view.js";
import { anyRecord, batchOf, contentOf, contentOfInput, record } from "./records.js";

describe("what goes into a batch comes out of it", () => {
  test("whatever the records hold", () => {
    const timed = fc.record({ input: anyRecord, atMs: fc.integer({ min: 0, max: 2 ** 45 }) });
    const offset = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1000 });
    const builder = new BatchBuilder();
    fc.assert(
      fc.property(fc.array(timed, { minLength: 1, maxLength: 80 }), offset, (records, baseOffset) => {
        builder.begin(baseOffset);
        for (const { input, atMs } of records) builder.append(input, atMs);
        const bytes = builder.finish();
        expect(checkBatch(bytes, 0)).toBe("whole");
        const view = new BatchView(bytes);
        expect(view).toMatchObject({
          baseOffset,
          lastOffset: baseOffset + records.length - 1,
          count: records.length,
          baseTimestampMs: records[0]?.atMs,
          maxTimestampMs: Math.max(...records.map((each) => each.atMs)),
        });
        const expected = records.map(({ input, atMs }, index) => contentOfInput(input, baseOffset + index, atMs));
        expect(view.records().map(contentOf)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test("also from the middle of it", () => {
    const view = new BatchView(
      batchOf(
        ["a", "b", "c", "d"].map((value) => record(value)),
        100,
      ),
    );
    expect(view.records(102).map((each) => each.offset)).toEqual([102, 103]);
    expect(view.records(104)).toEqual([]);
    expect(view.records(0)).toHaveLength(4);
  });

  test("a value of many megabytes, as bytes and as text", () => {
    const large = "0123456789abcdef".repeat(300_000);
    const texts = [large, `${large}ü`, "small"];
    const view = new BatchView(batchOf([...texts, Buffer.from(large)].map((value) => record(value))));
    expect(view.records().map((each) => Buffer.from(each.value).equals(Buffer.from(large)))).toEqual([
      true,
      false,
      false,
      true,
    ]);
    expect(Buffer.from(view.records()[1]?.value ?? []).toString()).toBe(texts[1]);
  });

  test("a header may have any name, even one that means something to JavaScript", () => {
    const headers = JSON.parse('{"__proto__": "a", "constructor": "b", "": "c"}') as Record<string, string>;
    const [only] = new BatchView(batchOf([record("x", { headers })])).records();
    expect(Object.entries(only?.headers ?? {})).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
      ["", "c"],
    ]);
    expect(Object.getPrototypeOf(only?.headers)).toBeNull();
  });

  test("no key and an empty key are two things, and so are no id and an empty id", () => {
    const views = new BatchView(batchOf([record("x"), record("x", { key: "", id: "" })])).records();
    expect(views.map(({ key, id }) => [key, id])).toEqual([
      [undefined, undefined],
      ["", ""],
    ]);
  });

  test("half a surrogate pair becomes the replacement character, as everywhere in UTF-8", () => {
    const [only] = new BatchView(batchOf([record("a\ud83d", { key: "\udc00" })])).records();
    expect(Buffer.from(only?.value ?? []).toString()).toBe("a\ufffd");
    expect(only?.key).toBe("\ufffd");
  });
});

describe("the builder", () => {
  test("says how many records and bytes the batch has so far", () => {
    const builder = new BatchBuilder();
    builder.begin(5);
    expect([builder.count, builder.bytes]).toEqual([0, 61]);
    builder.append(record("hello"), 0);
    const bytes = builder.bytes;
    expect(builder.finish()).toHaveLength(bytes);
    expect([builder.count, builder.bytes]).toEqual([0, 61]);
  });

  test("never touches a batch again that it has handed over", () => {
    const builder = new BatchBuilder();
    const batches = Array.from({ length: 50 }, (_, index) => {
      builder.begin(index);
      for (let count = 0; count <= index; count++)
        builder.append(record(`${index}-${"x".repeat(index * count)}`), index);
      return builder.finish();
    });
    expect(batches.map((bytes) => checkBatch(bytes, 0))).toEqual(batches.map(() => "whole"));
    expect(batches.map((bytes) => new BatchView(bytes).baseOffset)).toEqual(batches.map((_, index) => index));
  });

  test("does not take a text for ASCII because the buffer ends in the middle of it", () => {
    // Two bytes a character: what fits of the text is at some length just as many bytes as the text has characters.
    for (let length = 1; length < 700; length++) {
      const value = "é".repeat(length);
      const [only] = new BatchView(batchOf([record(value)])).records();
      expect(Buffer.from(only?.value ?? []).toString()).toBe(value);
    }
  });

  test("keeps no more memory for a small batch than twice its size", () => {
    const builder = new BatchBuilder();
    builder.begin(0);
    builder.append(record(new Uint8Array(1_000_000)), 0);
    builder.finish();
    builder.begin(1);
    builder.append(record(new Uint8Array(50_000)), 0);
    expect(builder.finish().buffer.byteLength).toBeLessThan(100_200);
  });

  test("never needs more than encodedBytes says", () => {
    const builder = new BatchBuilder();
    fc.assert(
      fc.property(anyRecord, fc.integer({ min: 0, max: 2 ** 45 }), (input, atMs) => {
        builder.begin(0);
        builder.append(record(""), 2 ** 44);
        const before = builder.bytes;
        builder.append(input, atMs);
        const encoded = builder.bytes - before;
        builder.finish();
        expect(encoded).toBeLessThanOrEqual(encodedBytes(input));
        expect(encodedBytes(input)).toBeLessThan(encoded + 25);
      }),
    );
  });

  test("refuses to finish a batch of nothing, and to begin one before the last is finished", () => {
    const builder = new BatchBuilder();
    expect(() => builder.finish()).toThrow("empty batch");
    builder.begin(0);
    builder.append(record("x"), 0);
    expect(() => builder.begin(1)).toThrow("begun after the last one was finished");
  });
});
