import { expect, test } from "vitest";
import { parseOptions, UsageError } from "../../../examples/webhooks/options.js";

const parse = (...args: string[]): ReturnType<typeof parseOptions> => parseOptions(args, () => 7);

test("without arguments it is 20,000 events as fast as possible, with a seed of chance", () => {
  expect(parse()).toEqual({
    events: 20_000,
    crash: false,
    seed: 7,
    data: "./millrace-data/webhooks",
    keep: false,
    eventsPerSecond: Number.POSITIVE_INFINITY,
  });
});

test("every option is taken", () => {
  expect(parse("--events", "5", "--crash", "--seed=0", "--data", "/d", "--keep", "--rate", "100")).toEqual({
    events: 5,
    crash: true,
    seed: 0,
    data: "/d",
    keep: true,
    eventsPerSecond: 100,
  });
});

test("--help wins over the rest", () => {
  expect(parse("--events", "x", "--help")).toBe("help");
});

test.for([
  ["--events", "0"],
  ["--events", "-1"],
  ["--events", "1.5"],
  ["--events", "1e3"],
  ["--events", "10000000"],
  ["--seed", "x"],
  ["--rate", "0"],
  ["--data", ""],
  ["--evnets", "1"],
  ["surplus"],
])("%j is refused with a UsageError that names it", (args) => {
  expect(() => parse(...args)).toThrow(UsageError);
  expect(() => parse(...args)).toThrow(args[0]);
});
