import type { Command } from "commander";
import type { ChannelInfo } from "../../index.js";
import type { Call } from "../call.js";
import { type Column, tableLines } from "../table.js";
import type { Verb } from "../verb.js";

const columns: readonly Column<ChannelInfo>[] = [
  { title: "channel", of: (each) => each.name },
  { title: "kind", of: (each) => (each.durable ? each.kind : `${each.kind}, not durable`) },
  { title: "partitions", of: (each) => String(each.partitions), align: "right" },
];

export const channels: Verb<unknown> = {
  declare(_command: Command): void {},

  run(call: Call): Promise<void> {
    return call.with(async (mill) => {
      const found = (await mill.admin.channels()).toSorted((one, other) => (one.name < other.name ? -1 : 1));
      if (call.json) {
        for (const { name, kind, durable, partitions } of found)
          await call.object({ channel: name, kind, durable, partitions });
        return;
      }
      if (found.length === 0) return call.note("no channels yet");
      for (const line of tableLines(columns, found)) await call.out.line(line);
    });
  },
};
