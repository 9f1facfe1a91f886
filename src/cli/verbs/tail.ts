import type { Command } from "commander";
import type { Channel, Message, Reader, ReadOptions, Stream } from "../../index.js";
import type { Call } from "../call.js";
import { CommandError } from "../failure.js";
import { viewMessage } from "../message-view.js";
import { count, countFromZero } from "../option-values.js";
import { printable } from "../payload.js";
import { type Position, position, startPosition } from "../position.js";
import { storedChannel } from "../stored-channel.js";
import type { Verb } from "../verb.js";

interface TailOptions {
  readonly from: Position;
  readonly untilEnd?: boolean;
  readonly partition?: number;
  readonly limit?: number;
}

export const tail: Verb<TailOptions> = {
  declare(command: Command): void {
    command
      .argument("<stream>", "which stream")
      .option(
        "--from <position>",
        "earliest, latest, an offset, a date, or a time ago such as 1h",
        position,
        "earliest",
      )
      .option("--until-end", "stop at what is there now, instead of waiting for more")
      .option("--partition <n>", "only this partition", countFromZero)
      .option("-n, --limit <n>", "stop after so many messages", count);
  },

  run(call: Call, options: TailOptions): Promise<void> {
    return call.with(async (mill) => {
      const channel = await storedChannel(mill, call.channel);
      if (!isStream(channel)) {
        throw new CommandError(
          "USAGE",
          `${channel.name} is a ${channel.kind}, and tail reads streams: look at it with millrace peek ${channel.name}`,
        );
      }
      await print(call, mill.read(channel, readOptions(call, channel, options)), options.limit);
    });
  },
};

function isStream<T>(channel: Channel<T>): channel is Stream<T> {
  return channel.kind === "stream";
}

async function print(call: Call, reader: Reader<Uint8Array>, limit = Number.POSITIVE_INFINITY): Promise<void> {
  let left = limit;
  try {
    for await (const messages of reader.batches()) {
      const wanted = messages.length > left ? messages.slice(0, left) : messages;
      await call.out.write(render(call, wanted));
      left -= wanted.length;
      if (left === 0 || call.signal.aborted) break;
    }
  } catch (error) {
    if (!call.signal.aborted) throw error;
  }
  call.assertNotInterrupted("stopped reading");
}

function readOptions(call: Call, channel: Stream<Uint8Array>, options: TailOptions): ReadOptions {
  const from = startPosition(options.from, call.io.clock.nowMs());
  let { partition } = options;
  if (typeof from === "bigint" && partition === undefined) {
    if (channel.spec.partitions > 1) {
      throw new CommandError(
        "USAGE",
        `${channel.name} has ${channel.spec.partitions} partitions, each with its own offsets: say which with --partition`,
      );
    }
    partition = 0;
  }
  return { from, partition, until: options.untilEnd === true ? "end" : undefined, signal: call.signal };
}

const lineBreak = Buffer.from("\n");

/** Payloads as they are, a line each; on a terminal without what could disturb it. */
function render(call: Call, messages: readonly Message<Uint8Array>[]): string | Uint8Array {
  if (call.json) return messages.map((message) => `${JSON.stringify(viewMessage(message))}\n`).join("");
  if (call.out.isTerminal) return messages.map((message) => `${printable(message.value)}\n`).join("");
  return Buffer.concat(messages.flatMap((message) => [message.value, lineBreak]));
}
