/** What every channel of one engine shares. */
import type { Clock } from "../base/clock.js";
import type { Limits } from "../base/limits.js";
import type { Logger } from "../base/logger.js";
import type { Random } from "../base/random.js";
import type { Log } from "../log/log.js";
import type { Admission } from "./admission.js";
import type { Ledger } from "./ledger.js";
import type { Staged } from "./message.js";
import type { KnownChannel, KnownGroup, NewGroup } from "./meta.js";
import type { StoredChannel } from "./stored-channel.js";

export interface EngineContext {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly logger: Logger;
  readonly ledger: Ledger;
  readonly admission: Admission;
  /** Stores the messages in one commit with what `alongside` changes. Throws, with nothing changed, when they cannot be stored. */
  stage(sends: readonly Staged[], alongside: () => void): void;
  /** Writes down a new group; it exists once the promise resolves. */
  addGroup(channel: KnownChannel, group: NewGroup): Promise<KnownGroup>;
  /** The channel has grown by a segment: it may be more than its retention keeps. */
  outgrown(channel: StoredChannel): void;
  /** The log takes nothing any more: everybody who waits must know. */
  failed(error: Error): void;
}
