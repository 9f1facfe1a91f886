import { expect, test, vi } from "vitest";
import { open, queue } from "../../src/index.js";
import type { OpenOptions } from "../../src/index.js";
import { FakeDriver } from "./fake-driver.js";
import { ManualClock, rest } from "./manual-clock.js";

test.for([
  "millrace://host:1",
  "amqp://u:secret@host",
  "kafka://h",
  "nats://h",
  "redis://h",
  "sqs://eu",
  "kinesis://eu",
  "pubsub://p",
])("%s has no driver in this version: the error says what has, and keeps the password", async (where) => {
  const opening = open(where);
  await expect(opening).rejects.toMatchObject({
    code: "NOT_SUPPORTED",
    message: expect.stringMatching(/"memory:"/) as string,
  });
  await expect(opening).rejects.not.toThrow(/secret/);
});

test.for([
  ["", /is no directory/],
  ["file:", /is no directory/],
  ["a\0b", /is no directory/],
  ["memory:x", /takes no path/],
  ["gopher://h", /"gopher:" is no scheme of ours/],
  [7, /takes a directory such as/],
  [undefined, /takes a directory such as/],
  [{}, /or a Driver, not an object/],
] as const)("%s is a TypeError", async ([where, message]) => {
  const opening = open(where as string);
  await expect(opening).rejects.toThrow(TypeError);
  await expect(opening).rejects.toThrow(message);
});

const wrong: readonly [OpenOptions, RegExp][] = [
  [{ durability: "never" as never }, /durability must be "fsync" or "interval" or "os"/],
  [{ clock: {} as never }, /clock must have the methods nowMs, monotonicMs, after, soon; it has no nowMs/],
  [{ logger: { info() {} } as never }, /logger must have the methods .*; it has no debug/],
  [{ random: 7 as never }, /random must be a function/],
  [{ limits: { messageBytes: 1 } as never }, /no option "messageBytes"/],
  [{ limits: { messageBytesMax: -1 } }, /limits\.messageBytesMax must be a whole number from 1/],
  [{ fsync: true } as never, /no option "fsync"/],
];

test.for(wrong)("options %o are a TypeError that says what is right", async ([options, message]) => {
  const opening = open(new FakeDriver(new ManualClock()), options);
  await expect(opening).rejects.toThrow(TypeError);
  await expect(opening).rejects.toThrow(message);
});

test("supports is what the driver says", async () => {
  const driver = new FakeDriver(new ManualClock());
  const mill = await open(driver);
  expect(mill.supports).toBe(driver.supports);
});

test("without a logger, warnings and errors go to the standard error stream, one line each", async () => {
  const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const driver = new FakeDriver(new ManualClock());
  const mill = await open(driver);
  driver.declareFailure = new RangeError("no");
  mill.handle(queue("q"), () => {});
  await rest();
  const lines = write.mock.calls.map(([line]) => String(line));
  write.mockRestore();
  expect(lines).toEqual([
    expect.stringMatching(
      /^millrace error: the consumer of queue "q" has ended \{"error":\{"name":"RangeError".*\}\}\n$/,
    ),
  ]);
});
