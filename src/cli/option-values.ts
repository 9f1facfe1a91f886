import { InvalidArgumentError } from "commander";
import type { CountRange } from "../index.js";
import { type Duration, durationMs } from "../base/duration.js";

/** Parsers for the values of options. What they refuse, the parser of the command line reports with the option's name. */

export function count(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError("It must be a whole number from 1.");
}

export function countFromZero(text: string): number {
  return text === "0" ? 0 : count(text);
}

/** "3", "3..", "..3", "2..5" */
export function countRange(text: string): CountRange {
  const match = /^(\d+)?(\.\.)?(\d+)?$/.exec(text);
  const [, from, dots, to] = match ?? [];
  const min = from === undefined ? undefined : Number(from);
  const max = dots === undefined ? min : to === undefined ? undefined : Number(to);
  if (match !== null && (min ?? max) !== undefined) return { min, max };
  throw new InvalidArgumentError('It must be a number or a range, such as "3", "3..", "..3" or "2..5".');
}

export function date(text: string): Date {
  const ms = Date.parse(text);
  if (Number.isNaN(ms))
    throw new InvalidArgumentError('It must be a time such as "2026-01-31" or "2026-01-31T12:00Z".');
  return new Date(ms);
}

export function rate(text: string): number {
  const number = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && number > 0 && number < Infinity) return number;
  throw new InvalidArgumentError("It must be how many a second, more than 0.");
}

export function duration(text: string): Duration {
  try {
    // A bare number would be milliseconds, which nobody means who types "--lease 30".
    if (/^\d+$/.test(text)) throw new TypeError(text);
    durationMs(text as Duration, "");
    return text as Duration;
  } catch {
    throw new InvalidArgumentError('It must be a number with its unit, such as "250ms", "30s", "5m", "2h" or "7d".');
  }
}

export function oneOf<Choice extends string>(choices: readonly Choice[]): (text: string) => Choice {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw new InvalidArgumentError(`It must be one of ${choices.join(", ")}.`);
    return found;
  };
}

/** Gathers `--header name=value`, which may be given many times. */
export function header(text: string, gathered: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It must be name=value.");
  return { ...gathered, [text.slice(0, at)]: text.slice(at + 1) };
}
