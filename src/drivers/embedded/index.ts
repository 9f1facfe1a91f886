/** The durable engine inside this process: `open("./data")`, and the same without a disk: `open("memory:")`. */
import type { Clock } from "../../base/clock.js";
import type { Durability } from "../../base/durability.js";
import { hasCode, MillraceError } from "../../base/errors.js";
import type { Limits } from "../../base/limits.js";
import type { Logger } from "../../base/logger.js";
import type { Random } from "../../base/random.js";
import type { Disk } from "../../disk/disk.js";
import { lockDirectory } from "../../disk/lock.js";
import { memoryDisk } from "../../disk/memory.js";
import { nodeDisk } from "../../disk/node.js";
import type { Driver } from "../../driver.js";
import { Engine } from "../../engine/engine.js";
import { EmbeddedDriver } from "./driver.js";

export interface EmbeddedOptions {
  readonly durability: Durability;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
  readonly limits: Limits;
}

/**
 * The engine over a directory, which is made when it is missing and locked until the driver is closed.
 * @throws MillraceError LOCKED, NOT_A_DATA_DIRECTORY, DISK_READ_ONLY, DISK_FULL, DISK_FAILED, LOG_CORRUPT, LOG_VERSION_UNSUPPORTED
 */
export async function openEmbedded(where: string, options: EmbeddedOptions): Promise<Driver> {
  const disk = nodeDisk(where);
  makeRoot(disk);
  const lock = lockDirectory(disk.where, options.clock, options.random);
  try {
    return await openOn(disk, { ...options, name: "embedded", release: () => lock.release() });
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** The same engine; everything is gone when it is closed. */
export async function openMemory(options: EmbeddedOptions): Promise<Driver> {
  const disk = memoryDisk();
  disk.makeDirectory("");
  return openOn(disk, { ...options, name: "memory", release: () => {} });
}

/** The engine over any disk that nobody else uses. */
export async function openOn(
  disk: Disk,
  options: EmbeddedOptions & { readonly name: string; readonly release: () => void },
): Promise<Driver> {
  const { name, release, clock, random, durability, limits, logger } = options;
  const engine = await Engine.open({ disk, clock, random, durability, limits, logger });
  return new EmbeddedDriver(engine, name, release);
}

function makeRoot(disk: Disk): void {
  try {
    disk.makeDirectory("");
  } catch (error) {
    const code = (error as { cause?: { code?: unknown } }).cause?.code;
    if (!hasCode(error, "DISK_FAILED") || (code !== "EEXIST" && code !== "ENOTDIR")) throw error;
    throw new MillraceError(
      "NOT_A_DATA_DIRECTORY",
      `${disk.where} is a file, or lies in one: open a directory, or a path where one can be made`,
      { cause: error },
    );
  }
}
