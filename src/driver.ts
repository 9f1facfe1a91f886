/**
 * The contract between our API and any broker. `client/` owns validation, defaults, retries, back-off, dead letters
 * and idempotency; a driver gets complete, checked arguments, holds no defaults, and does exactly what is asked
 * or has said in `supports` that it cannot.
 *
 * What every driver promises:
 * - A `publish` that resolved has been taken over by the broker at its `durability`; one that rejected with a
 *   retryable error had no effect, one that rejected with TIMEOUT or LOG_FENCED may have had.
 * - A delivery is leased to one consumer until it settles it, its lease ends, or the consumer closes or dies.
 *   Then somebody gets it again with a higher `attempt`.
 * - `close` returns once nothing of this driver runs any more.
 */
import type { MessageExplanation } from "./driver-explain.js";
import type { DriverReadOptions, IncomingChunk } from "./driver-read.js";

/** What a driver can do. Data, so that tests, docs and dashboards can read it. */
export interface Supports {
  readonly queue: Ability;
  readonly stream: Ability;
  readonly topic: Ability;
  readonly ephemeral: Ability;
  readonly delay: Ability;
  readonly priority: Ability;
  readonly perKeyOrder: Ability;
  readonly dedup: Ability;
  readonly transactions: Ability;
  readonly replay: Ability;
  readonly groups: Ability;
  /** Groups of a stream whose messages are settled each by itself. */
  readonly settleEach: Ability;
  readonly peek: Ability;
  readonly extendLease: Ability;
  readonly capacity: Ability;
  readonly expires: Ability;
  readonly compact: Ability;
  /** Marks of what a group has done, and claims. */
  readonly once: Ability;
}

/** "emulated" says in `note` what it costs; "refused" says in `note` why, and what can be used instead. */
export type Ability =
  | { readonly level: "native" }
  | { readonly level: "emulated"; readonly note: string }
  | { readonly level: "refused"; readonly note: string };

export type ChannelKind = "queue" | "stream" | "topic";

/** A channel with every default filled in. Stored by the broker side where it can be. */
export interface ChannelSpec {
  readonly kind: ChannelKind;
  readonly name: string;
  /** 1 for queues and topics. */
  readonly partitions: number;
  /** Topics only; queues and streams are always durable. */
  readonly durable: boolean;
  /** Streams, and durable topics that no group reads yet. */
  readonly retention: { readonly timeMs: number; readonly bytes: number };
  /** Queues: all of it. Ephemeral topics: the buffer of each subscriber. Infinity is "no bound". */
  readonly capacity: CapacitySpec;
  readonly order: "none" | "per-key";
  /** The higher a message's priority, the sooner it is handed out, whatever waits below. Fixed. */
  readonly priorities: number;
  /** This part of the deliveries, 0 to 1, begins at the lowest priority that waits. 0 when it is left out. */
  readonly priorityShare?: number | undefined;
  readonly dedupMs: number | undefined;
  readonly expiresMs: number | undefined;
  /** What becomes of what has expired: it is handed over (`DeclaredChannel.expired`), or dropped and counted. The first when it is left out. */
  readonly whenExpired?: "dead-letter" | "drop" | undefined;
  readonly compact: boolean;
  /** Passed on to the broker as it is. */
  readonly native: unknown;
}

export interface CapacitySpec {
  readonly messages: number;
  readonly bytes: number;
  readonly whenFull: WhenFull;
}

export type WhenFull = "block" | "reject" | "drop-oldest" | "drop-newest" | "drop-random";

/** A text is stored as UTF-8, without a copy of it in between. */
export type Content = Uint8Array | string;

export interface OutgoingMessage {
  readonly value: Content;
  readonly key: string | undefined;
  /** Stored only when given; otherwise the id is the position. */
  readonly id: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** 1, which is the lowest and the default, to the channel's `priorities`. */
  readonly priority?: number | undefined;
  /** Not to be delivered before so much time has passed since it was stored, or before a wall time. At most one of them. */
  readonly delayMs?: number | undefined;
  readonly dueAtMs?: number | undefined;
  /** It expires once so much time has passed since it was stored, or was due; or earlier, by the channel's `expiresMs`. */
  readonly expiresMs?: number | undefined;
}

