import { isUtf8 } from "node:buffer";
import { CommandError } from "./failure.js";

/**
 * How a payload stands in a JSON object's `value`: as the JSON it is, as a text that is no JSON, or, when it is not even
 * UTF-8, as base64. What is printed this way and sent again is the same payload.
 */
export type Encoding = "json" | "text" | "base64";

export interface PresentedPayload {
  readonly value: unknown;
  readonly encoding: Encoding;
}

export function presentPayload(payload: Uint8Array): PresentedPayload {
  const view = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (!isUtf8(view)) return { value: view.toString("base64"), encoding: "base64" };
  const text = view.toString("utf8");
  const value = parsedWithoutLoss(text);
  return value === undefined ? { value: text, encoding: "text" } : { value, encoding: "json" };
}

/** Numbers that JavaScript would round: they stay text, so that nobody's identifier changes by being looked at. */
const mayRound = /\d{16}|\d\.\d{16}|[eE][+-]?\d{3}/;

function parsedWithoutLoss(text: string): unknown {
  try {
    const value = JSON.parse(text) as unknown;
    return mayRound.test(text) && JSON.stringify(value) !== text ? undefined : value;
  } catch {
    return undefined;
  }
}

/** The payload that `value` stands for; `where` names the place in the input for messages. */
export function payloadOf(value: unknown, encoding: unknown, where: string): Uint8Array | string {
  if (encoding === undefined || encoding === "json") return JSON.stringify(value);
  if (encoding !== "text" && encoding !== "base64") {
    throw new CommandError("INPUT_INVALID", `${where}: "encoding" must be "json", "text" or "base64"`);
  }
  if (typeof value !== "string")
    throw new CommandError("INPUT_INVALID", `${where}: "value" must be a string when "encoding" is "${encoding}"`);
  return encoding === "text" ? value : bytesOfBase64(value, where);
}

function bytesOfBase64(text: string, where: string): Uint8Array {
  const decoded = Buffer.from(text, "base64");
  // Buffer skips what it does not understand: a payload cut short by a typing error must not be sent.
  if (decoded.toString("base64").replace(/=+$/, "") !== text.replace(/=+$/, "")) {
    throw new CommandError("INPUT_INVALID", `${where}: "value" is not base64`);
  }
  return decoded;
}

/** For a terminal: no byte of a payload may move the cursor or change the title of somebody's window. */
export function printable(payload: Uint8Array): string {
  const view = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (!isUtf8(view)) return `base64:${view.toString("base64")}`;
  return withoutControls(view.toString("utf8"));
}

const names: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

export function withoutControls(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (control) => {
    return names[control] ?? `\\u{${(control.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
