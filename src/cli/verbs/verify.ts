import type { Command } from "commander";
import type { Call } from "../call.js";
import { requireDirectory } from "../address.js";
import { CommandError } from "../failure.js";
import type { Verb } from "../verb.js";

export const verify: Verb<unknown> = {
  declare(_command: Command): void {},

  async run(call: Call): Promise<void> {
    requireDirectory(call.on, "verify");
    throw new CommandError("UNEXPECTED", "verify is not there yet");
  },
};