export interface Receipt {
  /** The id given, or the message's position as "<channel>/<partition>/<offset>". */
  readonly id: string;
  readonly partition?: number;
  readonly offset?: bigint;
  /** The id was seen before within the channel's dedup window: nothing was stored, and the one that was is as durable as this says. */
  readonly duplicate: boolean;
  /** The channel was full and its policy dropped this message. */
  readonly dropped: boolean;
}

export interface IncomingMessage {
  readonly id: string;
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** false: there are none, and nobody need decode them to know it. */
  readonly hasHeaders: boolean;
  /** Of a queue that has several, as far as the broker tells. */
  readonly priority?: number | undefined;
  /** Belongs to the driver, which does not change it any more: decode or copy it, never write to it. */
  readonly value: Uint8Array;
  readonly sentAtMs: number;
  readonly partition: number | undefined;
  readonly offset: bigint | undefined;
  /** The broker client's own message. */
  unwrap(): unknown;
}

export interface IncomingDelivery extends IncomingMessage {
  /** First is 1. Survives restarts where the broker counts. */
  readonly attempt: number;
  /** When the first attempt failed, if one did. */
  readonly firstFailedAtMs: number | undefined;
  /** The group had handled it already, and was moved back before it. */
  readonly replay: boolean;
}

export interface PublishOptions {
  readonly signal: AbortSignal | undefined;
  /** How long a publish may wait for room in a full channel. Infinity: as long as it takes. */
  readonly timeoutMs: number;
}

/** A message bound for a channel, to be sent together with others or with a settlement. */
export interface StagedMessage {
  readonly channel: DeclaredChannel;
  readonly message: OutgoingMessage;
}

/** That the group has done what `key` stands for. */
export interface DoneMark {
  readonly key: string;
  /** For how long that is remembered, at least. */
  readonly keepMs: number;
}

/** "free": the key is this delivery's, until it settles it or its lease ends. "taken": it is another's. "done": the group has a mark. */
export type Claim = "free" | "taken" | "done";

/**
 * How a delivery ends. "done" forgets it (a stream's group moves past it), publishes `sends` and sets the `mark` in the same commit:
 * all or nothing. "retry" brings it back after `delayMs`; unless `counts` the attempt is not counted.
 * "release" gives it back at once and uncounted, as if it had never been delivered.
 */
export type DriverSettlement =
  | { readonly kind: "done"; readonly sends: readonly StagedMessage[]; readonly mark?: DoneMark | undefined }
  | { readonly kind: "retry"; readonly delayMs: number; readonly counts: boolean }
  | { readonly kind: "release" };

/** Where a group begins that has never read this channel. */
export type StartPosition = "earliest" | "latest" | Date | bigint;

/** How a source reads the partitions of a stream that it gets. */
export interface StreamReading {
  /** "key": only messages with the same key are in order; a message without one has none. What comes again does not take those of other keys along. */
  readonly order: "partition" | "key";
  /**
   * While a message waits to be delivered again: "block" hands out nothing more of its partition; "park" nothing more of its key, which
   * goes with order by key.
   */
  readonly onFailure: "block" | "park";
  /** The same for all members of a group: GROUP_MISMATCH for one that differs. */
  readonly assignment: "cooperative-sticky" | "range" | "round-robin";
}

export interface ConsumeOptions {
  /** Queues have one group, named "". Ephemeral topics have none: every source gets every message. */
  readonly group: string;
  readonly leaseMs: number;
  readonly from: StartPosition;
  /** Static membership: the same name gets the same partitions back. */
  readonly member: string | undefined;
  /** Of streams only. undefined: in the order of the partition, which is blocked by what fails; cooperative-sticky. */
  readonly stream?: StreamReading | undefined;
  /**
   * Of streams only. "each": every message is settled by itself, as a queue's is: all members share all partitions, in no order, and what
   * fails holds up nothing. A property of the group, stored with it: CHANNEL_MISMATCH when the group is there and differs.
   */
  readonly settle?: "each" | undefined;
  /** Told when deliveries are no longer this source's: the lease ended or the partition moved. */
  readonly onLost: (deliveries: readonly IncomingDelivery[]) => void;
}

