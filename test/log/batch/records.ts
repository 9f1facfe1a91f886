import fc from "fast-check";
import { BatchBuilder } from "../../../src/log/batch/builder.js";
import type { RecordInput, RecordView } from "../../../src/log/batch/record.js";

/** A record with nothing but a value, unless said otherwise. */
export function record(value: Uint8Array | string, more: Partial<RecordInput> = {}): RecordInput {
  return { value, key: undefined, id: undefined, headers: undefined, ...more };
}

/** One batch of `inputs`; record number i is `stepMs * i` after `startMs`. */
export function batchOf(inputs: readonly RecordInput[], baseOffset = 0, startMs = 1_700_000_000_000): Buffer {
  const builder = new BatchBuilder();
  builder.begin(baseOffset);
  inputs.forEach((input, index) => builder.append(input, startMs + index));
  return builder.finish();
}

/** What a record holds, as plain values. */
export function contentOf(view: RecordView): Record<string, unknown> {
  const { offset, timestampMs, key, id, headers } = view;
  return { offset, timestampMs, key, id, headers: { ...headers }, value: Buffer.from(view.value).toString("hex") };
}

/** The same of what went in. */
export function contentOfInput(input: RecordInput, offset: number, timestampMs: number): Record<string, unknown> {
  const { key, id, headers } = input;
  const value = Buffer.from(input.value).toString("hex");
  return { offset, timestampMs, key, id, headers: { ...headers }, value };
}

/** A text as it is after UTF-8: half a surrogate pair becomes a replacement character. */
const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ maxLength }),
    fc.string({ unit: "grapheme", maxLength }),
    fc.string({ unit: fc.constantFrom("a", "ä", "€", "😀"), maxLength }),
  );

const headers = fc.dictionary(
  text(12).filter((name) => name !== "millrace-id"),
  text(20),
  { maxKeys: 4 },
);

/** Any record we can be asked to store. */
export const anyRecord: fc.Arbitrary<RecordInput> = fc.record({
  value: fc.oneof(fc.uint8Array({ maxLength: 300 }), text(300)),
  key: fc.option(text(40), { nil: undefined }),
  id: fc.option(text(40), { nil: undefined }),
  headers: fc.option(headers, { nil: undefined }),
});
