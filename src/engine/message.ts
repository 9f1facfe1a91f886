/** What goes into the engine and comes out of it. Callers have checked it: names, sizes, options. */
import type { AssignmentName } from "./assignment.js";
import type { RecordInput } from "../log/batch/record.js";
import type { Claim, DoneMark } from "./dedup/done-marks.js";

/** A text is stored as UTF-8. The id is stored only when given. */
export interface OutgoingMessage extends RecordInput {
  /** Queues with priorities: 1, which is the lowest and the default, to as many as it has. */
  readonly priority?: number | undefined;
  /** Queues: not to be delivered before so much time has passed since it was stored. */
  readonly delayMs?: number | undefined;
  /** Queues: of no use any more once so much time has passed since it was stored, or since it was due. */
  readonly expiresMs?: number | undefined;
}

export interface Receipt {
  readonly id: string;
  readonly partition?: number;
  readonly offset?: bigint;
  readonly duplicate: boolean;
  readonly dropped: boolean;
}

export interface PublishOptions {
  readonly signal: AbortSignal | undefined;
  /** How long to wait for room. Infinity: as long as it takes. */
  readonly timeoutMs: number;
}

export type StartPosition = "earliest" | "latest" | Date | bigint;

/** A message as a consumer or a reader meets it. */
export interface Incoming {
  readonly id: string;
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** false: there are none for certain. */
  readonly hasHeaders: boolean;
  readonly priority?: number | undefined;
  /** A view of the log's memory: never written to. */
  readonly value: Uint8Array;
  readonly sentAtMs: number;
  readonly partition: number | undefined;
  readonly offset: bigint | undefined;
  unwrap(): unknown;
}

/** Messages that come together, in order. Each is made when it is asked for. */
export interface IncomingChunk extends Iterable<Incoming> {
  readonly length: number;
  at(index: number): Incoming | undefined;
}

export interface Delivery extends Incoming {
  readonly attempt: number;
  readonly firstFailedAtMs: number | undefined;
  /** The group had handled it before it was moved back. */
  readonly replay: boolean;
}

/** A message that goes out together with others, or with a settlement. */
export interface Staged {
  readonly channel: unknown;
  readonly message: OutgoingMessage;
}

export type Settlement =
  | { readonly kind: "done"; readonly sends: readonly Staged[]; readonly mark?: DoneMark | undefined }
  | { readonly kind: "retry"; readonly delayMs: number; readonly counts: boolean }
  | { readonly kind: "release" };

/** How a consumer reads the partitions of a stream that it gets. */
export interface StreamReading {
  readonly order: "partition" | "key";
  readonly onFailure: "block" | "park";
  readonly assignment: AssignmentName;
}

export interface ConsumeOptions {
  readonly group: string;
  readonly leaseMs: number;
  readonly from: StartPosition;
  readonly member: string | undefined;
  readonly stream?: StreamReading | undefined;
  readonly settle?: "each" | undefined;
  readonly onLost: (deliveries: readonly Delivery[]) => void;
}

/** One consumer's side of a group. */
export interface Source {
  take(max: number): Promise<readonly Delivery[]>;
  settle(delivery: Delivery, settlement: Settlement): boolean;
  claim(delivery: Delivery, mark: DoneMark): Claim;
  extend(deliveries: readonly Delivery[], leaseMs: number): void;
  flush(): Promise<void>;
  stop(): void;
  close(): Promise<void>;
}

export interface ReadOptions {
  readonly from: StartPosition;
  /** "end": what is there now. An offset or a time: messages before it. undefined: goes on for ever. */
  readonly until: "end" | Date | bigint | undefined;
  readonly partition: number | undefined;
  readonly signal: AbortSignal | undefined;
}
