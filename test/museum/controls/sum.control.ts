/** Run by the controls of the museum only: one of them is red, on purpose. */
import { describe, expect, test } from "vitest";
import { sum } from "./sum.js";

describe("a sum", () => {
  test("adds up", () => {
    expect(sum([1, 2, 3])).toBe(6);
  });

  test("of nothing is 0", () => {
    expect(sum([])).toBe(0);
  });

  test("is always wrong", () => {
    expect(sum([1])).toBe(2);
  });
});
