import type { Logger } from "../index.js";
import { oneLine } from "./failure.js";
import type { Output } from "./output.js";

/** What the library has to say while a verb runs: on stderr, a line each; with `--json` an object each. */
export function noteLogger(notes: Output, json: boolean): Logger {
  const write = (level: string, fields: Readonly<Record<string, unknown>>, message: string): void => {
    const line = json
      ? JSON.stringify({ level, message, ...fields }, plain)
      : `millrace: ${level}: ${oneLine(message)} ${JSON.stringify(fields, plain)}`;
    void notes.line(line);
  };
  return {
    debug() {},
    info() {},
    warn: (fields, message) => write("warning", fields, message),
    error: (fields, message) => write("error", fields, message),
  };
}

/** JSON has no bigints, and errors no enumerable fields. */
function plain(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return value instanceof Error ? { name: value.name, message: value.message } : value;
}
