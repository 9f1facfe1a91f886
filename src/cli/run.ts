import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { defaultAddress } from "./address.js";
import { Call, type Open } from "./call.js";
import { type ExitCode, exitCodes } from "./exit-code.js";
import { CommandError, failureOf, formatFailure, oneLine } from "./failure.js";
import type { Io } from "./io.js";
import { Output } from "./output.js";
import type { Verb, VerbEntry } from "./verb.js";
import { verbs } from "./verbs.js";

interface GlobalOptions {
  readonly on: string;
  readonly json?: boolean;
}

/** What is the same for every verb of one run. */
interface Run {
  readonly io: Io;
  readonly out: Output;
  readonly notes: Output;
  readonly open: Open;
  exitCode: ExitCode;
  /** Help and version, which the parser writes without waiting. */
  text: string;
}

/** The library is loaded when a verb opens something: `--help` and a typing error need none of it. */
const openLibrary: Open = async (address, options) => (await import("../index.js")).open(address, options);

/**
 * The command line as a function: parses `argv` (without node and the program), does what it says, reports an error, and
 * returns the exit code. Everything it touches of the process comes in through `io`.
 */
export async function run(argv: readonly string[], io: Io, open: Open = openLibrary): Promise<ExitCode> {
  const state: Run = {
    io,
    out: new Output(io.stdout),
    notes: new Output(io.stderr),
    open,
    exitCode: exitCodes.ok,
    text: "",
  };
  try {
    await parse(argv, state);
    await state.out.end();
    return state.exitCode;
  } catch (error) {
    return await report(error, state, argv.includes("--json"));
  }
}

async function parse(argv: readonly string[], state: Run): Promise<void> {
  const program = programOf(state);
  try {
    await program.parseAsync(helpAsOption(argv), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw usageError(error, state.text);
    await state.out.write(state.text);
  }
}

function programOf(state: Run): Command {
  const program = new Command("millrace")
    .description("Queues, streams and topics of a data directory, on the command line.")
    .option("--on <url>", "the data directory, or another place to open", defaultAddress)
    .option("--json", "print one JSON object a line; errors too")
    .version(version(), "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .configureOutput({
      writeOut: (text) => (state.text += text),
      writeErr: (text) => (state.text += text),
      outputError: () => {},
    })
    .configureHelp({ showGlobalOptions: true })
    .helpCommand(false)
    .exitOverride();
  program.addHelpText(
    "after",
    '\n"millrace <verb> --help" says more. Exit codes: 0 ok, 1 failure, 2 usage, 3 auth, 4 not found,\n5 refused by a limit, 6 unreachable, 7 timeout, 130 interrupted.',
  );
  addVerbs(program, verbs, state);
  return program;
}

function addVerbs(parent: Command, entries: readonly VerbEntry[], state: Run): void {
  const loaded = new Map<string, Verb<unknown>>();
  for (const entry of entries) {
    const command = parent.command(entry.name).description(entry.summary).helpCommand(false);
    if (entry.verbs !== undefined) addVerbs(command, entry.verbs, state);
    else command.action(() => runVerb(loaded.get(entry.name), command, state));
  }
  parent.hook("preSubcommand", async (_, command) => {
    const verb = await entries.find((entry) => entry.name === command.name())?.load?.();
    if (verb === undefined) return;
    verb.declare(command);
    loaded.set(command.name(), verb);
  });
}

async function runVerb(verb: Verb<unknown> | undefined, command: Command, state: Run): Promise<void> {
  if (verb === undefined) throw new Error(`${command.name()} was called before it was loaded`);
  const { on, json = false } = command.optsWithGlobals<GlobalOptions>();
  const { io, out, notes, open } = state;
  const call = new Call({ io, out, notes, on, json, operands: command.args, open });
  state.exitCode = (await verb.run(call, command.opts())) ?? exitCodes.ok;
}

/** `millrace help send` is `millrace send --help`: only a verb that is called is loaded and knows its options. */
function helpAsOption(argv: readonly string[]): string[] {
  return argv[0] === "help" ? [...argv.slice(1), "--help"] : [...argv];
}

function usageError(error: CommanderError, help: string): CommandError {
  // Without a verb the parser has written the help and has no message of its own.
  if (error.code === "commander.help") {
    return new CommandError("USAGE", `say what to do: ${namesIn(help).join(", ")}; see --help`);
  }
  const what = oneLine(error.message).replace(/^error: /, "");
  return new CommandError("USAGE", what.includes("Did you mean") ? what : `${what.replace(/\.$/, "")}; see --help`);
}

/** The verbs a help text lists. */
function namesIn(help: string): string[] {
  const [, list = ""] = help.split("Commands:\n");
  return [...list.matchAll(/^ {2}([a-z]+)\b/gm)].map((match) => match[1] ?? "");
}

async function report(error: unknown, state: Run, json: boolean): Promise<ExitCode> {
  const failure = failureOf(error);
  await state.notes.line(formatFailure(failure, json));
  if (failure.code === "UNEXPECTED" && error instanceof Error && state.io.env["MILLRACE_STACK"] !== undefined) {
    await state.notes.line(error.stack ?? "");
  }
  await state.out.end().catch(() => {});
  return failure.exitCode;
}

function version(): string {
  const description = createRequire(import.meta.url)("../../package.json") as { readonly version: string };
  return description.version;
}
