import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeDisk } from "../disk/node.js";
import { CommandError } from "./failure.js";

export const defaultAddress = "./millrace-data";

/** The directory that `--on` names, or undefined when it names something else than a directory. */
export function directoryOf(address: string): string | undefined {
  if (address === "" || address.includes("\0")) throw new CommandError("USAGE", "--on needs a directory or a URL");
  if (/^file:\/\//i.test(address)) return pathOf(address);
  if (/^file:/i.test(address)) return resolve(address.slice("file:".length));
  // A scheme has two letters or more: "C:\data" is a path.
  return /^[a-z][a-z0-9+.-]+:/i.test(address) ? undefined : resolve(address);
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new CommandError("USAGE", `${url} names no directory of this machine: use a path, or file:///path`, {
      cause: error,
    });
  }
}

/** A verb that only looks makes no data directory, so there must be one. */
export function assertDirectoryThere(address: string): void {
  const directory = directoryOf(address);
  if (directory === undefined) return;
  const disk = nodeDisk(directory);
  // What is neither missing nor empty is for `open` to judge: it knows what is ours.
  if (disk.exists("") && disk.list("").length > 0) return;
  const what = disk.exists("") ? "an empty directory" : "nothing";
  throw new CommandError(
    "DIRECTORY_MISSING",
    `there is ${what} at ${directory}: name a data directory with --on, or make one by sending to it with millrace send`,
  );
}

/** For verbs that read the files themselves. */
export function requireDirectory(address: string, verb: string): string {
  const directory = directoryOf(address);
  if (directory !== undefined) return directory;
  throw new CommandError(
    "USAGE",
    `millrace ${verb} reads the files of a data directory, and ${address} is none: name one with --on`,
  );
}
