/** The part of the driver contract that says why a message is where it is. */
import type { IncomingMessage } from "./driver.js";

/** Where a message stands with one group. */
export interface MessageStanding {
  /** "" of a queue. */
  readonly group: string;
  /**
   * "behind" waits until another message is settled; "settled" is done, dropped, or on its way elsewhere, such as to the dead letters;
   * "gone" is not kept any more, and was not settled.
   */
  readonly state: "ready" | "leased" | "delayed" | "behind" | "settled" | "gone";
  /** So far. */
  readonly attempts: number;
  /** When a delayed message is due, or a lease ends. */
  readonly untilMs: number | undefined;
  /** When it was settled at the latest; undefined where it is not, or nobody knows any more. */
  readonly settledByMs: number | undefined;
  /** Of a lease: the member that has it, where it has a name. */
  readonly holder: string | undefined;
  /** The id of the message it waits for. */
  readonly behind: string | undefined;
  /** Messages before it, of its partition and priority, that are not settled. */
  readonly ahead: number;
  /** The limit that keeps it from being handed out now, if one does. */
  readonly limit: string | undefined;
  /** How many consumers may get it. */
  readonly consumers: number;
}

export interface MessageExplanation {
  /** As far as it is still stored. */
  readonly message: IncomingMessage | undefined;
  readonly standings: readonly MessageStanding[];
}
