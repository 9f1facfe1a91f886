import type { Command } from "commander";
import type { ChannelStats } from "../../index.js";
import type { Call } from "../call.js";
import { requireChannel } from "../stored-channel.js";
import { type Column, tableLines } from "../table.js";
import { formatBytes, formatCount, formatMs } from "../units.js";
import type { Verb } from "../verb.js";

const columns: readonly Column<ChannelStats>[] = [
  { title: "channel", of: (each) => each.name },
  { title: "kind", of: (each) => each.kind },
  { title: "messages", of: (each) => formatCount(each.messages), align: "right" },
  { title: "ready", of: (each) => formatCount(each.ready), align: "right" },
  { title: "in flight", of: (each) => formatCount(each.inFlight), align: "right" },
  { title: "delayed", of: (each) => formatCount(each.delayed), align: "right" },
  { title: "oldest", of: (each) => (each.oldestMs === undefined ? "" : formatMs(each.oldestMs)), align: "right" },
  { title: "damaged", of: (each) => formatCount(each.damaged), align: "right" },
  { title: "size", of: (each) => formatBytes(each.bytes), align: "right" },
];

export const stats: Verb<unknown> = {
  declare(command: Command): void {
    command.argument("[channels...]", "which channels (default: all)");
  },

  run(call: Call): Promise<void> {
    return call.with(async (mill) => {
      for (const name of call.operands) await requireChannel(mill, name);
      const names =
        call.operands.length > 0 ? call.operands : (await mill.admin.channels()).map((each) => each.name).toSorted();
      const found: ChannelStats[] = [];
      for (const name of names) found.push(await mill.admin.stats(name));
      if (call.json) {
        for (const each of found) await call.object(view(each));
        return;
      }
      if (found.length === 0) return call.note("no channels yet");
      for (const line of tableLines(columns, found)) await call.out.line(line);
    });
  },
};

/** What a process counts from its start on (sent, settled …) would always be 0 here, and is left out. */
function view(each: ChannelStats): unknown {
  const { name, kind, durable, partitions, messages, bytes, ready, inFlight, delayed, oldestMs, damaged } = each;
  return {
    channel: name,
    kind,
    durable,
    partitions,
    messages,
    bytes,
    ready,
    inFlight,
    delayed,
    oldestMs: oldestMs ?? null,
    damaged,
  };
}
