import { describe, expect, test } from "vitest";
import { type Result, type Target, verdict } from "../../bench/figure.js";
import { amount, jsonLine, tableHead, tableRow } from "../../bench/report.js";

const atLeast: Target = { of: "ratio", direction: "at least", bound: 0.5, aim: 1 };
const atMost: Target = { of: "value", direction: "at most", bound: 150, aim: 50 };
const result: Result = {
  name: "send",
  title: "send one by one",
  unit: "messages/s",
  value: 1_500_000,
  yardstick: 3_000_000,
  yardstickName: "bare-batches-100b",
  ratio: 0.5,
  ratioSpread: 0.042,
  target: atLeast,
};

describe("the report of a benchmark", () => {
  test("a JSON line holds name, unit, value, yardstick and ratio, and nothing else", () => {
    expect(JSON.parse(jsonLine(result))).toEqual({
      name: "send",
      unit: "messages/s",
      value: 1_500_000,
      yardstick: 3_000_000,
      ratio: 0.5,
    });
    expect(jsonLine(result)).not.toContain("\n");
  });

  test("a row says value, yardstick, ratio, what is asked, and whether it is reached", () => {
    expect(tableRow(result).replace(/ +/g, " ")).toBe("send one by one 1.5 M messages/s 3 M 0.5 4 % ≥ 0.5× ≥ 1× ✔ met");
  });

  test("the columns of a row stand under their heads", () => {
    const row = tableRow(result);
    expect(row.indexOf("≥ 0.5×") + "≥ 0.5×".length).toBe(tableHead.indexOf("at least") + "at least".length);
  });

  test("a row without a target has no verdict", () => {
    const { target: _, ...plain } = result;
    expect(tableRow(plain)).not.toMatch(/[✔✘]/);
  });

  test.for([
    [1, "aim"],
    [0.99, "met"],
    [0.5, "met"],
    [0.49, "missed"],
  ] as const)("at least: a ratio of %d is %s", ([ratio, expected]) => {
    expect(verdict({ value: 0, ratio }, atLeast)).toBe(expected);
  });

  test.for([
    [50, "aim"],
    [51, "met"],
    [150, "met"],
    [151, "missed"],
  ] as const)("at most: a value of %d is %s", ([value, expected]) => {
    expect(verdict({ value, ratio: 1 }, atMost)).toBe(expected);
  });

  test.for([
    [0, "0"],
    [0.1234, "0.123"],
    [0.5, "0.5"],
    [12.34, "12.3"],
    [9_876, "9876"],
    [12_345, "12.3 k"],
    [999_499, "999 k"],
    [1_234_567, "1.23 M"],
    [4_321_000_000, "4.32 G"],
    [-3.14159, "-3.14"],
  ] as const)("%d is written %s", ([value, expected]) => {
    expect(amount(value)).toBe(expected);
  });
});
