import { expect, test } from "vitest";
import { queue, stream, topic } from "../../src/index.js";

const bad: readonly [string, unknown][] = [
  ["empty", ""],
  ["of 300 characters", "x".repeat(300)],
  ["with a path", "../x"],
  ["of one dot", "."],
  ["of two dots", ".."],
  ["with NUL", "a\0b"],
  ["with an emoji", "📬"],
  ["with a space", "a b"],
  ["with a slash", "a/b"],
  ["with a newline at its end", "a\n"],
  ["that is a number", 7],
  ["that is nothing", undefined],
];

test.for(bad)("a name %s is refused with a TypeError that shows what a name may be", ([, name]) => {
  for (const declare of [queue, stream, topic]) {
    expect(() => declare(name as string)).toThrow(TypeError);
    expect(() => declare(name as string)).toThrow(/letters, digits|must be a string|it may have/);
  }
});

test("a name of 249 letters, digits, dots, underscores and dashes is taken", () => {
  const name = "aZ0._-".repeat(41) + "xyz";
  expect(name).toHaveLength(249);
  expect(queue(name).name).toBe(name);
});

test("a name that ends in .dead is kept for dead letters, and the error says where to look at them", () => {
  expect(() => queue("emails.dead")).toThrow(/admin\.dead/);
  expect(queue("dead").name).toBe("dead");
});
