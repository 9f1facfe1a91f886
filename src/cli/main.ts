#!/usr/bin/env node
/** The program `millrace`: the command line on this process. What it does is in `run.ts`. */
import { MessageChannel } from "node:worker_threads";
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

// Neither a waiting consumer nor a reader keeps a process alive by itself: an open port does, until the work is over.
const { port1: awake } = new MessageChannel();
awake.on("message", () => {});

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
awake.close();