/** One consumer's side of a group. */
export interface Source {
  /**
   * Resolves with one to `max` deliveries, leased from now on; waits until there is one.
   * Empty once the source is closed. Rejects with what ended it, when it cannot go on.
   * Of a stream: each partition's records in order. One call at a time.
   */
  take(max: number): Promise<readonly IncomingDelivery[]>;
  /** Takes effect at once, in the order of the calls; durable once a later `flush` resolves. A lost lease makes it nothing and returns false. */
  settle(delivery: IncomingDelivery, settlement: DriverSettlement): boolean;
  /** Whether the group has done this, or somebody is at it. Only where `supports.once` is not refused. */
  claim(delivery: IncomingDelivery, mark: DoneMark): Claim;
  /** Prolongs the leases of deliveries not settled yet, to `leaseMs` from now. */
  extend(deliveries: readonly IncomingDelivery[], leaseMs: number): void;
  /** Resolves once every settlement so far is durable. */
  flush(): Promise<void>;
  /** Stops handing out; a waiting `take` resolves empty. What is leased stays so until it is settled. */
  stop(): void;
  /** Gives back what is not settled, and leaves the group. */
  close(): Promise<void>;
}

export interface DeclaredChannel {
  readonly spec: ChannelSpec;
  publish(message: OutgoingMessage, options?: PublishOptions): Promise<Receipt>;
  /** In order, as one batch; each partition's share is stored together. */
  publishAll(messages: readonly OutgoingMessage[], options?: PublishOptions): Promise<Receipt[]>;
  /** Resolves once the channel has room for one more message; rejects as `publish` would. undefined: there is room now. */
  room(options: PublishOptions): Promise<void> | undefined;
  consume(options: ConsumeOptions): Promise<Source>;
  /**
   * Queues, where the driver does not deal with what has expired itself: hands it out at its time, once it is not leased; nobody else gets it. `attempt` may
   * be 0. "retry" and "release" bring it here again.
   */
  expired?(options: Pick<ConsumeOptions, "leaseMs" | "member" | "onLost">): Source;
  /** Streams only. Ends at `until`. A slow reader is waited for. */
  read(options: DriverReadOptions): AsyncIterable<IncomingChunk>;
}

export interface Driver {
  readonly name: string;
  readonly supports: Supports;
  /** An encoded message (key, value and headers) larger than this is refused by the client. */
  readonly messageBytesMax: number;
  /** Creates the channel, or checks it against what is stored: CHANNEL_MISMATCH when a fixed setting differs. Idempotent. */
  declare(spec: ChannelSpec): Promise<DeclaredChannel>;
  /** All of them, on any channels, or none. Visible to readers at the same moment. */
  commit(sends: readonly StagedMessage[]): Promise<Receipt[]>;
  readonly admin: DriverAdmin;
  close(): Promise<void>;
}

export interface ChannelInfo {
  readonly name: string;
  readonly kind: ChannelKind;
  readonly durable: boolean;
  readonly partitions: number;
}

export interface ChannelStats extends ChannelInfo {
  /** Stored messages; of a queue those not settled, of a stream those kept. */
  readonly messages: number;
  /** On disk and in memory, before files are deleted. */
  readonly bytes: number;
  /** Queue and durable topic, all groups together. */
  readonly ready: number;
  readonly inFlight: number;
  /** Waiting for their time: that of their retry, or the one they were sent for. */
  readonly delayed: number;
  /** What counts against a capacity in bytes; undefined where nobody counts it. */
  readonly heldBytes: number | undefined;
  /** Sources that take from it, of all groups. With none, what is ready waits for nobody. */
  readonly consumers: number;
  /** Waiting behind another message of their key, as far as is known: those not read yet count as ready. */
  readonly parked: number;
  /** Age of the oldest message not settled; undefined when there is none. */
  readonly oldestMs: number | undefined;
  /** Since the channel was opened by this process. */
  readonly sent: number;
  readonly settled: number;
  readonly redelivered: number;
  readonly dropped: number;
  /** Messages that damage on disk has made unreadable. */
  readonly damaged: number;
  /** Messages not stored because their id had been seen. */
  readonly duplicates: number;
  /** Ids that are remembered now, and those that had to be forgotten before their time. */
  readonly ids: number;
  readonly idsForgotten: number;
}

