import type { ChannelSpec, ChannelStats, GroupInfo } from "../driver.js";
import type { Policy } from "./channel.js";

/** CONTRACT of what stands in `pitfalls/`: each knows one mistake that is easily made, and how to see it. Pure: what it looks at was gathered before. */
export interface Pitfall {
  /** What is wrong with the channel, and what to do about it; undefined: nothing. */
  look(examined: Examined): Complaint | undefined;
}

export interface Complaint {
  /** One sentence, in numbers where there are any. */
  readonly what: string;
  readonly remedy: string;
}

/** A channel as a program declares it, whatever its payload. */
export interface Declaration {
  readonly name: string;
  readonly spec: ChannelSpec;
  readonly policy: Policy;
  /** undefined: values have no key of their own. */
  readonly key: unknown;
}

/** What is known of one channel. */
export interface Examined {
  readonly name: string;
  readonly spec: ChannelSpec;
  /** As a program declares it; undefined when nobody has told: then its policy is not known. */
  readonly declared: Declaration | undefined;
  /** undefined: it is declared and was never used. */
  readonly stats: ChannelStats | undefined;
  readonly groups: readonly GroupInfo[];
  /** Messages that wait, the oldest first; not more than `defaults.doctor.sample`. */
  readonly waiting: readonly WaitingMessage[];
  /** Its dead letters, all groups together, and the age of the oldest. */
  readonly dead: { readonly messages: number; readonly oldestMs: number };
  /** How long a handler takes, when somebody has said so. */
  readonly handlerMs: number | undefined;
}

export interface WaitingMessage {
  readonly key: string | undefined;
  readonly attempts: number;
}
