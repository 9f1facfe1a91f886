import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytes, json, MillraceError, text } from "../../src/index.js";
import type { Codec } from "../../src/index.js";

function stored(content: Uint8Array | string): Uint8Array {
  return typeof content === "string" ? Buffer.from(content, "utf8") : content;
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return error instanceof MillraceError ? error.code : String(error);
  }
  return undefined;
}

describe("json", () => {
  test("gives back any JSON value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(json.decode(stored(json.encode(value)))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  let deep: unknown = 1;
  for (let level = 0; level < 200_000; level++) deep = [deep];

  test.for<[string, unknown]>([
    ["undefined", undefined],
    ["a function", () => 1],
    ["a symbol", Symbol("x")],
    ["a BigInt", 1n],
    ["a BigInt inside", { deep: [1n] }],
    ["a cycle", cycle],
    ["nesting too deep to write", deep],
    [
      "a toJSON that throws",
      {
        toJSON() {
          throw new Error("no");
        },
      },
    ],
  ])("refuses %s with PAYLOAD_INVALID", ([, value]) => {
    expect(codeOf(() => json.encode(value))).toBe("PAYLOAD_INVALID");
  });

  test("refuses bytes that are no JSON, or no UTF-8, with PAYLOAD_UNREADABLE", () => {
    expect(codeOf(() => json.decode(Buffer.from("{")))).toBe("PAYLOAD_UNREADABLE");
    expect(codeOf(() => json.decode(Buffer.from([0x22, 0xff, 0x22])))).toBe("PAYLOAD_UNREADABLE");
  });

  test("does not let __proto__ in a payload change a prototype", () => {
    const value = json.decode(Buffer.from('{"__proto__":{"admin":true}}')) as { admin?: boolean };
    expect(value.admin).toBeUndefined();
  });
});

describe("text", () => {
  test("gives back any string that has a UTF-8 form", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (value) => {
        expect(text.decode(stored(text.encode(value)))).toBe(value);
      }),
    );
    expect(text.decode(stored(text.encode("\uFEFFwith a mark, and \uFFFD")))).toBe("\uFEFFwith a mark, and \uFFFD");
  });

  test("refuses half a surrogate pair, which would come back as something else", () => {
    expect(codeOf(() => text.encode("a\uD800b"))).toBe("PAYLOAD_INVALID");
    expect(text.encode("a\u{1F4EC}b")).toBe("a\u{1F4EC}b");
  });

  test("refuses what is no string, and bytes that are no UTF-8", () => {
    expect(codeOf(() => text.encode(7 as unknown as string))).toBe("PAYLOAD_INVALID");
    expect(codeOf(() => text.decode(Buffer.from([0xc3])))).toBe("PAYLOAD_UNREADABLE");
  });
});

describe("bytes", () => {
  test("decodes to a copy: writing to it does not reach the driver's memory", () => {
    const memory = new Uint8Array([1, 2, 3]);
    const value = bytes.decode(memory);
    value[0] = 9;
    expect([...memory]).toEqual([1, 2, 3]);
    expect([...value]).toEqual([9, 2, 3]);
    expect(value).toBeInstanceOf(Uint8Array);
  });

  test("refuses what is no Uint8Array", () => {
    expect(codeOf(() => (bytes as Codec<unknown>).encode("text"))).toBe("PAYLOAD_INVALID");
    expect(codeOf(() => (bytes as Codec<unknown>).encode(new ArrayBuffer(3)))).toBe("PAYLOAD_INVALID");
  });
});
