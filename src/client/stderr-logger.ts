import type { Logger } from "../base/logger.js";

/** The default logger: warnings and errors, one line each, to the standard error stream. */
export const stderrLogger: Logger = {
  debug() {},
  info() {},
  warn: (fields, message) => write("warning", fields, message),
  error: (fields, message) => write("error", fields, message),
};

function write(level: string, fields: object, message: string): void {
  process.stderr.write(`millrace ${level}: ${message} ${JSON.stringify(fields, printable)}\n`);
}

/** Errors have no enumerable fields, and JSON has no bigints. */
function printable(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value;
}
