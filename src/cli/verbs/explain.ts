import type { Command } from "commander";
import type { Explanation, GroupExplanation } from "../../index.js";
import type { Call } from "../call.js";
import { exitCodes } from "../exit-code.js";
import type { ExitCode } from "../exit-code.js";
import { groupLabel, viewGroup } from "../group-name.js";
import { viewOffset } from "../message-view.js";
import { withoutControls } from "../payload.js";
import { requireChannel } from "../stored-channel.js";
import type { Verb } from "../verb.js";

interface ExplainOptions {
  readonly channel?: string;
}

export const explain: Verb<ExplainOptions> = {
  declare(command: Command): void {
    command
      .argument("<id>", "the message's id, as its receipt, millrace peek or a log line has it")
      .option("--channel <name>", "where it was sent (default: where its id says, or any channel)");
  },

  run(call: Call, { channel }: ExplainOptions): Promise<ExitCode | void> {
    return call.with(async (mill) => {
      if (channel !== undefined) await requireChannel(mill, channel);
      const found = await mill.admin.explain(call.operands[0] ?? "", { channel });
      if (call.json) await call.object(view(found));
      else for (const line of linesOf(found)) await call.out.line(withoutControls(line));
      return found.channel === undefined ? exitCodes.notFound : undefined;
    });
  },
};

function linesOf({ id, channel, message, groups, because }: Explanation): string[] {
  if (channel === undefined) return [because];
  const sent = message === undefined ? "" : `, sent ${message.sentAt.toISOString()}`;
  const lines = groups.map((each) => `${groupLabel(each.group)}: ${each.state}; ${each.because}`);
  return [`${id} of ${channel}${sent}`, ...(lines.length > 0 ? lines : [because])];
}

/** Fields are added, never renamed or removed. */
function view({ id, channel, message, groups, because }: Explanation): unknown {
  const stored = message && {
    key: message.key ?? null,
    headers: message.headers,
    sentAt: message.sentAt.toISOString(),
    partition: message.partition ?? null,
    offset: viewOffset(message.offset),
  };
  return { id, channel: channel ?? null, message: stored ?? null, groups: groups.map(viewStanding), because };
}

function viewStanding(each: GroupExplanation): unknown {
  return {
    group: viewGroup(each.group),
    state: each.state,
    because: each.because,
    attempts: each.attempts,
    until: each.until?.toISOString() ?? null,
    settledBy: each.settledBy?.toISOString() ?? null,
    holder: each.holder ?? null,
    behind: each.behind ?? null,
    ahead: each.ahead,
    limit: each.limit ?? null,
    letter: each.letter?.id ?? null,
  };
}
