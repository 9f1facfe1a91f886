import { fileURLToPath } from "node:url";
import type { Clock } from "./base/clock.js";
import { systemClock } from "./base/clock.js";
import { MillraceError } from "./base/errors.js";
import { defaultLimits, limitsMost } from "./base/limits.js";
import type { Limits } from "./base/limits.js";
import type { Logger } from "./base/logger.js";
import { systemRandom } from "./base/random.js";
import type { Random } from "./base/random.js";
import { BoundChannels } from "./client/bound-channels.js";
import { checkInteger, checkOneOf, checkOptions, shown } from "./client/checks.js";
import { bounds } from "./client/defaults.js";
import { MillraceClient } from "./client/millrace-client.js";
import type { Millrace } from "./client/millrace.js";
import type { OpenOptions } from "./client/open-options.js";
import { stderrLogger } from "./client/stderr-logger.js";
import type { Driver, Durability } from "./driver.js";

/** What a driver of ours is given: everything, and nothing left out. */
export interface DriverOptions {
  readonly durability: Durability;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
  readonly limits: Limits;
}

const known = new Set(["durability", "clock", "logger", "limits", "random"]);

/** Schemes of brokers that this version has no driver for yet. */
const notYet = new Set(["millrace", "amqp", "amqps", "kafka", "nats", "redis", "rediss", "sqs", "kinesis", "pubsub"]);

/**
 * Opens a broker: a path or "file:…" is a directory with the durable engine inside this process, "memory:" the same engine without
 * a disk, and a `Driver` is used as it is.
 * Rejects with TypeError for anything else, and with MillraceError LOCKED, NOT_A_DATA_DIRECTORY, DISK_READ_ONLY, DISK_FULL,
 * LOG_CORRUPT, LOG_VERSION_UNSUPPORTED or NOT_SUPPORTED.
 */
export async function open(where: string | Driver, options: OpenOptions = {}): Promise<Millrace> {
  const complete = completeOptions(options);
  const driver = typeof where === "string" ? await openDriver(where, complete) : checkDriver(where);
  const { clock, random, logger } = complete;
  return new MillraceClient({ driver, channels: new BoundChannels({ driver, clock, logger }), clock, random, logger });
}

async function openDriver(where: string, options: DriverOptions): Promise<Driver> {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(where)?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === "file") {
    const directory = directoryOf(where);
    const { openEmbedded } = await import("./drivers/embedded/index.js");
    return openEmbedded(directory, options);
  }
  if (scheme === "memory") {
    if (!/^memory:$/i.test(where))
      throw new TypeError(`open: "memory:" takes no path, so ${shown(where)} is not understood`);
    const { openMemory } = await import("./drivers/embedded/index.js");
    return openMemory(options);
  }
  if (notYet.has(scheme)) {
    throw new MillraceError(
      "NOT_SUPPORTED",
      `open: this version has no driver for "${scheme}:" yet; it opens a directory such as "./data", "memory:", or a Driver of your own`,
    );
  }
  // Only the scheme is shown: the rest of an address may hold a password.
  throw new TypeError(
    `open: "${scheme}:" is no scheme of ours; use a directory such as "./data", "file:./data" or "memory:"`,
  );
}

function directoryOf(where: string): string {
  const path = /^file:\/\//i.test(where) ? pathOfUrl(where) : where.replace(/^file:/i, "");
  if (path === "" || path.includes("\0"))
    throw new TypeError(`open: ${shown(where)} is no directory; use one such as "./data"`);
  return path;
}

function pathOfUrl(where: string): string {
  try {
    return fileURLToPath(where);
  } catch (cause) {
    const message = `open: ${shown(where)} is no file on this machine; use "file:./data", or "file:///data" with three slashes`;
    throw new TypeError(message, { cause });
  }
}

function checkDriver(driver: unknown): Driver {
  const { declare, commit, supports } = (
    typeof driver === "object" && driver !== null ? driver : {}
  ) as Partial<Driver>;
  if (typeof declare === "function" && typeof commit === "function" && typeof supports === "object")
    return driver as Driver;
  throw new TypeError(`open takes a directory such as "./data", "memory:", or a Driver, not ${shown(driver)}`);
}

function completeOptions(options: OpenOptions): DriverOptions {
  checkOptions(options, known, "open");
  const {
    durability = "fsync",
    clock = systemClock,
    logger = stderrLogger,
    random = systemRandom,
    limits = {},
  } = options;
  checkOneOf(durability, ["fsync", "interval", "os"], "open: durability");
  if (typeof random !== "function") throw new TypeError(`open: random must be a function, not ${shown(random)}`);
  checkMethods(clock, ["nowMs", "monotonicMs", "after", "soon"], "open: clock");
  checkMethods(logger, ["debug", "info", "warn", "error"], "open: logger");
  return { durability, clock, logger, random, limits: completeLimits(limits) };
}

function checkMethods(value: object, names: readonly string[], what: string): void {
  const missing = names.find((name) => typeof (value as Record<string, unknown> | null)?.[name] !== "function");
  if (missing !== undefined)
    throw new TypeError(`${what} must have the methods ${names.join(", ")}; it has no ${missing}`);
}

function completeLimits(limits: Partial<Limits>): Limits {
  checkOptions(limits, new Set(Object.keys(defaultLimits)), "open: limits");
  for (const [name, value] of Object.entries(limits)) {
    const { min, max } = bounds.count;
    const most = limitsMost[name as keyof Limits] ?? max;
    if (value !== undefined) checkInteger(value, `open: limits.${name}`, { min, max: most });
  }
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  return { ...defaultLimits, ...Object.fromEntries(given) };
}
