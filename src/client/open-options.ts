import type { Clock } from "../base/clock.js";
import type { Limits } from "../base/limits.js";
import type { Logger } from "../base/logger.js";
import type { Random } from "../base/random.js";
import type { Durability } from "../driver.js";

export interface OpenOptions {
  /**
   * When a send resolves. "fsync" (default): once the disk has it. "interval": after a write, synced every so often; a power cut loses
   * the last moments. "os": after a write, synced when the system likes; a power cut loses more. Neither of them loses anything when only the process dies.
   */
  readonly durability?: Durability | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Default: warnings and errors to the standard error stream. pino and its like fit as they are. */
  readonly logger?: Logger | undefined;
  /** What is not named keeps its default. */
  readonly limits?: Partial<Limits> | undefined;
  /** Chance, for the jitter of retries. Default: the system's. Tests give a seeded one. */
  readonly random?: Random | undefined;
}
