import type { Duration } from "../base/duration.js";
import type {
  ChannelInfo,
  ChannelSpec,
  ChannelStats,
  GroupInfo,
  PartitionLag,
  PartitionMove,
  Rebalance,
  StartPosition,
} from "../driver.js";
import type { AlertRule } from "./alerts/alert-rule.js";
import type { AlertOptions, Alerts } from "./alerts/alerts.js";
import type { Channel } from "./channel.js";
import type { Codec } from "./codec.js";
import type { ConsumerInfo } from "./consumer.js";
import type { Explanation } from "./explanation.js";
import type { DeadLetters } from "./dead-letters.js";
import type { Diagnosis } from "./doctor.js";
import type { Declaration } from "./pitfall.js";
import type { Message } from "./message.js";
import type { Pressure, PressureOptions } from "./pressure/pressure.js";

/** A declared channel, or its name. */
export type ChannelReference = string | { readonly name: string };

/** Where a group is moved, in all partitions or in one. An offset counts within its partition: where there are several, say which. */
export type SeekPosition = StartPosition | { readonly partition: number; readonly to: StartPosition };

export interface PeekOptions {
  /** Durable topics and streams only: whose view. */
  readonly group?: string | undefined;
  /** How many at most. Default 20. */
  readonly limit?: number | undefined;
  /** Only messages after the one with this id, to page on. */
  readonly after?: string | undefined;
  /** Only messages in this state: "delayed" lists what waits for its time. */
  readonly state?: "ready" | "leased" | "delayed" | undefined;
}

export interface DoctorOptions {
  /** As the program declares them. Default: none, and only what is stored is looked at. */
  readonly channels?: readonly Declaration[] | undefined;
  /** How long a handler takes, to hold it against leases. */
  readonly handler?: Duration | undefined;
}

/** A message looked at; nothing about it has changed. */
export interface Peeked<T> extends Message<T> {
  /** Parked: behind another message of its key, which is leased or waits for its retry. */
  readonly state: "ready" | "leased" | "delayed" | "parked";
  /** Attempts so far. */
  readonly attempts: number;
  /** When a delayed message is due, or a lease ends. */
  readonly until: Date | undefined;
}

/** What is going on, and what to do about it. Looking changes nothing. Unknown names reject with CHANNEL_UNKNOWN or GROUP_UNKNOWN. */
export interface Admin {
  channels(): Promise<readonly ChannelInfo[]>;
  /** The settings of a channel as they are stored. */
  describe(channel: ChannelReference): Promise<ChannelSpec>;
  /** A channel as it is stored, to be used like a declared one: for tools that know nothing but its name. */
  channel<T = unknown>(name: string, codec?: Codec<T>): Promise<Channel<T>>;
  stats(channel: ChannelReference): Promise<ChannelStats>;
  /** How much waits, how fast it gets done, and how long it is going to take. The rate is seen by asking now and then. */
  pressure(channel: ChannelReference, options?: PressureOptions): Promise<Pressure>;
  /** The consumers of this Millrace: what each is doing, and when it is stalled, why. */
  consumers(): readonly ConsumerInfo[];
  groups(channel: ChannelReference): Promise<readonly GroupInfo[]>;
  /** How far a group is behind, by partition, in messages and milliseconds. */
  lag(channel: ChannelReference, group: string): Promise<readonly PartitionLag[]>;
  /** Why the members of a stream's group have the partitions they have: the last times these were shared out anew, the oldest first. */
  rebalances(channel: ChannelReference, group: string): Promise<readonly Rebalance[]>;
  /**
   * Moves a group of a stream or durable topic to another position, whether or not its members are at work: all partitions or none. What it had
   * handled comes again with `delivery.replay`; what it is moved over is settled. Resolves once the new position is durable; from then on nothing
   * settled before counts. Rejects with OFFSET_OUT_OF_RANGE when an offset is not kept.
   */
  seek(channel: ChannelReference, group: string, to: SeekPosition): Promise<readonly PartitionMove[]>;
  /**
   * Looks at what a group has not settled, in the order of urgency and then of sending (not of being due).
   * Of a declared channel, values as its codec reads them; of a name, as JSON.
   */
  peek<T>(channel: Channel<T> | string, options?: PeekOptions): Promise<readonly Peeked<T>[]>;
  /**
   * Where a message is and why: ready, with somebody until when, delayed until when, behind which other, dead because of which error, settled.
   * Follows it into the dead letters. An id that is a position is looked up; one that was given is searched for, first in what waits and then
   * in all that is kept, of `channel` or else of every channel, while others have their turns.
   */
  explain(id: string, options?: { readonly channel?: ChannelReference | undefined }): Promise<Explanation>;
  /**
   * Takes messages back that nobody has yet, delayed ones above all: they are never handed out again. Resolves with the ids of those it took,
   * once that is durable; one that is being handled, is done, or never was, is left out. Finding one by an id that was given to
   * it means looking through what waits; by its position, which a receipt has as the id otherwise, it is at once.
   */
  cancel(queue: ChannelReference, ids: readonly string[]): Promise<readonly string[]>;
  /**
   * Watches what rules say, and tells once when something fires and once when it is over: in the log, and to whom the options name.
   * @throws TypeError when rules or options are wrong.
   */
  alerts(rules: readonly AlertRule[], options?: AlertOptions): Alerts;
  /**
   * The usual mistakes, looked for on every stored channel and on those given: nobody reads it, no bound, a hot key, dead letters that nobody looks at …
   * Retries, leases and key functions are known only of the channels given.
   */
  doctor(options?: DoctorOptions): Promise<readonly Diagnosis[]>;
  /** The dead letters of a queue, or of one group of a stream or durable topic. */
  dead<T>(channel: Channel<T> | string, options?: { readonly group?: string | undefined }): DeadLetters<T>;
}
