import type { Command } from "commander";
import type { Millrace, PartitionLag } from "../../index.js";
import type { Call } from "../call.js";
import { groupLabel, viewGroup } from "../group-name.js";
import { viewOffset } from "../message-view.js";
import { requireChannel } from "../stored-channel.js";
import { type Column, tableLines } from "../table.js";
import { formatCount, formatMs } from "../units.js";
import type { Verb } from "../verb.js";

interface LagRow extends PartitionLag {
  readonly group: string;
}

const columns: readonly Column<LagRow>[] = [
  { title: "group", of: (each) => groupLabel(each.group) },
  { title: "partition", of: (each) => String(each.partition), align: "right" },
  { title: "committed", of: (each) => String(each.committed), align: "right" },
  { title: "end", of: (each) => String(each.end), align: "right" },
  { title: "behind", of: (each) => formatCount(each.messages), align: "right" },
  { title: "oldest", of: (each) => (each.messages === 0 ? "" : formatMs(each.ms)), align: "right" },
];

export const lag: Verb<unknown> = {
  declare(command: Command): void {
    command.argument("<channel>", "which stream or topic").argument("[group]", "which group (default: all)");
  },

  run(call: Call): Promise<void> {
    return call.with(async (mill) => {
      const { name: channel } = await requireChannel(mill, call.channel);
      const rows = await rowsOf(mill, channel, call.operands[1]);
      if (call.json) {
        for (const row of rows) await call.object(view(channel, row));
        return;
      }
      if (rows.length === 0) return call.note(`no group has read ${channel} yet`);
      for (const line of tableLines(columns, rows)) await call.out.line(line);
    });
  },
};

async function rowsOf(mill: Millrace, channel: string, only: string | undefined): Promise<LagRow[]> {
  const names = only === undefined ? (await mill.admin.groups(channel)).map((each) => each.name).toSorted() : [only];
  const rows: LagRow[] = [];
  for (const group of names) {
    for (const partition of await mill.admin.lag(channel, group)) rows.push({ ...partition, group });
  }
  return rows;
}

function view(channel: string, row: LagRow): unknown {
  const { group, partition, committed, end, messages, ms } = row;
  return {
    channel,
    group: viewGroup(group),
    partition,
    committed: viewOffset(committed),
    end: viewOffset(end),
    messages,
    ms,
  };
}
