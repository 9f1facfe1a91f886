import fc from "fast-check";
import assert from "node:assert/strict";
import { expect, onTestFinished, test, vi } from "vitest";
import { RecordLookup } from "../../src/engine/record-lookup.js";
import { PartitionReader } from "../../src/log/partition/reader.js";
import { numbered, sendAll, World } from "./world.js";

/** Batches of ten, of which a segment holds some tens. */
async function stored(count: number): Promise<{ world: World; lookup: (keptBytesMax?: number) => RecordLookup }> {
  const world = await World.open();
  const queue = await world.queue();
  for (let first = 0; first < count; first += 10) await sendAll(queue, numbered(10, first));
  return { world, lookup: (keptBytesMax) => new RecordLookup(queue.partitions[0]!, keptBytesMax) };
}

test("a record is found by its offset, whatever was looked for before", async () => {
  const { lookup } = await stored(500);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 510 }), { maxLength: 60 }), fc.nat(3000), (offsets, bytes) => {
      const finds = lookup(bytes);
      for (const offset of offsets) {
        const record = finds.find(offset);
        const text = record === undefined ? undefined : Buffer.from(record.value).toString();
        assert.equal(text, offset < 500 ? String(offset) : undefined);
      }
    }),
    { numRuns: 100 },
  );
  expect.assertions(0);
});

test("who looks in many places in turn reads each of them once, as long as they have room together", async () => {
  const { lookup } = await stored(300);
  const reads = vi.spyOn(PartitionReader.prototype, "next");
  onTestFinished(() => reads.mockRestore());
  const inTurn = (finds: RecordLookup): void => {
    for (let at = 0; at < 10; at++) for (let batch = 0; batch < 30; batch++) finds.find(batch * 10 + at);
  };
  inTurn(lookup(1024 * 1024));
  expect(reads.mock.calls).toHaveLength(30);
  reads.mockClear();
  inTurn(lookup());
  expect(reads.mock.calls).toHaveLength(300);
});
