import { type Settlement, later, reject } from "../index.js";
import type { Execution } from "./execute.js";

/** A command that exits with this has looked at the message and wants it never again. */
export const rejectExitCode = 100;

/** What a shell says when there is no such command, or it may not be run. */
const noCommandExitCodes = [126, 127];

/** What becomes of a message after its command has ended. */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "retry"; readonly why: string }
  | { readonly kind: "rejected"; readonly why: string }
  /** Nothing is wrong with the message: the worker itself cannot work. */
  | { readonly kind: "hopeless"; readonly why: string };

export function outcomeOf({ ending, lastWords }: Execution): Outcome {
  const said = lastLine(lastWords);
  if (ending.kind === "not-started") return notStarted(ending);
  if (ending.kind === "signal") return { kind: "retry", why: `the command was ended by ${ending.signal}${said}` };
  const { code } = ending;
  if (code === 0) return { kind: "done" };
  if (code === rejectExitCode) return { kind: "rejected", why: `the command rejected it${said}` };
  // Otherwise one typing error in --exec would send the whole queue to the dead letters.
  if (noCommandExitCodes.includes(code))
    return { kind: "hopeless", why: `the shell cannot run the command (exit code ${code})${said}` };
  return { kind: "retry", why: `the command exited with ${code}${said}` };
}

function notStarted(ending: { readonly systemCode: string; readonly message: string }): Outcome {
  // Key or headers do not fit into an environment, and never will.
  const misfit = ending.systemCode === "E2BIG" || ending.systemCode.startsWith("ERR_INVALID_ARG");
  if (misfit) return { kind: "rejected", why: `its key or headers cannot be given to a command: ${ending.message}` };
  return { kind: "hopeless", why: `no command can be started: ${ending.message}` };
}

function lastLine(lastWords: string): string {
  const line = lastWords.split("\n").at(-1) ?? "";
  return line === "" ? "" : `: ${line.slice(0, 500)}`;
}

/** The outcome in the words of the library. */
export function settlementOf(outcome: Outcome, lastWords: string): Settlement | undefined {
  switch (outcome.kind) {
    case "done":
      return undefined;
    case "rejected":
      return reject(outcome.why);
    case "hopeless":
      return later(0, outcome.why, { free: true });
    case "retry":
      throw new CommandFailed(outcome.why, lastWords);
  }
}

/** What a dead letter shows as its last error; instead of a stack of ours, what the command said. */
class CommandFailed extends Error {
  override readonly name = "CommandFailed";

  constructor(why: string, lastWords: string) {
    super(why);
    this.stack = lastWords;
  }
}
