import type { Command } from "commander";
import type { Call } from "../../call.js";
import { formatCounted } from "../../units.js";
import type { Verb } from "../../verb.js";
import { type SelectionOptions, declareSelection, lettersOf, selectionOf } from "./letters.js";
import { removing } from "./removal.js";

export const drop: Verb<SelectionOptions> = {
  declare(command: Command): void {
    declareSelection(command);
  },

  run(call: Call, options: SelectionOptions): Promise<void> {
    const which = selectionOf(call, options);
    return call.with(async (mill) => {
      const letters = await lettersOf(mill, call.channel, options);
      const { count, tally } = await removing(call, options.dryRun, (how) => letters.drop(which, how));
      call.assertNotInterrupted(`stopped; dropped before that: ${formatCounted(count, "dead letter")}`);
      if (call.json) return call.object({ channel: call.channel, dropped: count, dryRun: options.dryRun === true });
      const did = options.dryRun === true ? "would drop" : "dropped";
      return call.note(`${did} ${formatCounted(count, "dead letter")} of ${call.channel}${tally}`);
    });
  },
};
