#!/usr/bin/env node
/** The program `millrace`: the command line on this process. What it does is in `run.ts`. */
import { systemClock } from "../base/clock.js";
import { exitCodes } from "./exit-code.js";
import { run } from "./run.js";

const interrupt = new AbortController();

/** The first asks to finish what is in hand; the second is meant. */
function onSignal(): void {
  if (interrupt.signal.aborted) process.exit(exitCodes.interrupted);
  interrupt.abort();
}

process.on("SIGINT", onSignal);
process.on("SIGTERM", onSignal);

process.exitCode = await run(process.argv.slice(2), {
  // Asked for by name only: looking at stdin already opens it.
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: interrupt.signal,
  clock: systemClock,
});
