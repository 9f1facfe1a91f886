import type { IncomingMessage } from "../driver.js";
import { checkHeaders } from "./send-options.js";
import { checkOneOf, shown } from "./checks.js";
import { deadHeaders, redrivenHeaders } from "./dead-letter-headers.js";
import type { CountRange, DeadFilter, DeadReason } from "./dead-letters.js";
import { fingerprintOf } from "./error-fingerprint.js";

const reasons: readonly DeadReason[] = ["attempts", "rejected", "expired", "unreadable", "schema"];

/** The names of what a filter may say. */
export const filterOptions: readonly string[] = [
  "reason",
  "error",
  "text",
  "fingerprint",
  "failedAfter",
  "failedBefore",
  "attempts",
  "redriven",
  "id",
  "key",
  "headers",
];

/** Whether a stored dead letter is meant. */
export type Matches = (stored: IncomingMessage) => boolean;

/**
 * A filter as a function over what is stored; everything that is said must be so.
 * @throws TypeError that names what is wrong.
 */
export function matcherOf(filter: DeadFilter, what: string): Matches {
  checkFilter(filter, what);
  const { reason, error, text, fingerprint, id, key, headers } = filter;
  const tests: Matches[] = [];
  const header = (name: string, wanted: string | undefined): void => {
    if (wanted !== undefined) tests.push((stored) => stored.headers[name] === wanted);
  };
  header(deadHeaders.reason, reason);
  header(deadHeaders.errorName, error);
  for (const [name, value] of Object.entries(headers ?? {})) header(name, value);
  if (key !== undefined) tests.push((stored) => stored.key === key);
  if (id !== undefined) tests.push((stored) => hasId(stored, id));
  if (text !== undefined) {
    const wanted = text.toLowerCase();
    tests.push((stored) => (stored.headers[deadHeaders.errorMessage] ?? "").toLowerCase().includes(wanted));
  }
  if (fingerprint !== undefined) tests.push((stored) => storedFingerprint(stored) === fingerprint);
  tests.push(...rangeTests(filter));
  return (stored) => tests.every((test) => test(stored));
}

/** Of the error that a dead letter died of. */
export function storedFingerprint({ headers }: IncomingMessage): string {
  return fingerprintOf(headers[deadHeaders.errorName] ?? "", headers[deadHeaders.errorMessage] ?? "");
}

function rangeTests({ attempts, redriven, failedAfter, failedBefore }: DeadFilter): Matches[] {
  const tests: Matches[] = [];
  const counted = (name: string, range: number | CountRange | undefined): void => {
    if (range === undefined) return;
    const { min = 0, max = Infinity } = typeof range === "number" ? { min: range, max: range } : range;
    tests.push(({ headers }) => {
      const count = Number(headers[name] ?? 0);
      return count >= min && count <= max;
    });
  };
  counted(deadHeaders.attempts, attempts);
  counted(redrivenHeaders.count, redriven);
  const failedAt = (stored: IncomingMessage): number => Date.parse(stored.headers[deadHeaders.lastFailedAt] ?? "");
  if (failedAfter !== undefined) tests.push((stored) => failedAt(stored) >= failedAfter.getTime());
  if (failedBefore !== undefined) tests.push((stored) => failedAt(stored) < failedBefore.getTime());
  return tests;
}

/** By any id it ever had: its own, that of the message it was, and that before it was ever redriven. */
function hasId(stored: IncomingMessage, id: string): boolean {
  return stored.id === id || stored.headers[deadHeaders.id] === id || stored.headers[redrivenHeaders.id] === id;
}

function checkFilter(filter: DeadFilter, what: string): void {
  const { reason, error, text, fingerprint, id, key, headers } = filter;
  if (reason !== undefined) checkOneOf(reason, reasons, `${what}: reason`);
  for (const [name, value] of Object.entries({ error, text, fingerprint, id, key })) {
    if (value !== undefined && typeof value !== "string")
      throw new TypeError(`${what}: ${name} must be a string, not ${shown(value)}`);
  }
  if (headers !== undefined) checkHeaders(headers, what);
  for (const name of ["failedAfter", "failedBefore"] as const) {
    const date: unknown = filter[name];
    if (date !== undefined && !(date instanceof Date && !Number.isNaN(date.getTime())))
      throw new TypeError(`${what}: ${name} must be a Date, not ${shown(date)}`);
  }
  for (const name of ["attempts", "redriven"] as const) checkRange(filter[name], `${what}: ${name}`);
}

function checkRange(range: unknown, what: string): void {
  if (range === undefined || isCount(range)) return;
  const { min, max, ...rest } = (typeof range === "object" && range !== null ? range : { wrong: true }) as Record<
    string,
    unknown
  >;
  const isRange = Object.keys(rest).length === 0 && [min, max].every((each) => each === undefined || isCount(each));
  if (!isRange) throw new TypeError(`${what} must be a whole number, or { min, max }, not ${shown(range)}`);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
