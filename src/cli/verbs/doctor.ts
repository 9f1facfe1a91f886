import type { Command } from "commander";
import { type Duration, durationMs } from "../../base/duration.js";
import { type Declaration, type Diagnosis, worstCaseMs } from "../../index.js";
import type { Call } from "../call.js";
import { declaredChannels } from "../declared-channels.js";
import { CommandError } from "../failure.js";
import { duration } from "../option-values.js";
import { formatCounted, formatMs } from "../units.js";
import type { Verb } from "../verb.js";

interface DoctorOptions {
  readonly config?: string;
  readonly handler?: Duration;
}

export const doctor: Verb<DoctorOptions> = {
  declare(command: Command): void {
    command
      .option(
        "-c, --config <module>",
        "a JavaScript module that exports channels: retries, leases and keys are known only of these",
      )
      .option("--handler <duration>", "how long a handler takes, to hold it against leases", duration)
      .addHelpText("after", "\nChanges nothing. Exit code 1 when it found something.");
  },

  run(call: Call, options: DoctorOptions): Promise<void> {
    return call.with(async (mill) => {
      const channels = options.config === undefined ? [] : await declaredChannels(options.config);
      for (const channel of channels) await call.note(retriesOf(channel, options.handler));
      const found = await mill.admin.doctor({ channels, handler: options.handler });
      for (const each of found) await call.out.line(call.json ? JSON.stringify(each) : render(each));
      if (found.length === 0) return call.note("nothing to complain of");
      throw new CommandError("PITFALLS_FOUND", `${formatCounted(found.length, "pitfall")}: mend them, or know why not`);
    });
  },
};

function render({ channel, pitfall, what, remedy }: Diagnosis): string {
  return `${channel}: ${what}; ${remedy} (${pitfall})`;
}

/** What its policy comes to when nothing ever succeeds. */
function retriesOf(channel: Declaration, handler: Duration | undefined): string {
  const { name, spec, policy } = channel;
  if (!spec.durable) return `${name}: delivered once, not retried`;
  const worstMs = worstCaseMs(channel, { timeout: handler });
  const tried = formatCounted(policy.attempts, "attempt");
  const time = handler === undefined ? "at its timeout" : `of ${formatMs(durationMs(handler, "handler"))}`;
  return `${name}: ${tried}, at worst ${formatMs(worstMs)} until it is a dead letter, with every handler ${time}`;
}
