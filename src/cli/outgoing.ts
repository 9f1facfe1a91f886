import { CommandError } from "./failure.js";
import type { Line } from "./input.js";
import { payloadOf } from "./payload.js";

/** What one line of input says is to be sent. */
export interface Outgoing {
  readonly payload: Uint8Array | string;
  readonly key: string | undefined;
  readonly id: string | undefined;
  readonly priority: number | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
}

/** The line itself is the payload. */
export function outgoingOfText(line: Line): Outgoing {
  return { payload: line.bytes, key: undefined, id: undefined, priority: undefined, headers: undefined };
}

const fields = new Set(["value", "encoding", "key", "id", "priority", "headers"]);
/** What `tail --json` and `peek --json` print besides: so that their lines can be sent again as they are. */
const ignored = new Set(["channel", "partition", "offset", "sentAt", "state", "attempts", "until"]);

/**
 * The line is an object:
 *   value     any JSON, or a string with "encoding": "text" or "base64"
 *   key, id   optional strings
 *   priority  optional number
 *   headers   optional, names to strings
 */
export function outgoingOfJson(line: Line): Outgoing {
  const where = `line ${line.number}`;
  const object = objectIn(line, where);
  const stray = Object.keys(object).find((name) => !fields.has(name) && !ignored.has(name));
  if (stray !== undefined) throw invalid(where, `"${stray}" is not one of ${[...fields].join(", ")}`);
  if (!Object.hasOwn(object, "value")) throw invalid(where, 'there is no "value"');
  return {
    payload: payloadOf(object["value"], object["encoding"], where),
    key: textIn(object, "key", where),
    id: textIn(object, "id", where),
    priority: numberIn(object, "priority", where),
    headers: headersIn(object, where),
  };
}

function objectIn(line: Line, where: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(line.bytes.buffer, line.bytes.byteOffset, line.bytes.byteLength).toString("utf8"));
  } catch (cause) {
    throw invalid(where, `it is not JSON (${cause instanceof Error ? cause.message : String(cause)})`);
  }
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>;
  throw invalid(where, 'it is JSON, but not an object with a "value"');
}

function textIn(object: Readonly<Record<string, unknown>>, name: string, where: string): string | undefined {
  const value = object[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  throw invalid(where, `"${name}" must be a string`);
}

function numberIn(object: Readonly<Record<string, unknown>>, name: string, where: string): number | undefined {
  const value = object[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number") return value;
  throw invalid(where, `"${name}" must be a number`);
}

function headersIn(object: Readonly<Record<string, unknown>>, where: string): Record<string, string> | undefined {
  const headers = object["headers"];
  if (headers === undefined || headers === null) return undefined;
  const isObject = typeof headers === "object" && !Array.isArray(headers);
  if (isObject && Object.values(headers).every((value) => typeof value === "string"))
    return headers as Record<string, string>;
  throw invalid(where, '"headers" must be an object of strings');
}

function invalid(where: string, what: string): CommandError {
  return new CommandError(
    "INPUT_INVALID",
    `${where}: ${what}; with --json each line is {"value": …, "key"?, "id"?, "priority"?, "headers"?}`,
  );
}
