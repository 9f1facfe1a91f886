import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Result, type Surroundings, commandLine } from "./command-line.js";

/** A path for a data directory that is not there yet; taken away after the test. */
export function freshPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "data");
}

/** The command line on one data directory. */
export function commandsOn(path: string): (argv: readonly string[], surroundings?: Surroundings) => Promise<Result> {
  return (argv, surroundings) => commandLine([...argv, "--on", path], surroundings);
}
