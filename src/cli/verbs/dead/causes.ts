import type { Command } from "commander";
import type { DeadCause } from "../../../index.js";
import type { Call } from "../../call.js";
import { withoutControls } from "../../payload.js";
import { type Column, tableLines } from "../../table.js";
import { formatCount, formatMs } from "../../units.js";
import type { Verb } from "../../verb.js";
import { type FilterOptions, declareFilter, filterOf, lettersOf, viewLetter } from "./letters.js";

export const causes: Verb<FilterOptions> = {
  declare(command: Command): void {
    declareFilter(command);
  },

  run(call: Call, options: FilterOptions): Promise<void> {
    return call.with(async (mill) => {
      const letters = await lettersOf(mill, call.channel, options);
      const found = await letters.causes(filterOf(options));
      if (call.json) {
        for (const cause of found) await call.object(view(cause));
        return;
      }
      if (found.length === 0) return call.note(`no dead letters of ${call.channel}`);
      for (const line of tableLines(columnsAt(call.io.clock.nowMs()), found)) await call.out.line(line);
    });
  },
};

function view({ fingerprint, error, count, firstFailedAt, lastFailedAt, example }: DeadCause<Uint8Array>): unknown {
  return {
    fingerprint,
    error,
    count,
    firstFailedAt: firstFailedAt.toISOString(),
    lastFailedAt: lastFailedAt.toISOString(),
    example: viewLetter(example),
  };
}

function columnsAt(nowMs: number): Column<DeadCause<Uint8Array>>[] {
  const ago = (at: Date): string => formatMs(Math.max(0, nowMs - at.getTime()));
  return [
    { title: "fingerprint", of: (each) => each.fingerprint },
    { title: "count", of: (each) => formatCount(each.count), align: "right" },
    { title: "first ago", of: (each) => ago(each.firstFailedAt), align: "right" },
    { title: "last ago", of: (each) => ago(each.lastFailedAt), align: "right" },
    { title: "example", of: (each) => each.example.id },
    { title: "error", of: (each) => withoutControls(`${each.error.name}: ${each.error.message}`).slice(0, 120) },
  ];
}
