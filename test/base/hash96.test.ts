import { describe, expect, test } from "vitest";
import { Hash96 } from "../../src/base/hash96.js";

const seed = { low: 0x01234567, high: 0x76543210 };

function hashOf(text: string, under = seed): string {
  const { a, b, c } = new Hash96(under).of(text);
  return [a, b, c].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

describe("the hash of a text", () => {
  test("is always the same: it is written down", () => {
    expect(["", "a", "ab", "order-17", "ä€😀"].map((text) => hashOf(text))).toMatchInlineSnapshot(`
      [
        "244e1994481d1e8de0cafcdd",
        "269e7bb5b57b0c3aaa948940",
        "47ccb09ff477959fe1f8ac63",
        "739839bd9088f2f3b748f185",
        "e5423bcccc242e1208ae0926",
      ]
    `);
  });

  test("is another under another secret", () => {
    expect(hashOf("order-17", { low: 1, high: 0 })).not.toBe(hashOf("order-17", { low: 0, high: 1 }));
  });

  test("tells a text from one with a zero behind it, and from its halves in another order", () => {
    const texts = ["a", "a\0", "a\0\0", "\0a", "", "\0", "abcd", "cdab", "ab\0cd"];
    expect(new Set(texts.map((text) => hashOf(text))).size).toBe(texts.length);
  });

  test("changes in about half of its bits when one character does", () => {
    let changed = 0;
    for (let each = 0; each < 500; each++) changed += differingBits(`order-${each}-a`, `order-${each}-b`);
    expect(changed / 500).toBeGreaterThan(46);
    expect(changed / 500).toBeLessThan(50);
  });

  test("spreads numbered texts evenly over any of its words", () => {
    for (const word of ["a", "b", "c"] as const) {
      const counts = new Uint32Array(256);
      const hash = new Hash96(seed);
      for (let each = 0; each < 51_200; each++) counts[hash.of(`order-${each}`)[word] >>> 24]!++;
      // 200 expected in each, with a deviation of 14.
      expect(Math.min(...counts)).toBeGreaterThan(130);
      expect(Math.max(...counts)).toBeLessThan(270);
    }
  });

  test("is the text's, also after it was set to one that was written down", () => {
    const hash = new Hash96(seed);
    const { a, b, c } = hash.of("order-17");
    hash.set(1, 2, 3);
    expect([hash.a, hash.b, hash.c]).toEqual([1, 2, 3]);
    hash.of("order-17");
    expect([hash.a, hash.b, hash.c]).toEqual([a, b, c]);
  });
});

function differingBits(one: string, other: string): number {
  const [first, second] = [BigInt(`0x${hashOf(one)}`), BigInt(`0x${hashOf(other)}`)];
  return (first ^ second).toString(2).replaceAll("0", "").length;
}
