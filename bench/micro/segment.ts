/**
 * How fast a segment is read against plain cached reads of the same file, in one run: `node build/bench/micro/segment.js`.
 * The best of several rounds: a shared machine only ever makes it slower.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeDisk } from "../../src/disk/node.js";
import { BatchBuilder } from "../../src/log/batch/builder.js";
import { BatchView } from "../../src/log/batch/view.js";
import { OpenFiles } from "../../src/log/segments/open-files.js";
import { Segment } from "../../src/log/segments/segment.js";

const segmentBytes = 64 * 1024 * 1024;
const chunkBytes = 1024 * 1024;
const rounds = 10;

function best(work: () => void): number {
  let bestMs = Infinity;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    work();
    bestMs = Math.min(bestMs, performance.now() - start);
  }
  return bestMs;
}

const root = mkdtempSync(join(tmpdir(), "millrace-bench-"));
const disk = nodeDisk(root);
let sink = 0;

function written(valueBytes: number, perBatch: number): Segment {
  disk.makeDirectory("p");
  const segment = Segment.create({ openFiles: new OpenFiles(disk, 8), directory: "p" }, 0);
  const builder = new BatchBuilder();
  const input = { value: new Uint8Array(valueBytes).fill(97), key: undefined, id: undefined, headers: undefined };
  while (segment.bytes < segmentBytes) {
    builder.begin(segment.endOffset);
    for (let count = 0; count < perBatch; count++) builder.append(input, 1_800_000_000_000);
    segment.append(new BatchView(builder.finish()));
  }
  return segment;
}

function measure(valueBytes: number, perBatch: number): void {
  const segment = written(valueBytes, perBatch);
  const file = disk.open(segment.path, "read");
  const reused = Buffer.alloc(chunkBytes);
  const plainMs = best(() => {
    for (let position = 0; position < segment.bytes; position += chunkBytes) sink += file.read(reused, position);
  });
  const batchesMs = best(() => {
    const reader = segment.reader(0, () => {});
    for (let batch = reader.next(); batch !== undefined; batch = reader.next()) sink += batch.count;
  });
  const recordsMs = best(() => {
    const reader = segment.reader(0, () => {});
    for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
      for (const record of batch.records()) sink += record.offset;
    }
  });
  const rate = (ms: number): string => `${(segment.bytes / ms / 1e6).toFixed(2)} GB/s (${(plainMs / ms).toFixed(2)})`;
  const name = `${valueBytes} B × ${perBatch}`.padEnd(16);
  console.log(
    `${name} plain reads ${rate(plainMs)}   checked batches ${rate(batchesMs)}   with records ${rate(recordsMs)}`,
  );
  file.close();
  segment.remove();
}

try {
  measure(1024, 1_000);
  measure(1024, 10);
  measure(1024, 1);
  measure(100, 1_000);
  measure(100, 1);
} finally {
  rmSync(root, { recursive: true });
}
if (sink === 0) throw new Error("nothing was measured");
