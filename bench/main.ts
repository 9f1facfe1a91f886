/**
 * `npm run bench`. Each figure runs in a process of its own, so that none warms or litters the next; a single one
 * (`--only`) runs in this process, where a profiler can see it.
 */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Figure, Result } from "./figure.js";
import { figures } from "./figures/index.js";
import { WorkDirectory } from "./directory.js";
import { type Options, choose, parseOptions, usage } from "./options.js";
import { requirePeers } from "./peers/installed.js";
import { jsonLine, tableHead, tableRow } from "./report.js";

async function main(options: Options): Promise<void> {
  const chosen = choose(figures, options.only);
  const directory = new WorkDirectory(options.data);
  process.once("exit", () => directory.remove());
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  if (process.send === undefined) introduce(directory, options);
  for (const figure of chosen) {
    const results = chosen.length === 1 ? await runHere(figure, options, directory) : await runApart(figure, options);
    for (const result of results) tell(result, options);
  }
}

function introduce(directory: WorkDirectory, options: Options): void {
  console.error(`data in ${directory.describe()}; Node ${process.versions.node}, ${availableParallelism()} cores`);
  if (!options.json && !options.profile) console.log(tableHead);
}

function listFigures(): void {
  for (const { name, lines } of figures)
    console.log(`${name.padEnd(16)} ${lines.map((line) => line.title).join("; ")}`);
}

function tell(result: Result, options: Options): void {
  if (process.send !== undefined) process.send(result);
  else console.log(options.json ? jsonLine(result) : tableRow(result));
}

function runHere(figure: Figure, options: Options, directory: WorkDirectory): Promise<readonly Result[]> {
  const progress = (what: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${figure.name}: ${what}\r`);
  };
  const profile = options.profile ? join(directory.path, "..", `${figure.name}.cpuprofile`) : undefined;
  return figure.run({ ...options, profile, directory: directory.subdirectory(figure.name), progress });
}

/** In a process of its own; a figure that fails does not take the others with it. */
function runApart(figure: Figure, options: Options): Promise<readonly Result[]> {
  const results: Result[] = [];
  const child = fork(fileURLToPath(import.meta.url), argumentsFor(figure, options), {
    execArgv: [...process.execArgv, "--expose-gc"],
  });
  child.on("message", (message) => results.push(message as Result));
  return new Promise((resolve) => {
    child.once("exit", (code) => {
      if (code !== 0) {
        console.error(`${figure.name} failed (exit code ${code})`);
        process.exitCode = 1;
      }
      resolve(results);
    });
  });
}

function argumentsFor(figure: Figure, options: Options): string[] {
  const { seconds, rounds, backlog, data, peers } = options;
  const numbers = Object.entries({ seconds, rounds, backlog }).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const where = data === undefined ? [] : ["--data", data];
  return ["--only", figure.name, ...numbers, ...where, ...(peers ? ["--peers"] : [])];
}

/** Whatever is wrong with the call is said before anything is measured. */
function understand(args: readonly string[]): Options | undefined {
  try {
    const options = parseOptions(args);
    choose(figures, options.only);
    if (options.profile && options.only.length !== 1) throw new TypeError("--profile needs one figure: --only <name>");
    if (options.peers) requirePeers();
    return options;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
    return undefined;
  }
}

const options = understand(process.argv.slice(2));
if (options?.help === true) console.log(usage);
else if (options?.list === true) listFigures();
else if (options !== undefined) await main(options);
