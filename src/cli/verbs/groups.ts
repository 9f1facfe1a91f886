import type { Command } from "commander";
import type { GroupInfo } from "../../index.js";
import type { Call } from "../call.js";
import { groupLabel, viewGroup } from "../group-name.js";
import { requireChannel } from "../stored-channel.js";
import { type Column, tableLines } from "../table.js";
import type { Verb } from "../verb.js";

const columns: readonly Column<GroupInfo>[] = [
  { title: "group", of: (each) => groupLabel(each.name) },
  { title: "members", of: (each) => String(each.members), align: "right" },
];

export const groups: Verb<unknown> = {
  declare(command: Command): void {
    command.argument("<channel>", "which stream or topic");
  },

  run(call: Call): Promise<void> {
    return call.with(async (mill) => {
      const { name: channel } = await requireChannel(mill, call.channel);
      const found = await mill.admin.groups(channel);
      if (call.json) {
        for (const { name, members } of found) await call.object({ channel, group: viewGroup(name), members });
        return;
      }
      if (found.length === 0) return call.note(`no group has read ${channel} yet`);
      for (const line of tableLines(columns, found)) await call.out.line(line);
    });
  },
};
