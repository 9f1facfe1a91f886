import type { Command } from "commander";
import type { Call } from "./call.js";
import type { ExitCode } from "./exit-code.js";

/**
 * One verb of the command line. stdout carries its data and nothing else, so that it can be piped; what it has to say
 * to a person goes to stderr. Adding a verb adds a file under `verbs/` and a line in `verbs.ts`.
 */
export interface Verb<Options> {
  /** Says which arguments and options there are, to the parser and to `--help`. */
  declare(command: Command): void;
  /** Does the work. Returning nothing is exit code 0; `call.signal` asks it to end soon. */
  run(call: Call, options: Options): Promise<ExitCode | void>;
}

/** A verb by name. Its file is loaded when it is called: the others cost nothing. */
export interface VerbEntry {
  readonly name: string;
  readonly summary: string;
  readonly load?: () => Promise<Verb<unknown>>;
  readonly verbs?: readonly VerbEntry[];
}
