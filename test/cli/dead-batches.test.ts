import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { Call } from "../../src/cli/call.js";
import { Output } from "../../src/cli/output.js";
import { inBatches } from "../../src/cli/verbs/dead/batches.js";
import type { DeadSelection } from "../../src/index.js";
import { PassThrough } from "node:stream";

function call(signal = new AbortController().signal): Call {
  const stream = new PassThrough();
  const io = { stdin: stream, stdout: stream, stderr: stream, env: {}, signal, clock: systemClock };
  const open = (): never => {
    throw new Error("opened");
  };
  return new Call({
    io,
    out: new Output(stream),
    notes: new Output(new PassThrough()),
    on: "",
    json: false,
    operands: [],
    open,
  });
}

describe("many dead letters", () => {
  test("are gone through a batch at a time, and no more than there were", async () => {
    const batches: DeadSelection[] = [];
    const act = async (which: DeadSelection): Promise<number> => {
      batches.push(which);
      return "ids" in which ? which.ids.length : (which.limit ?? 0);
    };
    const { count } = await inBatches(call(), { which: { all: true, reason: "rejected" }, total: 2_500, act });
    expect(count).toBe(2_500);
    expect(batches).toEqual([1_000, 1_000, 500].map((limit) => ({ all: true, reason: "rejected", limit })));
  });

  test("named by id are taken in order, each once", async () => {
    const ids = Array.from({ length: 1_500 }, (_, index) => String(index));
    const taken: string[] = [];
    const act = async (which: DeadSelection): Promise<number> => {
      if ("ids" in which) taken.push(...which.ids);
      return 0;
    };
    await inBatches(call(), { which: { ids }, total: ids.length, act });
    expect(taken).toEqual(ids);
  });

  test("end early when somebody else was faster", async () => {
    let calls = 0;
    const act = async (): Promise<number> => {
      calls += 1;
      return 0;
    };
    expect(await inBatches(call(), { which: { all: true }, total: 5_000, act })).toMatchObject({ count: 0 });
    expect(calls).toBe(1);
  });

  test("are left between two batches at Ctrl-C", async () => {
    const interrupt = new AbortController();
    const act = async (): Promise<number> => {
      interrupt.abort();
      return 1_000;
    };
    expect(await inBatches(call(interrupt.signal), { which: { all: true }, total: 5_000, act })).toMatchObject({
      count: 1_000,
    });
  });
});
