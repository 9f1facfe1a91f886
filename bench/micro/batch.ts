/**
 * What one record costs the batch codec, in nanoseconds: `node build/bench/micro/batch.js`.
 * The best of several rounds: a shared machine only ever makes it slower.
 */
import { BatchBuilder } from "../../src/log/batch/builder.js";
import { checkBatch } from "../../src/log/batch/check.js";
import type { RecordInput } from "../../src/log/batch/record.js";
import { BatchView } from "../../src/log/batch/view.js";

const perBatch = 1_000;
const rounds = 400;
const nowMs = 1_800_000_000_000;

const bytes100 = new Uint8Array(100).fill(97);
const json100 = JSON.stringify({
  id: 12_345_678,
  name: "a thing of some kind",
  email: "ada@example.org",
  tags: ["a", "b"],
});
const inputs: Record<string, RecordInput> = {
  "100 B bytes": { value: bytes100, key: undefined, id: undefined, headers: undefined },
  "100 B bytes, key": { value: bytes100, key: "user-1234567", id: undefined, headers: undefined },
  "100 B ASCII text": { value: json100, key: undefined, id: undefined, headers: undefined },
  "100 B text with umlauts": {
    value: json100.replace("thing", "größe"),
    key: undefined,
    id: undefined,
    headers: undefined,
  },
  "100 B bytes, id and two headers": {
    value: bytes100,
    key: undefined,
    id: "order-42",
    headers: { a: "1", trace: "xyz" },
  },
  "1 KB bytes": { value: new Uint8Array(1024).fill(97), key: undefined, id: undefined, headers: undefined },
};

const builder = new BatchBuilder();

function encode(input: RecordInput): Buffer {
  builder.begin(0);
  for (let count = 0; count < perBatch; count++) builder.append(input, nowMs);
  return builder.finish();
}

/** Best time of one record over many rounds. */
function nanosecondsPerRecord(work: () => void): number {
  let best = Infinity;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    work();
    best = Math.min(best, performance.now() - start);
  }
  return (best * 1e6) / perBatch;
}

let sink = 0;
function report(name: string, work: () => void): void {
  console.log(`${name.padEnd(56)}${nanosecondsPerRecord(work).toFixed(1).padStart(8)} ns`);
}

for (const [name, input] of Object.entries(inputs)) {
  report(`encode ${name}`, () => {
    sink += encode(input).length;
  });
  const batch = encode(input);
  report(`decode ${name}`, () => {
    for (const record of new BatchView(batch).records()) sink += record.offset;
  });
  report(`decode ${name}, with value`, () => {
    for (const record of new BatchView(batch).records()) sink += record.value.length;
  });
  if (input.key !== undefined) {
    report(`decode ${name}, with key`, () => {
      for (const record of new BatchView(batch).records()) sink += record.key === undefined ? 0 : 1;
    });
  }
  report(`check ${name}`, () => {
    sink += checkBatch(batch, 0) === "whole" ? 1 : 0;
  });
}
if (sink === 0) throw new Error("nothing was measured");
