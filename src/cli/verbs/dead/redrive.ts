import type { Command } from "commander";
import type { Call } from "../../call.js";
import { formatCounted } from "../../units.js";
import type { Verb } from "../../verb.js";
import { inBatches, totalOf } from "./batches.js";
import { type SelectionOptions, declareSelection, lettersOf, selectionOf } from "./letters.js";

interface RedriveVerbOptions extends SelectionOptions {
  readonly toAllGroups?: boolean;
}

export const redrive: Verb<RedriveVerbOptions> = {
  declare(command: Command): void {
    declareSelection(command).option(
      "--to-all-groups",
      "of a stream or topic: send it again to every group, which is the only way back there is",
    );
  },

  run(call: Call, options: RedriveVerbOptions): Promise<void> {
    const which = selectionOf(call, options);
    const { toAllGroups } = options;
    return call.with(async (mill) => {
      const letters = await lettersOf(mill, call.channel, options);
      const total = await totalOf(mill, letters, which);
      const { count, tally } = await inBatches(call, {
        which,
        total,
        act: (batch) => letters.redrive(batch, { toAllGroups }),
      });
      call.assertNotInterrupted(`stopped; redriven before that: ${formatCounted(count, "dead letter")}`);
      if (call.json) return call.object({ channel: call.channel, redriven: count });
      return call.note(`redrove ${formatCounted(count, "dead letter")} to ${call.channel}${tally}`);
    });
  },
};
