import type { Command } from "commander";
import type { Call } from "../../call.js";
import { rate } from "../../option-values.js";
import { formatCounted } from "../../units.js";
import type { Verb } from "../../verb.js";
import { type SelectionOptions, declareSelection, lettersOf, selectionOf } from "./letters.js";
import { removing } from "./removal.js";

interface RedriveVerbOptions extends SelectionOptions {
  readonly rate?: number;
  readonly toAllGroups?: boolean;
}

export const redrive: Verb<RedriveVerbOptions> = {
  declare(command: Command): void {
    declareSelection(command)
      .option("--rate <n>", "how many a second at most", rate)
      .option("--to-all-groups", "of a stream or topic: to every group, not only to the one whose handler failed");
  },

  run(call: Call, options: RedriveVerbOptions): Promise<void> {
    const which = selectionOf(call, options);
    const { toAllGroups, dryRun } = options;
    return call.with(async (mill) => {
      const letters = await lettersOf(mill, call.channel, options);
      const { count, tally } = await removing(call, dryRun, (how) =>
        letters.redrive(which, { ...how, rate: options.rate, toAllGroups }),
      );
      call.assertNotInterrupted(`stopped; redriven before that: ${formatCounted(count, "dead letter")}`);
      if (call.json) return call.object({ channel: call.channel, redriven: count, dryRun: dryRun === true });
      const did = dryRun === true ? "would redrive" : "redrove";
      return call.note(`${did} ${formatCounted(count, "dead letter")} to ${call.channel}${tally}`);
    });
  },
};
