import type { Command } from "commander";
import {
  type Channel,
  type Delivery,
  type Duration,
  type HandleOptions,
  type Millrace,
  type Settlement,
  queue,
} from "../../index.js";
import type { Call } from "../call.js";
import { exponential } from "../../index.js";
import { CommandError } from "../failure.js";
import { type Execution, execute } from "../execute.js";
import { viewOffset } from "../message-view.js";
import { count, duration, oneOf } from "../option-values.js";
import { type Outcome, outcomeOf, rejectExitCode, settlementOf } from "../outcome.js";
import { type Position, position, startPosition } from "../position.js";
import { storedChannel } from "../stored-channel.js";
import { formatCount } from "../units.js";
import type { Verb } from "../verb.js";

interface HandleVerbOptions {
  readonly exec: string;
  readonly group?: string;
  readonly settleEach?: boolean;
  readonly onFailure?: "block" | "park";
  readonly concurrency: number;
  readonly from?: Position;
  readonly attempts?: number;
  readonly backoff?: Duration;
  readonly lease?: Duration;
  readonly timeout?: Duration;
  readonly drain?: Duration;
  readonly limit?: number;
  readonly untilEmpty?: boolean;
}

export const handle: Verb<HandleVerbOptions> = {
  declare(command: Command): void {
    command
      .argument("<channel>", "which channel")
      .requiredOption("-x, --exec <command>", "what to run for each message, in a shell, with the payload on its stdin")
      .option("--group <name>", "of a stream or durable topic: who reads")
      .option(
        "--settle-each",
        "of a stream: settle every message by itself, in no order; for good, once the group is there",
      )
      .option(
        "--on-failure <what>",
        "of a stream, what waits while a message waits for its retry: block its partition, or park its key",
        oneOf(["block", "park"]),
      )
      .option("-c, --concurrency <n>", "how many commands may run at once", count, 1)
      .option(
        "--from <position>",
        "where a group begins that has never read: earliest, latest, a date, or a time ago (default: earliest)",
        position,
      )
      .option("--attempts <n>", "how often a message is tried before it is a dead letter (default: 5)", count)
      .option("--backoff <duration>", "the pause before the first retry; it doubles up to 5m (default: 1s)", duration)
      .option(
        "--lease <duration>",
        "how long a message stays ours without word from us (default: 30s, renewed)",
        duration,
      )
      .option("--timeout <duration>", "a command that runs longer is ended and has failed (default: 15m)", duration)
      .option("--drain <duration>", "how long running commands may take after Ctrl-C (default: 30s)", duration)
      .option("-n, --limit <n>", "stop after so many messages", count)
      .option("--until-empty", "stop when nothing is left")
      .addHelpText(
        "after",
        `\nExit code of the command: 0 done; ${rejectExitCode} rejected, straight to the dead letters; any other: tried again.`,
      );
  },

  run(call: Call, options: HandleVerbOptions): Promise<void> {
    return call.with(async (mill) => {
      const channel = withPolicy(await storedChannel(mill, call.channel), options);
      if (channel.kind === "stream" || (channel.kind === "topic" && channel.spec.durable))
        requireGroup(channel, options);
      await new Worker(call, channel, options).run(mill);
    });
  },
};

function requireGroup(channel: Channel<Uint8Array>, options: HandleVerbOptions): void {
  if (options.group === undefined)
    throw new CommandError("USAGE", `${channel.name} is a ${channel.kind}: say who reads it with --group`);
}

/** The policy is not stored with a channel: it is the worker's. A declaration checks it as the library does. */
function withPolicy(channel: Channel<Uint8Array>, options: HandleVerbOptions): Channel<Uint8Array> {
  const { attempts, lease, backoff } = options;
  const { policy } = queue("policy", {
    attempts,
    lease,
    backoff: backoff === undefined ? undefined : exponential(backoff, "5m"),
  });
  return { ...channel, policy };
}

const emptyPollMs = 100;

/** Runs commands until it is told to stop, and then lets those that run finish. */
class Worker {
  readonly #call: Call;
  readonly #channel: Channel<Uint8Array>;
  readonly #options: HandleVerbOptions;
  readonly #counts = { done: 0, retry: 0, rejected: 0, hopeless: 0 };
  readonly #stop = new AbortController();
  #started = 0;
  #hopeless: string | undefined;

  constructor(call: Call, channel: Channel<Uint8Array>, options: HandleVerbOptions) {
    this.#call = call;
    this.#channel = channel;
    this.#options = options;
  }

