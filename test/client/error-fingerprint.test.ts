import { expect, test } from "vitest";
import { fingerprintOf, fingerprintText } from "../../src/client/error-fingerprint.js";

const same: readonly [string, string][] = [
  ["order 17 not found", "order 4711 not found"],
  ["connect ECONNREFUSED 10.0.0.1:5432", "connect ECONNREFUSED 10.0.0.2:5432"],
  ['no customer "ada"', 'no customer "bob with a long name"'],
  ["user 0f8b2c1e-1111-4abc-8def-0123456789ab is gone", "user 7d2b2c1e-2222-4abc-8def-0123456789ab is gone"],
  ["timed out at 2026-01-01T00:00:00.000Z", "timed out at 2026-01-02T09:30:00.000Z"],
  ["status code 503 for order 1", "status code 503 for order 2"],
];

test.for(same)("what differs from message to message is no part of it: %s, %s", ([one, other]) => {
  expect(fingerprintOf("Error", one)).toBe(fingerprintOf("Error", other));
});

const different: readonly [string, string][] = [
  ["not found", "forbidden"],
  ["Request failed with status code 404", "Request failed with status code 503"],
  ["HTTP 404", "HTTP 500"],
  ["exit code 1", "exit code 2"],
  ["can't read the user's name", "can't find the user's name"],
];

test.for(different)("what tells causes apart is: %s, %s", ([one, other]) => {
  expect(fingerprintOf("Error", one)).not.toBe(fingerprintOf("Error", other));
});

test("the name of the error counts", () => {
  expect(fingerprintOf("RangeError", "no")).not.toBe(fingerprintOf("TypeError", "no"));
});

test("it is twelve characters that are easy to type", () => {
  expect(fingerprintOf("Error", "")).toMatch(/^[0-9a-f]{12}$/);
});

test("what it is made of can be read", () => {
  expect(fingerprintText("Error", 'order 17 of "ada" at 10.0.0.1:80 (id: x7)')).toBe(
    'Error: order # of "…" at # (id: #)',
  );
});

test("a message without end costs no more than its beginning", () => {
  expect(fingerprintText("Error", `no ${"x ".repeat(100_000)}`).length).toBeLessThan(400);
});
