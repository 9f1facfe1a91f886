import { expect, test } from "vitest";
import { planPartitions } from "../../src/cli/partition-plan.js";
import { commandLine } from "./command-line.js";

const usual = { peak: 200, headroom: 3, payloadBytes: 2_048, handlerMs: 15, concurrency: 1 };

test("a plan has enough partitions for the handlers, and rounds up to what members share evenly", () => {
  expect(planPartitions(usual)).toMatchObject({ rate: 600, forHandlers: 9, forBytes: 1, partitions: 12 });
  expect(planPartitions({ ...usual, concurrency: 4 })).toMatchObject({ forHandlers: 3, partitions: 3 });
  expect(planPartitions({ ...usual, handlerMs: 0 })).toMatchObject({ forHandlers: 1, partitions: 1 });
});

test("a plan has enough partitions for the bytes", () => {
  expect(planPartitions({ ...usual, payloadBytes: 1_048_576, handlerMs: 1 })).toMatchObject({
    forHandlers: 1,
    forBytes: 60,
    partitions: 64,
  });
});

test("it says why, line by line", async () => {
  const { exitCode, stdout, stderr } = await commandLine([
    "plan",
    "--peak",
    "200",
    "--payload",
    "2048",
    "--handler",
    "15ms",
  ]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout.split("\n")).toEqual([
    "12 partitions",
    "  to be ready for: 200/s at the peak, times 3, is 600/s",
    "  for the handlers: 15 ms each, one at a time, is 66.7/s of each partition: 9",
    "  for the bytes: 2.0 KiB each is 1.2 MiB/s, 10.0 MiB/s of each partition: 1",
    "  9 is rounded up to 12, which more numbers of members share evenly",
    "",
  ]);
});

test("with --json it is one object", async () => {
  const { stdout } = await commandLine(["plan", "--peak", "10", "--handler", "100ms", "--headroom", "4", "--json"]);
  expect(JSON.parse(stdout)).toEqual({
    partitions: 4,
    rate: 40,
    bytesPerSecond: 40_960,
    ratePerPartition: 10,
    forHandlers: 4,
    forBytes: 1,
    peak: 10,
    headroom: 4,
    payloadBytes: 1_024,
    handlerMs: 100,
    concurrency: 1,
  });
});

test("the time of a command is measured, and one that fails is of no use", async () => {
  const { exitCode, stdout } = await commandLine(["plan", "--peak", "1", "--exec", "cat > /dev/null"]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^ {2}for the handlers: [\d.]+ ms each, one at a time/m);
  const failed = await commandLine(["plan", "--peak", "1", "--exec", "exit 3"]);
  expect(failed).toMatchObject({ exitCode: 2, stdout: "" });
  expect(failed.stderr).toMatch(/the command did not succeed, so its time says nothing: .*"code":3/);
});

test("more than a stream can have is told, with what helps", async () => {
  const { stderr } = await commandLine(["plan", "--peak", "1000", "--handler", "1s"]);
  expect(stderr).toMatch(/a stream has 1,000 partitions at most: make the handler faster/);
});

test("without a handler's time there is no plan", async () => {
  expect(await commandLine(["plan", "--peak", "10"])).toMatchObject({
    exitCode: 2,
    stderr: "millrace: USAGE: say how long a handler takes with --handler, or let it be measured with --exec\n",
  });
});
