import type { Command } from "commander";
import type { PartitionMove } from "../../index.js";
import type { Call } from "../call.js";
import { CommandError } from "../failure.js";
import { viewOffset } from "../message-view.js";
import { countFromZero } from "../option-values.js";
import { type Position, position, startPosition } from "../position.js";
import { requireChannel } from "../stored-channel.js";
import { type Column, tableLines } from "../table.js";
import type { Verb } from "../verb.js";

interface SeekOptions {
  readonly to: Position;
  readonly partition?: number;
}

const columns: readonly Column<PartitionMove>[] = [
  { title: "partition", of: (each) => String(each.partition), align: "right" },
  { title: "was at", of: (each) => String(each.from), align: "right" },
  { title: "goes on at", of: (each) => String(each.to), align: "right" },
];

export const seek: Verb<SeekOptions> = {
  declare(command: Command): void {
    command
      .argument("<channel>", "which stream or topic")
      .argument("<group>", "which group")
      .requiredOption("--to <position>", "earliest, latest, an offset, a date, or a time ago such as 1h", position)
      .option("--partition <n>", "only this partition; needed with an offset where there are several", countFromZero);
  },

  run(call: Call, { to, partition }: SeekOptions): Promise<void> {
    return call.with(async (mill) => {
      const { name, partitions } = await requireChannel(mill, call.channel);
      if (typeof to === "bigint" && partition === undefined && partitions > 1) {
        throw new CommandError(
          "USAGE",
          `${name} has ${partitions} partitions, each with its own offsets: say which with --partition`,
        );
      }
      const group = call.operands[1] ?? "";
      const start = startPosition(to, call.io.clock.nowMs());
      const moves = await mill.admin.seek(name, group, partition === undefined ? start : { partition, to: start });
      if (call.json) {
        for (const move of moves) {
          const [from, goesOnAt] = [viewOffset(move.from), viewOffset(move.to)];
          await call.object({ channel: name, group, partition: move.partition, from, to: goesOnAt });
        }
        return;
      }
      for (const line of tableLines(columns, moves)) await call.out.line(line);
    });
  },
};
