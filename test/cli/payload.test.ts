import fc from "fast-check";
import { expect, test } from "vitest";
import { payloadOf, presentPayload, printable } from "../../src/cli/payload.js";

const bytesOf = (payload: Uint8Array | string): Buffer => Buffer.from(payload as string);
const roundTrip = (payload: Uint8Array): Buffer => {
  const { value, encoding } = JSON.parse(JSON.stringify(presentPayload(payload))) as {
    value: unknown;
    encoding: unknown;
  };
  return bytesOf(payloadOf(value, encoding, "line 1"));
};

test("a payload that is no JSON is the same, byte for byte, after it was printed and read again", () => {
  const payloads = fc.uint8Array({ maxLength: 64 }).filter((payload) => presentPayload(payload).encoding !== "json");
  fc.assert(
    fc.property(payloads, (payload) => {
      expect(roundTrip(payload)).toEqual(Buffer.from(payload));
    }),
  );
});

test("a JSON payload keeps its value, whatever the white space around it was", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2), (value, indent) => {
      const written = JSON.stringify(value, null, indent);
      const again = roundTrip(Buffer.from(written)).toString();
      expect(JSON.parse(again)).toEqual(JSON.parse(written));
    }),
  );
});

test.each([
  { what: "an object", written: '{"a":1}', encoding: "json", value: { a: 1 } },
  { what: "a JSON text", written: '"hello"', encoding: "json", value: "hello" },
  { what: "a plain text", written: "hello", encoding: "text", value: "hello" },
  { what: "nothing at all", written: "", encoding: "text", value: "" },
  {
    what: "an identifier that would be rounded",
    written: '{"id":12345678901234567890}',
    encoding: "text",
    value: '{"id":12345678901234567890}',
  },
  { what: "a number beyond all bounds", written: "1e400", encoding: "text", value: "1e400" },
])("$what is presented so that nothing is lost", ({ written, encoding, value }) => {
  expect(presentPayload(Buffer.from(written))).toEqual({ value, encoding });
});

test("bytes that are not UTF-8 are presented as base64", () => {
  expect(presentPayload(Buffer.from([0xff, 0x00, 0xfe]))).toEqual({ value: "/wD+", encoding: "base64" });
});

test.each([
  { what: "an unknown encoding", value: "x", encoding: "hex", message: /line 7: "encoding" must be/ },
  { what: "a text that is no string", value: 3, encoding: "text", message: /line 7: "value" must be a string/ },
  { what: "base64 with a typing error", value: "/w*D+", encoding: "base64", message: /line 7: "value" is not base64/ },
  { what: "base64 that was cut short", value: "/wD+/", encoding: "base64", message: /line 7: "value" is not base64/ },
])("$what is refused with the line it stands in", ({ value, encoding, message }) => {
  expect(() => payloadOf(value, encoding, "line 7")).toThrow(message);
});

test("on a terminal no payload can move the cursor, retitle the window or reverse the text", () => {
  expect(printable(Buffer.from("a\u001B]0;title\u0007b\u009B2J\u202Ec\nd"))).toBe(
    "a\\u{1b}]0;title\\u{7}b\\u{9b}2J\\u{202e}c\\nd",
  );
});
