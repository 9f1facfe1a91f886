import { relative } from "node:path";
import { MillraceError } from "millrace";
import { runAndKill, survivalCheck, tellParent } from "./crash.js";
import { displayOn, type Display } from "./display.js";
import { exitCodes } from "./exit-codes.js";
import { defaultData, parseOptions, usage, UsageError, type Options } from "./options.js";
import { isWhole, reportLines, type Result } from "./report.js";
import { run } from "./run.js";
import { count } from "./table.js";
import { Workspace } from "./workspace.js";

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2), () => Math.floor(Math.random() * 1_000_000));
    if (options !== "help") return await start(options);
    process.stdout.write(usage);
    return exitCodes.whole;
  } catch (error) {
    // What a person can do something about is one line; anything else is a defect, and shows where it happened.
    const expected = error instanceof UsageError || error instanceof MillraceError;
    process.stderr.write(`${expected ? error.message : ((error as Error).stack ?? String(error))}\n`);
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
  }
}

async function start(options: Options): Promise<number> {
  const signal = interruptSignal();
  const display = displayOn(process.stdout);
  const workspace = await Workspace.open(options.data, { ...options, fresh: options.crash });
  if (process.send === undefined) display.print(heading(workspace, options), "");
  const acknowledged = options.crash ? await runAndKill(options, display) : undefined;
  if (acknowledged === "interrupted") return sayStopped(display, options);

  const result = await run({
    workspace,
    display,
    eventsPerSecond: options.eventsPerSecond,
    signal,
    onAcknowledged: (numbers) => tellParent({ kind: "acknowledged", numbers }),
    onShareDone: (share) => tellParent({ kind: "share-done", share }),
    beforeIntake: (present) => (acknowledged === undefined ? [] : [survivalCheck(acknowledged, present)]),
  });
  return result === "interrupted" ? sayStopped(display, options) : finish(result, { workspace, display, options });
}

/** Aborts at Ctrl-C, so that work in hand is finished and settled. A second Ctrl-C ends the program at once. */
function interruptSignal(): AbortSignal {
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupt.abort());
  return interrupt.signal;
}

function heading(workspace: Workspace, options: Options): string {
  const what = `${count(workspace.events)} GitHub webhook events, seed ${workspace.seed}, data in ${options.data}`;
  return workspace.resumed ? `Going on with an interrupted run: ${what}` : what;
}

function sayStopped(display: Display, options: Options): number {
  if (process.send === undefined) {
    const command = options.data === defaultData ? "npm start" : `npm start -- --data ${options.data}`;
    display.print("", `Stopped. Everything taken in so far is safe in ${options.data}. To go on from here: ${command}`);
  }
  return exitCodes.interrupted;
}

async function finish(
  result: Result,
  at: { workspace: Workspace; display: Display; options: Options },
): Promise<number> {
  const whole = isWhole(result.checks);
  const keep = at.options.keep || !whole;
  at.display.print(...reportLines(result));
  await at.workspace.finish(keep);
  if (keep) at.display.print(`The data is still there: npx millrace stats --on ${relative(".", at.workspace.mill)}`);
  return whole ? exitCodes.whole : exitCodes.failed;
}