export interface GroupInfo {
  readonly name: string;
  readonly members: number;
}

export interface PartitionLag {
  readonly partition: number;
  readonly committed: bigint;
  readonly end: bigint;
  readonly messages: number;
  /** Age of the oldest message the group has not settled; 0 when there is none. */
  readonly ms: number;
}

export interface PartitionHandover {
  readonly partition: number;
  /** A member's name, or of one without a name "#" and the number of its joining; undefined: nobody. */
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** One time that the partitions of a group were shared out anew. */
export interface Rebalance {
  readonly atMs: number;
  /** What made it happen: "back" is a member that had stalled and works again, "partitions" that there are more of them. */
  readonly cause: "joined" | "left" | "stalled" | "back" | "partitions";
  readonly member: string | undefined;
  readonly moved: readonly PartitionHandover[];
  /** Until the last of them was handed over; undefined while leases of an old owner are waited for. */
  readonly tookMs: number | undefined;
}

export interface SeekOptions {
  readonly group: string;
  /** An offset only together with `partition`, or where there is but one. */
  readonly to: StartPosition;
  /** undefined: all of them. */
  readonly partition: number | undefined;
}

/** Where a group went on in one partition before it was moved, and where it goes on now. */
export interface PartitionMove {
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

export interface PeekOptions {
  readonly group: string;
  /** How many at most. */
  readonly limit: number;
  /** Only messages after this one, to page on. */
  readonly after: string | undefined;
  /** Only messages in this state. */
  readonly state?: PeekedMessage["state"] | undefined;
}

export interface PeekedMessage extends IncomingMessage {
  /** Parked: behind another message of its key, which is leased or waits for its retry. */
  readonly state: "ready" | "leased" | "delayed" | "parked";
  /** Attempts so far. */
  readonly attempts: number;
  /** When a delayed message is due, or a lease ends. */
  readonly untilMs: number | undefined;
}

/** Looking changes nothing. */
export interface DriverAdmin {
  /**
   * Moves a group, whether or not it has members at work: all partitions or none. Once it resolves the new position is durable, leases of before
   * have ended (`onLost`), and what is settled under them counts for nothing. What the group had handled comes with `replay`; what lies
   * between, when it is moved forward, is settled. OFFSET_OUT_OF_RANGE for an offset that is not kept.
   */
  seek(channel: string, options: SeekOptions): Promise<readonly PartitionMove[]>;
  channels(): Promise<readonly ChannelInfo[]>;
  /** The spec as stored; undefined when there is no such channel. */
  describe(channel: string): Promise<ChannelSpec | undefined>;
  stats(channel: string): Promise<ChannelStats>;
  groups(channel: string): Promise<readonly GroupInfo[]>;
  lag(channel: string, group: string): Promise<readonly PartitionLag[]>;
  /** The last times that a stream's group was shared out anew, the oldest first, as far as the broker knows of them. */
  rebalances(channel: string, group: string): Promise<readonly Rebalance[]>;
  peek(channel: string, options: PeekOptions): Promise<readonly PeekedMessage[]>;
  /**
   * Where a message is and why. undefined: there is no such message, nor a trace of one. A position is looked up; an id that was given is searched
   * for, first in what waits and then in all that is kept, while others have their turns.
   */
  explain(channel: string, id: string): Promise<MessageExplanation | undefined>;
  /**
   * Settles messages that are not leased, and publishes `sends` in the same commit. For redriving and dropping dead letters.
   * Returns the ids that were settled; when one of them is leased or gone, it and nothing else is left out, and its send too.
   */
  remove(
    channel: string,
    messages: readonly { readonly id: string; readonly sends: readonly StagedMessage[] }[],
  ): Promise<readonly string[]>;
}

export type { Durability } from "./base/durability.js";
export type { MessageExplanation, MessageStanding } from "./driver-explain.js";
export type { DriverReadOptions, IncomingChunk } from "./driver-read.js";
