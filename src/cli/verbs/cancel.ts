import type { Command } from "commander";
import type { Call } from "../call.js";
import { requireChannel } from "../stored-channel.js";
import { formatCounted } from "../units.js";
import type { Verb } from "../verb.js";

export const cancel: Verb<object> = {
  declare(command: Command): void {
    command.argument("<channel>", "which queue").argument("<ids...>", "which messages");
  },

  run(call: Call): Promise<void> {
    return call.with(async (mill) => {
      const { name } = await requireChannel(mill, call.channel);
      const [, ...ids] = call.operands;
      const cancelled = await mill.admin.cancel(name, ids);
      for (const id of cancelled) await (call.json ? call.object({ channel: name, id }) : call.out.line(id));
      const left = new Set(ids).size - cancelled.length;
      if (left > 0) await call.note(`not cancelled, because taken, done or unknown: ${formatCounted(left, "message")}`);
    });
  },
};
