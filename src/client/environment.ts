import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/logger.js";
import type { Random } from "../base/random.js";
import type { Driver } from "../driver.js";
import type { BoundChannels } from "./bound-channels.js";

/** What everything behind one Millrace works with. */
export interface Environment {
  readonly driver: Driver;
  readonly channels: BoundChannels;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}
