import { BatchBuilder } from "../../../src/log/batch/builder.js";
import type { RecordInput } from "../../../src/log/batch/record.js";
import { BatchView } from "../../../src/log/batch/view.js";

/** A record of the golden segment, with where and when it is. */
export interface SampleRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly input: RecordInput;
}

export const sampleBaseOffset = 1_000;
const startMs = 1_700_000_000_000;

/** Batches of all kinds of records, the same on every run; their times go back now and then, as clocks do. */
export function sampleBatches(): SampleRecord[][] {
  let offset = sampleBaseOffset;
  return Array.from({ length: 60 }, (_, batch) =>
    Array.from({ length: 1 + ((batch * 7) % 13) }, (_each, index) => {
      const timestampMs = startMs + batch * 1_000 - (batch % 5 === 4 ? 2_500 : 0) + ((index * 37) % 100) - 50;
      return { offset: offset++, timestampMs, input: inputOf(batch, index) };
    }),
  );
}

function inputOf(batch: number, index: number): RecordInput {
  const kind = (batch + index) % 6;
  const plain = { value: `value ${batch}-${index} `.repeat(5), key: undefined, id: undefined, headers: undefined };
  if (kind === 1) return { ...plain, key: `customer-${batch % 9}` };
  if (kind === 2) return { ...plain, value: Uint8Array.from({ length: 150 }, (_, at) => (at * batch + index) & 255) };
  if (kind === 3) return { ...plain, key: "größe", value: "zwölf € für 😀", id: `id-${batch}-${index}` };
  if (kind === 4) return { ...plain, value: "", headers: { "content-type": "text/plain", "": "", "über": "ü" } };
  if (kind === 5) return { ...plain, key: "", id: "", value: "x".repeat(700), headers: { trace: "t".repeat(70) } };
  return plain;
}

export function encode(records: readonly SampleRecord[]): BatchView {
  const builder = new BatchBuilder();
  builder.begin(records[0]?.offset ?? 0);
  for (const { input, timestampMs } of records) builder.append(input, timestampMs);
  return new BatchView(builder.finish());
}

const hex = (content: Uint8Array | string): string => Buffer.from(content).toString("hex");

/** One line for each record, as test/log/kafka/KafkaCheck.java prints what Kafka reads. */
export function linesOf(records: readonly SampleRecord[]): string {
  return records
    .map(({ offset, timestampMs, input }) => {
      const headers = [...(input.id === undefined ? [] : [["millrace-id", input.id]]), ...Object.entries(input.headers ?? {})];
      const key = input.key === undefined ? "-" : `"${hex(input.key)}"`;
      const headerTexts = headers.map(([name, value]) => `${hex(name ?? "")}=${hex(value ?? "")}`);
      return `${offset} ${timestampMs} ${key} "${hex(input.value)}" [${headerTexts.join(",")}]\n`;
    })
    .join("");
}