  async run(mill: Millrace): Promise<void> {
    const { io } = this.#call;
    const consumer = mill.handle(this.#channel, (_, delivery) => this.#handle(delivery), this.#handleOptions());
    await consumer.ready;
    await Promise.race([consumer.closed, this.#stopped(mill)]);
    if (io.signal.aborted)
      await this.#call.note("stopping: what is in hand is finished first; Ctrl-C again ends it now");
    await consumer.close({ drain: this.#options.drain });
    await this.#report();
  }

  #handleOptions(): HandleOptions {
    const { group, settleEach, onFailure, concurrency, timeout, from, limit } = this.#options;
    return {
      group,
      settle: settleEach === true ? "each" : undefined,
      onFailure,
      concurrency: Math.min(concurrency, limit ?? concurrency),
      timeout,
      from: from && startPosition(from, this.#call.io.clock.nowMs()),
    };
  }

  async #handle(delivery: Delivery<Uint8Array>): Promise<Settlement | undefined> {
    const { limit } = this.#options;
    this.#started += 1;
    if (limit !== undefined && this.#started >= limit) this.#stop.abort();
    const startedMs = this.#call.io.clock.monotonicMs();
    const execution = await this.#execute(delivery);
    const outcome = outcomeOf(execution);
    this.#counts[outcome.kind] += 1;
    if (outcome.kind === "hopeless") {
      this.#hopeless = outcome.why;
      this.#stop.abort();
    }
    await this.#print(delivery, { execution, outcome, ms: this.#call.io.clock.monotonicMs() - startedMs });
    return settlementOf(outcome, execution.lastWords);
  }

  #execute(delivery: Delivery<Uint8Array>): Promise<Execution> {
    const { io, out, notes, json } = this.#call;
    return execute({
      command: this.#options.exec,
      message: delivery.message,
      environment: { ...io.env, ...environmentOf(this.#channel.name, delivery) },
      // With --json, stdout is ours.
      stdout: json ? notes : out,
      stderr: notes,
      signal: delivery.signal,
      clock: io.clock,
    });
  }

  async #print(
    delivery: Delivery<Uint8Array>,
    result: { execution: Execution; outcome: Outcome; ms: number },
  ): Promise<void> {
    const { execution, outcome, ms } = result;
    if (!this.#call.json) return;
    const { ending } = execution;
    await this.#call.object({
      id: delivery.message.id,
      attempt: delivery.attempt,
      outcome: outcome.kind === "hopeless" ? "released" : outcome.kind,
      exitCode: ending.kind === "exit" ? ending.code : null,
      why: outcome.kind === "done" ? null : outcome.why,
      ms: Math.round(ms),
    });
  }

  /** Resolves when the worker should take no more. */
  async #stopped(mill: Millrace): Promise<void> {
    const stop = AbortSignal.any([this.#call.signal, this.#stop.signal]);
    const aborted = new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      else stop.addEventListener("abort", () => resolve(), { once: true });
    });
    if (this.#options.untilEmpty !== true) return aborted;
    while (!stop.aborted && !(await this.#isEmpty(mill))) {
      await Promise.race([aborted, new Promise<void>((resolve) => this.#call.io.clock.after(emptyPollMs, resolve))]);
    }
  }

  async #isEmpty(mill: Millrace): Promise<boolean> {
    const { group } = this.#options;
    if (group !== undefined) {
      const partitions = await mill.admin.lag(this.#channel, group);
      return partitions.every((each) => each.messages === 0);
    }
    const { ready, inFlight, delayed, parked } = await mill.admin.stats(this.#channel);
    return ready + inFlight + delayed + parked === 0;
  }

  async #report(): Promise<void> {
    const { done, retry, rejected } = this.#counts;
    const tally = `${formatCount(done)} done, ${formatCount(retry)} failed, ${formatCount(rejected)} rejected`;
    if (this.#hopeless !== undefined)
      throw new CommandError("COMMAND_UNUSABLE", `${this.#hopeless}; the message went back as it came (${tally})`);
    this.#call.assertNotInterrupted(`stopped; ${tally}`);
    await this.#call.note(tally);
  }
}

/** What a command learns of its message besides the payload. */
function environmentOf(channel: string, delivery: Delivery<Uint8Array>): Record<string, string | undefined> {
  const { message, attempt } = delivery;
  return {
    MILLRACE_CHANNEL: channel,
    MILLRACE_ID: message.id,
    MILLRACE_KEY: message.key,
    MILLRACE_ATTEMPT: String(attempt),
    MILLRACE_SENT_AT: message.sentAt.toISOString(),
    MILLRACE_PARTITION: message.partition === undefined ? undefined : String(message.partition),
    MILLRACE_OFFSET: message.offset === undefined ? undefined : String(viewOffset(message.offset)),
    MILLRACE_HEADERS: JSON.stringify(message.headers),
  };
}
