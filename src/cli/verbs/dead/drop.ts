import type { Command } from "commander";
import type { Call } from "../../call.js";
import { formatCounted } from "../../units.js";
import type { Verb } from "../../verb.js";
import { inBatches, totalOf } from "./batches.js";
import { type SelectionOptions, declareSelection, lettersOf, selectionOf } from "./letters.js";

export const drop: Verb<SelectionOptions> = {
  declare(command: Command): void {
    declareSelection(command);
  },

  run(call: Call, options: SelectionOptions): Promise<void> {
    const which = selectionOf(call, options);
    return call.with(async (mill) => {
      const letters = await lettersOf(mill, call.channel, options);
      const total = await totalOf(mill, letters, which);
      const { count, tally } = await inBatches(call, { which, total, act: (batch) => letters.drop(batch) });
      call.assertNotInterrupted(`stopped; dropped before that: ${formatCounted(count, "dead letter")}`);
      if (call.json) return call.object({ channel: call.channel, dropped: count });
      return call.note(`dropped ${formatCounted(count, "dead letter")} of ${call.channel}${tally}`);
    });
  },
};
