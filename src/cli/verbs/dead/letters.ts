import type { Command } from "commander";
import type {
  CountRange,
  DeadFilter,
  DeadLetter,
  DeadLetters,
  DeadReason,
  DeadSelection,
  Millrace,
} from "../../../index.js";
import type { Call } from "../../call.js";
import { CommandError } from "../../failure.js";
import { viewGroup } from "../../group-name.js";
import { viewMessage, viewOffset } from "../../message-view.js";
import { count, countRange, date, header, oneOf } from "../../option-values.js";
import { storedChannel } from "../../stored-channel.js";

/** What the verbs on dead letters have in common: which channel, which of them, how one is printed. */
export interface LettersOptions {
  readonly group?: string;
}

export interface FilterOptions extends LettersOptions {
  readonly reason?: DeadReason;
  readonly error?: string;
  readonly text?: string;
  readonly fingerprint?: string;
  readonly failedAfter?: Date;
  readonly failedBefore?: Date;
  readonly attempts?: CountRange;
  readonly redriven?: CountRange;
  readonly id?: string;
  readonly key?: string;
  readonly header?: Readonly<Record<string, string>>;
}

export interface SelectionOptions extends FilterOptions {
  readonly all?: boolean;
  readonly limit?: number;
  readonly dryRun?: boolean;
}

const reasons: readonly DeadReason[] = ["attempts", "rejected", "expired", "unreadable", "schema"];

export function declareChannel(command: Command): Command {
  return command
    .argument("<channel>", "the channel they come from")
    .option("--group <name>", "of a stream or topic: the group whose handler failed");
}

export function declareFilter(command: Command): Command {
  return declareChannel(command)
    .option("--reason <reason>", `only those dead for this reason: ${reasons.join(", ")}`, oneOf(reasons))
    .option("--error <name>", "only those whose last error has this name")
    .option("--text <text>", "only those with this text in the last error's message")
    .option("--fingerprint <hex>", "only those of this cause, as millrace dead causes shows it")
    .option("--failed-after <time>", "only those that failed last at this time or later", date)
    .option("--failed-before <time>", "only those that failed last before this time", date)
    .option("--attempts <range>", 'only those with so many attempts: "3", "3..", "..3"', countRange)
    .option("--redriven <range>", 'only those redriven so often before: "0", "1.."', countRange)
    .option("--id <id>", "only that which has, or ever had, this id")
    .option("--key <key>", "only those with this key")
    .option("-H, --header <name=value>", "only those with this header; may be given many times", header);
}

export function filterOf(options: FilterOptions): DeadFilter {
  const { reason, error, text, fingerprint, failedAfter, failedBefore, attempts, redriven, id, key } = options;
  const headers = options.header;
  return { reason, error, text, fingerprint, failedAfter, failedBefore, attempts, redriven, id, key, headers };
}

export function declareSelection(command: Command): Command {
  return declareFilter(command)
    .argument("[ids...]", "which; or --all")
    .option("--all", "all of them that the filters leave, the oldest first")
    .option("-n, --limit <n>", "of all, how many at most", count)
    .option("--dry-run", "count them, and change nothing");
}

export function selectionOf(call: Call, options: SelectionOptions): DeadSelection {
  const ids = call.operands.slice(1);
  const filter = filterOf(options);
  if (ids.length > 0 && options.all === true) throw new CommandError("USAGE", "give either ids or --all, not both");
  if (options.all === true) return { all: true, limit: options.limit, ...filter };
  if (ids.length > 0) {
    if (Object.values(filter).every((value) => value === undefined)) return { ids };
    throw new CommandError("USAGE", "filters go with --all: ids say already which");
  }
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
  const { id, reason, fingerprint, error, attempts, redriven, origin } = letter;
  return {
    id,
    reason,
    fingerprint,
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
