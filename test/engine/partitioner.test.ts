import { describe, expect, test } from "vitest";
import { murmur2, partitionOfKey, Rotation } from "../../src/engine/partitioner.js";

describe("the partitioner", () => {
  // The vectors of Kafka's own UtilsTest, and those that other Kafka clients generated with the Java client.
  test.for([
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
    ["0", 971027396],
    ["1", -1993445489],
    ["12", 126087238],
    ["123", -267702483],
    ["1234", -1614185708],
    ["12345", -1188365604],
    ["100:48069", 1009543857],
  ] as const)("hashes %s as Kafka's clients do", ([key, hash]) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
  });

  test("puts a key where Kafka's default partitioner puts it", () => {
    expect(partitionOfKey("foobar", 6)).toBe((-790332482 & 0x7fffffff) % 6);
    expect(partitionOfKey("21", 1)).toBe(0);
  });

  test("hashes the UTF-8 of a key, whatever its length", () => {
    for (const key of ["größe", "日本語", "👍🏽", "x".repeat(5000), "é".repeat(2000)]) {
      expect(partitionOfKey(key, 1000)).toBe((murmur2(Buffer.from(key)) & 0x7fffffff) % 1000);
    }
  });

  test("spreads keys over all partitions", () => {
    const counts = [0, 0, 0, 0, 0, 0];
    for (let each = 0; each < 6000; each++) counts[partitionOfKey(`key-${each}`, 6)]!++;
    expect(Math.min(...counts)).toBeGreaterThan(800);
  });

  test("without a key stays on a partition until the batch is over, then goes to the next", () => {
    const rotation = new Rotation();
    const seen: number[] = [];
    for (let batch = 0; batch < 5; batch++) {
      seen.push(rotation.current(3), rotation.current(3));
      rotation.next();
    }
    expect(seen).toEqual([0, 0, 1, 1, 2, 2, 0, 0, 1, 1]);
  });
});
