import { durationMs } from "../base/duration.js";
import { MillraceError } from "../base/errors.js";
import type { Driver, PublishOptions, Supports } from "../driver.js";
import type { Channel } from "./channel.js";
import { checkOptions, shown } from "./checks.js";
import { reservedPrefix } from "./dead-letter-headers.js";
import { defaults } from "./defaults.js";
import { completeSchedule, type Schedule } from "./schedule.js";
import type { SendOptions } from "./sender.js";
import { isRefused, notSupported } from "./support.js";

/** Send options, checked. `publish` is undefined when neither a signal nor a timeout was given. */
export interface CompleteSendOptions {
  readonly id: string | undefined;
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly schedule: Schedule;
  readonly publish: PublishOptions | undefined;
}

/** Options that need an ability. */
const abilities: Readonly<Record<string, keyof Supports>> = {
  delay: "delay",
  at: "delay",
  priority: "priority",
  expires: "expires",
};
const known = {
  send: new Set(["id", "key", "headers", "signal", "timeout", "within", ...Object.keys(abilities)]),
  sendAll: new Set(["key", "headers", "signal", "timeout", "within", ...Object.keys(abilities)]),
};

const idLengthMax = 1_000;

/**
 * Checks and completes the options of one `send` or `sendAll`.
 * @throws TypeError for wrong ones; MillraceError NOT_SUPPORTED for what the driver cannot do, ABORTED when the signal has aborted.
 */
export function completeSendOptions<T>(
  options: SendOptions,
  call: "send" | "sendAll",
  to: { readonly driver: Driver; readonly channel: Channel<T> },
): CompleteSendOptions {
  const what = `${call} to ${to.channel.kind} "${to.channel.name}"`;
  checkOptions(options, known[call], what);
  refuseUnsupported(options, to);
  const { id, key, headers } = options;
  if (id !== undefined) checkId(id, what);
  if (key !== undefined && typeof key !== "string")
    throw new TypeError(`${what}: key must be a string, not ${shown(key)}`);
  if (headers !== undefined) checkHeaders(headers, what);
  const schedule = completeSchedule(options, to.channel, what);
  return { id, key, headers: headers && { ...headers }, schedule, publish: completeWait(options, what) };
}

function completeWait(options: SendOptions, what: string): PublishOptions | undefined {
  const { signal, timeout } = options;
  if (signal === undefined && timeout === undefined) return undefined;
  const timeoutMs = timeout === undefined ? defaults.sendTimeoutMs : durationMs(timeout, `${what}: timeout`);
  if (signal !== undefined) checkSignal(signal, what);
  return { signal, timeoutMs };
}

/** @throws TypeError when it is none; MillraceError ABORTED when it has aborted before. */
export function checkSignal(signal: unknown, what: string): asserts signal is AbortSignal {
  if (!(signal instanceof AbortSignal))
    throw new TypeError(`${what}: signal must be an AbortSignal, not ${shown(signal)}`);
  if (!signal.aborted) return;
  throw new MillraceError("ABORTED", `${what}: the signal had aborted before; nothing was done`, {
    cause: signal.reason,
  });
}

function refuseUnsupported<T>(
  options: SendOptions,
  to: { readonly driver: Driver; readonly channel: Channel<T> },
): void {
  for (const [option, value] of Object.entries(options)) {
    const ability = abilities[option];
    if (value === undefined || (ability === undefined && option !== "within")) continue;
    if (ability !== undefined && !isRefused(to.driver, ability)) continue;
    throw notSupported(to.driver, { channel: to.channel, option }, ability && to.driver.supports[ability]);
  }
}

/** @throws TypeError for what cannot be an id. */
export function checkId(id: unknown, what: string): asserts id is string {
  if (typeof id !== "string" || id === "" || id.length > idLengthMax) {
    throw new TypeError(`${what}: id must be a string of 1 to ${idLengthMax} characters, not ${shown(id)}`);
  }
}

/** A queue on which an id is said to count once, behind a driver that cannot see to it. */
export function refusesIds<T>(driver: Driver, channel: Channel<T>): boolean {
  return channel.spec.dedupMs !== undefined && isRefused(driver, "dedup");
}

export function checkHeaders(headers: unknown, what: string): void {
  if (typeof headers !== "object" || headers === null || Array.isArray(headers))
    throw new TypeError(`${what}: headers must be an object, not ${shown(headers)}`);
  for (const [name, value] of Object.entries(headers)) {
    if (name === "" || name.startsWith(reservedPrefix)) {
      throw new TypeError(
        `${what}: ${shown(name)} cannot be a header: names must not be empty or start with "${reservedPrefix}"`,
      );
    }
    if (typeof value !== "string")
      throw new TypeError(`${what}: header "${name}" must be a string, not ${shown(value)}`);
  }
}
