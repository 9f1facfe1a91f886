import type { IncomingDelivery } from "../driver.js";
import type { HeldDelivery, Holder } from "./held-delivery.js";
import type { HeldList } from "./held-list.js";
import type { WorkParts } from "./work.js";

/**
 * Decides when the deliveries of one source go to the handler: how many at once, in which order, alone or together.
 * It works by itself from the moment a delivery is added; the consumer only fetches as many as it has room for.
 */
export interface Scheduler<T> {
  /** Everything whose handler has begun and not ended, in the order they began. */
  readonly begun: HeldList<T>;
  /** How many deliveries it could take in now. */
  room(): number;
  add(deliveries: readonly IncomingDelivery[]): void;
  /** There are more places than before. */
  grown(): void;
  /** What has not begun. */
  waiting(): IncomingDelivery[];
  /** Forgets those of the waiting that fulfil `gone`. */
  forget(gone: (delivery: IncomingDelivery) => boolean): void;
  /** The handler's time is over: it has failed, and what it still says is ignored. */
  expire(held: HeldDelivery<T>): void;
}

/** Whom a scheduler tells. */
export interface SchedulerEvents {
  /** There may be more room, or nothing begun any more. */
  freed(): void;
  /** A handler has begun and not ended at once: it has to be watched. */
  watch(): void;
  /** The source answered a settlement with an error: it cannot go on. */
  broken(error: unknown): void;
}

/** What every scheduler is made of. */
export interface SchedulerParts<T> extends WorkParts<T> {
  readonly holder: Holder<T>;
}
