import { describe, expect, test } from "vitest";
import { median, quantile, spread } from "../../bench/statistics.js";

describe("statistics of a benchmark", () => {
  test("the median of an even number of samples lies between the middle two", () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  test("the median of an odd number of samples is the middle one, in whatever order they came", () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  test("a quantile is interpolated between its neighbours", () => {
    const samples = Array.from({ length: 101 }, (_, index) => index);
    expect(quantile(samples, 0.99)).toBe(99);
    expect(quantile([10, 20], 0.25)).toBe(12.5);
  });

  test("numbers are compared as numbers, not as texts", () => {
    expect(median([100, 20, 3])).toBe(20);
  });

  test("asking does not reorder the samples", () => {
    const samples = [3, 1, 2];
    median(samples);
    expect(samples).toEqual([3, 1, 2]);
  });

  test("no samples have no median", () => {
    expect(() => median([])).toThrow(RangeError);
  });

  test("one outlier among many rounds moves neither the median nor the spread", () => {
    const calm = [100, 100, 100, 100, 100, 100, 100, 100, 100];
    const disturbed = [...calm.slice(1), 9];
    expect(median(disturbed)).toBe(100);
    expect(spread(disturbed)).toBe(0);
  });

  test("the spread is half of what the middle half of the samples covers, as a share of the median", () => {
    expect(spread([80, 90, 100, 110, 120])).toBeCloseTo(0.1);
  });
});
