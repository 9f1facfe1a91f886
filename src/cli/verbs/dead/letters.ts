import type { Command } from "commander";
import type { DeadLetter, DeadLetters, DeadReason, DeadSelection, Millrace } from "../../../index.js";
import type { Call } from "../../call.js";
import { CommandError } from "../../failure.js";
import { viewGroup } from "../../group-name.js";
import { viewMessage, viewOffset } from "../../message-view.js";
import { count, oneOf } from "../../option-values.js";
import { storedChannel } from "../../stored-channel.js";

/** What the verbs on dead letters have in common: which channel, which of them, how one is printed. */
export interface LettersOptions {
  readonly group?: string;
}

export interface SelectionOptions extends LettersOptions {
  readonly all?: boolean;
  readonly reason?: DeadReason;
  readonly limit?: number;
}

const reasons: readonly DeadReason[] = ["attempts", "rejected", "expired", "unreadable", "schema"];

export const reasonOption = oneOf(reasons);

export function declareChannel(command: Command): Command {
  return command
    .argument("<channel>", "the channel they come from")
    .option("--group <name>", "of a stream or topic: the group whose handler failed");
}

export function declareSelection(command: Command): Command {
  return declareChannel(command)
    .argument("[ids...]", "which; or --all")
    .option("--all", "all of them, the oldest first")
    .option("--reason <reason>", `only those dead for this reason: ${reasons.join(", ")}`, reasonOption)
    .option("-n, --limit <n>", "of all, how many at most", count);
}

export function selectionOf(call: Call, options: SelectionOptions): DeadSelection {
  const ids = call.operands.slice(1);
  if (ids.length > 0 && options.all === true) throw new CommandError("USAGE", "give either ids or --all, not both");
  if (ids.length > 0) return { ids };
  if (options.all === true) return { all: true, reason: options.reason, limit: options.limit };
  throw new CommandError("USAGE", "say which: ids as millrace dead list shows them, or --all");
}

export async function lettersOf(
  mill: Millrace,
  name: string,
  options: LettersOptions,
): Promise<DeadLetters<Uint8Array>> {
  return mill.admin.dead(await storedChannel(mill, name), { group: options.group });
}

/** A dead letter as `--json` prints it. Fields are added, never renamed or removed. */
export function viewLetter(letter: DeadLetter<Uint8Array>): unknown {
  const { id, reason, error, attempts, redriven, origin } = letter;
  return {
    id,
    reason,
    error: { name: error.name, message: error.message, stack: error.stack ?? null },
    attempts,
    redriven,
    firstFailedAt: letter.firstFailedAt.toISOString(),
    lastFailedAt: letter.lastFailedAt.toISOString(),
    origin: {
      channel: origin.channel,
      group: viewGroup(origin.group),
      id: origin.id,
      partition: origin.partition ?? null,
      offset: viewOffset(origin.offset),
    },
    message: viewMessage(letter.message),
  };
}
