import { InvalidArgumentError } from "commander";
import { type Duration, durationMs } from "../base/duration.js";

/** Where reading begins or ends: an end of the history, an offset, a date, or so long ago. */
export type Position = "earliest" | "latest" | Date | bigint | { readonly agoMs: number };

export function position(text: string): Position {
  if (text === "earliest" || text === "latest") return text;
  if (/^\d+$/.test(text)) return BigInt(text);
  if (/^\d+(?:\.\d+)?(?:ms|s|m|h|d)$/.test(text)) return { agoMs: durationMs(text as Duration, "") };
  const dateMs = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(dateMs)) {
    throw new InvalidArgumentError(
      'It must be earliest, latest, an offset, a date such as 2026-01-31 or 2026-01-31T12:00:00Z, or a time ago such as "1h".',
    );
  }
  return new Date(dateMs);
}

/** A position as the library takes it. */
export function startPosition(from: Position, nowMs: number): "earliest" | "latest" | Date | bigint {
  return typeof from === "object" && "agoMs" in from ? new Date(nowMs - from.agoMs) : from;
}
