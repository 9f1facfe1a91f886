import { expect, test } from "vitest";
import { position, startPosition } from "../../src/cli/position.js";

const nowMs = Date.UTC(2026, 0, 31, 12);

test.each([
  ["earliest", "earliest"],
  ["latest", "latest"],
  ["0", 0n],
  ["9007199254740993", 9007199254740993n],
  ["2026-01-31", new Date("2026-01-31")],
  ["2026-01-31T10:00:00Z", new Date("2026-01-31T10:00:00Z")],
  ["1h", new Date(nowMs - 3_600_000)],
  ["90s", new Date(nowMs - 90_000)],
])("%s is where reading can begin", (text, expected) => {
  expect(startPosition(position(text), nowMs)).toEqual(expected);
});

test.each(["", "-1", "1.5", "yesterday", "2026-13-45", "1w", "1 h", "Jan 31"])(
  "%j is no position, and what is one is said",
  (text) => {
    expect(() => position(text)).toThrow(/It must be earliest, latest, an offset, a date/);
  },
);
