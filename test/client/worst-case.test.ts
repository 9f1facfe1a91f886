import { expect, test } from "vitest";
import { exponential, fixed, on, queue, worstCaseMs } from "../../src/index.js";

test("every attempt as long as its timeout, every pause as long as it may be", () => {
  const orders = queue("orders", { attempts: 4, backoff: exponential("1s", "3s") });
  expect(worstCaseMs(orders, { timeout: "10s" })).toBe(4 * 10_000 + 1_000 + 2_000 + 3_000);
});

test("unasked, five attempts of fifteen minutes and fifteen seconds of pauses", () => {
  expect(worstCaseMs(queue("orders"))).toBe(5 * 900_000 + 15_000);
});

test("a single attempt has no pauses", () => {
  expect(worstCaseMs(queue("orders", { attempts: 1 }), { timeout: "1s" })).toBe(1_000);
});

test("of several rules, the most attempts and the longest pauses", () => {
  const orders = queue("orders", { attempts: 2, backoff: fixed("1s") });
  const retry = [on(RangeError, { attempts: 3 }), on(TypeError, { backoff: fixed("1m") }), on(SyntaxError, "reject")];
  expect(worstCaseMs(orders, { timeout: "1s", retry })).toBe(3 * 1_000 + 2 * 60_000);
});

test("what does not count has no end", () => {
  expect(worstCaseMs(queue("orders"), { retry: [on(Error, { free: true })] })).toBe(Infinity);
});

test("wrong options are a TypeError", () => {
  const orders = queue("orders");
  expect(() => worstCaseMs(orders, { retry: [{}] as never })).toThrow(TypeError);
  expect(() => worstCaseMs(orders, { timeout: "soon" as never })).toThrow(TypeError);
  expect(() => worstCaseMs(orders, { atempts: 1 } as never)).toThrow(TypeError);
});
