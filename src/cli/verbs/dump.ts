import type { Command } from "commander";
import type { Call } from "../call.js";
import { requireDirectory } from "../address.js";
import { CommandError } from "../failure.js";
import type { Verb } from "../verb.js";

export const dump: Verb<unknown> = {
  declare(_command: Command): void {},

  async run(call: Call): Promise<void> {
    requireDirectory(call.on, "dump");
    throw new CommandError("UNEXPECTED", "dump is not there yet");
  },
};
