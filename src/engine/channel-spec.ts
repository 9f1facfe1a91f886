/**
 * What a channel is: its settings as the engine takes them, how they are written down in the meta journal, and which of them may
 * change. The engine gets complete, checked settings and holds no defaults.
 */
import { MillraceError } from "../base/errors.js";

export type ChannelKind = "queue" | "stream" | "topic";
export type WhenFull = "block" | "reject" | "drop-oldest" | "drop-newest" | "drop-random";

export interface CapacitySpec {
  /** Infinity: no bound. */
  readonly messages: number;
  readonly bytes: number;
  readonly whenFull: WhenFull;
}

export interface ChannelSpec {
  readonly kind: ChannelKind;
  readonly name: string;
  readonly partitions: number;
  readonly durable: boolean;
  readonly retention: { readonly timeMs: number; readonly bytes: number };
  readonly capacity: CapacitySpec;
  readonly order: "none" | "per-key";
  readonly priorities: number;
  /** Which part of the deliveries goes to the lowest waiting priority; 0 when it is left out. */
  readonly priorityShare?: number | undefined;
  readonly dedupMs: number | undefined;
  readonly expiresMs: number | undefined;
  /** What becomes of a message that has expired: it is handed out to be buried, or dropped. The first when it is left out. */
  readonly whenExpired?: "dead-letter" | "drop" | undefined;
  readonly compact: boolean;
  readonly native: unknown;
}

/** JSON has no Infinity: null stands for it. `native` means nothing to us and is not kept. */
export interface StoredSpec {
  readonly kind: ChannelKind;
  readonly name: string;
  readonly partitions: number;
  readonly durable: boolean;
  readonly retention: { readonly timeMs: number | null; readonly bytes: number | null };
  readonly capacity: { readonly messages: number | null; readonly bytes: number | null; readonly whenFull: WhenFull };
  readonly order: "none" | "per-key";
  readonly priorities: number;
  /** Left out when it is 0. */
  readonly priorityShare?: number;
  readonly dedupMs: number | null;
  readonly expiresMs: number | null;
  /** Left out when it is "dead-letter". */
  readonly whenExpired?: "drop";
  readonly compact: boolean;
}

export function storedSpec(spec: ChannelSpec): StoredSpec {
  const { kind, name, partitions, durable, order, priorities, compact } = spec;
  return {
    kind,
    name,
    partitions,
    durable,
    retention: { timeMs: finite(spec.retention.timeMs), bytes: finite(spec.retention.bytes) },
    capacity: {
      messages: finite(spec.capacity.messages),
      bytes: finite(spec.capacity.bytes),
      whenFull: spec.capacity.whenFull,
    },
    order,
    priorities,
    ...(spec.priorityShare ? { priorityShare: spec.priorityShare } : {}),
    dedupMs: spec.dedupMs ?? null,
    expiresMs: spec.expiresMs ?? null,
    ...(spec.whenExpired === "drop" ? { whenExpired: spec.whenExpired } : {}),
    compact,
  };
}

export function specOf(stored: StoredSpec): ChannelSpec {
  return {
    ...stored,
    retention: { timeMs: stored.retention.timeMs ?? Infinity, bytes: stored.retention.bytes ?? Infinity },
    capacity: {
      messages: stored.capacity.messages ?? Infinity,
      bytes: stored.capacity.bytes ?? Infinity,
      whenFull: stored.capacity.whenFull,
    },
    dedupMs: stored.dedupMs ?? undefined,
    expiresMs: stored.expiresMs ?? undefined,
    native: undefined,
  };
}

/** Partitions of the log that the channel has from the beginning: a queue has one for each priority. */
export function partitionsOf({ kind, partitions, priorities }: ChannelSpec): number {
  return kind === "queue" ? priorities : partitions;
}

/**
 * Partitions of a queue with n priorities. Those from n on are there once they are needed.
 *
 *   0 … n-1      messages, by priority, the lowest first
 *   n … 2n-1     messages that were sent with a delay, by priority
 *   2n … 4n-1    for each of these from n on, which of its messages is due when
 *   4n … 6n-1    for each of these, which of its messages expires when
 */
export const queuePartitions = {
  delayed: (priorities: number, priority: number): number => priorities + priority - 1,
  timeline: (priorities: number, partition: number): number => 2 * priorities + partition,
  expiries: (priorities: number, partition: number): number => 4 * priorities + partition,
} as const;

/** As many partitions with a progress as a channel can have. */
export function partitionsMost(spec: ChannelSpec): number {
  return partitionsOf(spec) * (spec.kind === "queue" ? 2 : 1);
}

function finite(bound: number): number | null {
  return Number.isFinite(bound) ? bound : null;
}

/** Settings that records already stored depend on. */
const fixedSettings = ["kind", "durable", "order", "priorities", "compact"] as const;

/**
 * @throws MillraceError CHANNEL_MISMATCH, naming the first setting that cannot become what is asked for.
 */
export function refuseMismatch(stored: ChannelSpec, asked: ChannelSpec): void {
  for (const setting of fixedSettings) {
    if (stored[setting] !== asked[setting]) throw mismatch(stored, setting, asked[setting]);
  }
  if (asked.partitions < stored.partitions) throw mismatch(stored, "partitions", asked.partitions);
}

function mismatch(stored: ChannelSpec, setting: keyof ChannelSpec, asked: unknown): MillraceError {
  const fewer = setting === "partitions" ? " (they can be raised, never lowered)" : "";
  return new MillraceError(
    "CHANNEL_MISMATCH",
    `the ${stored.kind} ${JSON.stringify(stored.name)} is stored with ${setting} ${JSON.stringify(stored[setting])}, ` +
      `which cannot become ${JSON.stringify(asked)}${fewer}: declare it as it is stored, or use another name`,
  );
}

/** Whether declaring `asked` changes anything that is written down. */
export function differs(stored: ChannelSpec, asked: ChannelSpec): boolean {
  return JSON.stringify(storedSpec(stored)) !== JSON.stringify(storedSpec(asked));
}
