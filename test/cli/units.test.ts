import { expect, test } from "vitest";
import { tableLines } from "../../src/cli/table.js";
import { formatBytes, formatCounted, formatMs, formatRate } from "../../src/cli/units.js";

test.each([
  [0, "0 ms"],
  [350.4, "350 ms"],
  [1_500, "1.5 s"],
  [59_000, "59 s"],
  [7_200_000, "2 h"],
  [86_400_000 * 400, "400 d"],
])("%d milliseconds are %s", (ms, text) => {
  expect(formatMs(ms)).toBe(text);
});

test.each([
  [0, "0 B"],
  [1_023, "1023 B"],
  [1_536, "1.5 KiB"],
  [5 * 1024 ** 3, "5.0 GiB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test("one of a thing is no plural", () => {
  expect([0, 1, 2_000].map((count) => formatCounted(count, "message"))).toEqual([
    "0 messages",
    "1 message",
    "2,000 messages",
  ]);
});

test("a rate needs time to have passed", () => {
  expect([formatRate(500, 250), formatRate(500, 0)]).toEqual(["2,000/s", ""]);
});

test("a table's columns are as wide as their widest cell, numbers to the right, and no line ends in spaces", () => {
  const columns = [
    { title: "name", of: (row: { name: string }) => row.name },
    { title: "n", of: (row: { n: string }) => row.n, align: "right" as const },
    { title: "", of: () => "" },
  ];
  expect(
    tableLines(columns, [
      { name: "a", n: "1" },
      { name: "longer", n: "1,000" },
    ]),
  ).toEqual(["name        n", "a           1", "longer  1,000"]);
});
