import type { Command } from "commander";
import type { Channel, Peeked } from "../../index.js";
import type { Call } from "../call.js";
import { CommandError } from "../failure.js";
import { viewMessage } from "../message-view.js";
import { count, oneOf } from "../option-values.js";
import { printable, withoutControls } from "../payload.js";
import { storedChannel } from "../stored-channel.js";
import { type Column, tableLines } from "../table.js";
import { formatMs } from "../units.js";
import type { Verb } from "../verb.js";

interface PeekVerbOptions {
  readonly group?: string;
  readonly limit: number;
  readonly after?: string;
  readonly state?: "ready" | "leased" | "delayed";
}

export const peek: Verb<PeekVerbOptions> = {
  declare(command: Command): void {
    command
      .argument("<channel>", "which channel")
      .option("--group <name>", "of a stream or topic: what this group has still before it")
      .option("-n, --limit <n>", "how many messages at most", count, 20)
      .option("--after <id>", "only messages after the one with this id, to page on")
      .option(
        "--state <state>",
        "only messages that are ready, leased or delayed",
        oneOf(["ready", "leased", "delayed"]),
      );
  },

  run(call: Call, options: PeekVerbOptions): Promise<void> {
    return call.with(async (mill) => {
      const channel = await storedChannel(mill, call.channel);
      if (channel.kind !== "queue" && options.group === undefined) throw needsGroup(channel);
      const messages = await mill.admin.peek(channel, options);
      if (call.json) {
        for (const message of messages) await call.object(viewPeeked(message));
        return;
      }
      if (messages.length === 0) return call.note(`nothing waits in ${channel.name}`);
      const columns = columnsAt(call.io.clock.nowMs(), payloadWidth(call));
      for (const line of tableLines(columns, messages)) await call.out.line(line);
    });
  },
};

function needsGroup({ name, kind }: Pick<Channel<Uint8Array>, "name" | "kind">): CommandError {
  const instead = kind === "stream" ? `, or read it with millrace tail ${name}` : "";
  return new CommandError(
    "USAGE",
    `${name} is a ${kind}: say whose view with --group (millrace groups ${name} lists them)${instead}`,
  );
}

function viewPeeked(message: Peeked<Uint8Array>): unknown {
  const { state, attempts, until } = message;
  return { ...viewMessage(message), state, attempts, until: until?.toISOString() ?? null };
}

/** What is left of the line on a terminal; enough to recognise a message elsewhere. */
function payloadWidth(call: Call): number {
  return call.out.isTerminal ? Math.max(20, call.out.columns - 60) : 120;
}

function columnsAt(nowMs: number, width: number): Column<Peeked<Uint8Array>>[] {
  return [
    { title: "id", of: (each) => each.id },
    { title: "state", of: (each) => stateAt(each, nowMs) },
    { title: "attempts", of: (each) => String(each.attempts), align: "right" },
    { title: "age", of: (each) => formatMs(Math.max(0, nowMs - each.sentAt.getTime())), align: "right" },
    { title: "key", of: (each) => withoutControls(each.key ?? "") },
    { title: "payload", of: (each) => cut(printable(each.value), width) },
  ];
}

function stateAt(message: Peeked<Uint8Array>, nowMs: number): string {
  if (message.until === undefined) return message.state;
  return `${message.state}, ${formatMs(Math.max(0, message.until.getTime() - nowMs))} left`;
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
