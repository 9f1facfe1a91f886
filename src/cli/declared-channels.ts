import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Declaration } from "../index.js";
import { CommandError } from "./failure.js";

/**
 * The channels that a module exports, in whatever way: by name, as default, in arrays or objects of them.
 * @throws CommandError FILE_UNREADABLE when it cannot be loaded, INPUT_INVALID when it exports none.
 */
export async function declaredChannels(path: string): Promise<readonly Declaration[]> {
  const found = new Map<string, Declaration>();
  for (const value of Object.values(await load(path))) gather(value, found);
  if (found.size > 0) return [...found.values()];
  throw new CommandError(
    "INPUT_INVALID",
    `${path} exports no channel: export what queue(…), stream(…) and topic(…) made`,
  );
}

async function load(path: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError("FILE_UNREADABLE", `${path} cannot be loaded as a module: ${why}`, { cause });
  }
}

/** One level into arrays and plain objects, which is how people group their channels. */
function gather(value: unknown, found: Map<string, Declaration>): void {
  if (typeof value !== "object" || value === null) return;
  for (const each of isChannel(value) ? [value] : Object.values(value)) if (isChannel(each)) found.set(each.name, each);
}

function isChannel(value: unknown): value is Declaration {
  return typeof value === "object" && value !== null && "spec" in value && "policy" in value && "kind" in value;
}
