import type { Command } from "commander";
import { type Duration, durationMs } from "../../base/duration.js";
import type { Message } from "../../index.js";
import type { Call } from "../call.js";
import { execute } from "../execute.js";
import { CommandError } from "../failure.js";
import { count, countFromZero, duration, rate } from "../option-values.js";
import { type PartitionPlan, partitionBytesPerSecond, type PlanInput, planPartitions } from "../partition-plan.js";
import { formatBytes, formatCount, formatCounted } from "../units.js";
import type { Verb } from "../verb.js";

interface PlanOptions {
  readonly peak: number;
  readonly payload: number;
  readonly handler?: Duration;
  readonly exec?: string;
  readonly headroom: number;
  readonly concurrency: number;
}

/** As many as a stream may have. */
const partitionsMax = 1_000;

/** The command is run so often, and the slowest counts. */
const runs = 5;

export const plan: Verb<PlanOptions> = {
  declare(command: Command): void {
    command
      .requiredOption("--peak <rate>", "messages a second at the busiest moment", rate)
      .option("--payload <bytes>", "how large a message is", countFromZero, 1_024)
      .option("--handler <time>", "how long a handler takes with one message, such as 15ms", duration)
      .option("-x, --exec <command>", "or a command whose time is measured, with such a payload on its stdin")
      .option("--headroom <factor>", "how many times the peak to be ready for; 3 to 4 is usual", rate, 3)
      .option("-c, --concurrency <n>", "handlers at once in one partition, of different keys", count, 1)
      .addHelpText("after", "\nLooks at no data directory: it computes, and says why.");
  },

  async run(call: Call, options: PlanOptions): Promise<void> {
    const input = {
      peak: options.peak,
      headroom: options.headroom,
      payloadBytes: options.payload,
      handlerMs: await handlerMs(call, options),
      concurrency: options.concurrency,
    };
    const planned = planPartitions(input);
    if (call.json) return call.object({ ...planned, ...input, ratePerPartition: finite(planned.ratePerPartition) });
    for (const line of linesOf(input, planned)) await call.out.line(line);
    if (planned.partitions <= partitionsMax) return;
    await call.note(
      `a stream has ${formatCount(partitionsMax)} partitions at most: make the handler faster, handle more keys at once with --concurrency, or use several streams`,
    );
  },
};

async function handlerMs(call: Call, { handler, exec, payload }: PlanOptions): Promise<number> {
  if (handler !== undefined) return durationMs(handler, "--handler");
  if (exec !== undefined) return measured(call, exec, new Uint8Array(payload));
  throw new CommandError("USAGE", "say how long a handler takes with --handler, or let it be measured with --exec");
}

async function measured(call: Call, command: string, value: Uint8Array): Promise<number> {
  const { clock, env } = call.io;
  const nothing = { id: "plan", key: undefined, headers: {}, sentAt: new Date(clock.nowMs()) };
  const message: Message<Uint8Array> = {
    ...nothing,
    value,
    partition: undefined,
    offset: undefined,
    unwrap: () => undefined,
  };
  let slowestMs = 0;
  for (let run = 0; run < runs; run++) {
    const startMs = clock.monotonicMs();
    const { ending } = await execute({
      command,
      message,
      environment: env,
      stdout: call.notes,
      stderr: call.notes,
      signal: call.signal,
      clock,
    });
    call.assertNotInterrupted("stopped measuring");
    if (ending.kind !== "exit" || ending.code !== 0) {
      throw new CommandError(
        "USAGE",
        `the command did not succeed, so its time says nothing: ${JSON.stringify(ending)}`,
      );
    }
    slowestMs = Math.max(slowestMs, clock.monotonicMs() - startMs);
  }
  return slowestMs;
}

function linesOf(input: PlanInput, planned: PartitionPlan): string[] {
  const { peak, headroom, payloadBytes, handlerMs: ms, concurrency } = input;
  const { partitions, rate: wanted, bytesPerSecond, ratePerPartition, forHandlers, forBytes } = planned;
  const at = concurrency === 1 ? "one at a time" : `${concurrency} keys at once`;
  const needed = Math.max(forHandlers, forBytes);
  return [
    formatCounted(partitions, "partition"),
    `  to be ready for: ${short(peak)}/s at the peak, times ${short(headroom)}, is ${short(wanted)}/s`,
    `  for the handlers: ${short(ms)} ms each, ${at}, is ${short(ratePerPartition)}/s of each partition: ${forHandlers}`,
    `  for the bytes: ${formatBytes(payloadBytes)} each is ${formatBytes(bytesPerSecond)}/s, ${formatBytes(partitionBytesPerSecond)}/s of each partition: ${forBytes}`,
    ...(partitions === needed
      ? []
      : [`  ${needed} is rounded up to ${partitions}, which more numbers of members share evenly`]),
  ];
}

function short(number: number): string {
  if (!Number.isFinite(number)) return "any number";
  return number >= 100 ? formatCount(number) : String(Number(number.toPrecision(3)));
}

/** JSON has no Infinity. */
function finite(number: number): number | null {
  return Number.isFinite(number) ? number : null;
}
