import type { Command } from "commander";
import type { DeadLetter } from "../../../index.js";
import type { Call } from "../../call.js";
import { count } from "../../option-values.js";
import { withoutControls } from "../../payload.js";
import { type Column, tableLines } from "../../table.js";
import { formatMs } from "../../units.js";
import type { Verb } from "../../verb.js";
import { type FilterOptions, declareFilter, filterOf, lettersOf, viewLetter } from "./letters.js";

interface ListOptions extends FilterOptions {
  readonly limit: number;
  readonly after?: string;
}

export const list: Verb<ListOptions> = {
  declare(command: Command): void {
    declareFilter(command)
      .option("-n, --limit <n>", "how many at most", count, 20)
      .option("--after <id>", "only those after the dead letter with this id, to page on");
  },

  run(call: Call, options: ListOptions): Promise<void> {
    return call.with(async (mill) => {
      const letters = await lettersOf(mill, call.channel, options);
      const { limit, after } = options;
      const found = await letters.list({ limit, after, ...filterOf(options) });
      if (call.json) {
        for (const letter of found) await call.object(viewLetter(letter));
        return;
      }
      if (found.length === 0) return call.note(`no dead letters of ${call.channel}`);
      for (const line of tableLines(columnsAt(call.io.clock.nowMs()), found)) await call.out.line(line);
    });
  },
};

function columnsAt(nowMs: number): Column<DeadLetter<Uint8Array>>[] {
  return [
    { title: "id", of: (each) => each.id },
    { title: "reason", of: (each) => each.reason },
    { title: "attempts", of: (each) => String(each.attempts), align: "right" },
    { title: "redriven", of: (each) => String(each.redriven), align: "right" },
    { title: "failed ago", of: (each) => formatMs(Math.max(0, nowMs - each.lastFailedAt.getTime())), align: "right" },
    { title: "key", of: (each) => withoutControls(each.message.key ?? "") },
    { title: "error", of: (each) => withoutControls(`${each.error.name}: ${each.error.message}`).slice(0, 120) },
  ];
}
