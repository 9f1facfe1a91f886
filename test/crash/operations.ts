/** What a workload of the crash explorer is made of. Data, so that a failing workload can be printed, replayed and shortened. */
import type { Random } from "../../src/base/random.js";
import type { FaultedCall } from "./faults.js";

export type Operation =
  | ({ readonly do: "send"; readonly to: ChannelName; readonly count: number; readonly await: boolean } & SendWith)
  | { readonly do: "transaction"; readonly to: readonly ChannelName[] }
  | { readonly do: "take"; readonly from: ReaderName; readonly max: number }
  | { readonly do: "settle"; readonly from: ReaderName; readonly which: Which; readonly how: How }
  | { readonly do: "flush" }
  | { readonly do: "advance"; readonly ms: number }
  /** The first message that waits for its time is taken back. */
  | { readonly do: "cancel"; readonly from: ReaderName }
  | { readonly do: "seek"; readonly reader: ReaderName; readonly to: "earliest" | "latest" }
  | { readonly do: "declare" }
  /** The stream gets more partitions. */
  | { readonly do: "raise" }
  | { readonly do: "checkpoint" }
  /** Gives up what is settled or expired, and writes sparse segments anew. */
  | { readonly do: "keep" }
  | { readonly do: "reopen" }
  /** The call of this kind that comes after `after` others fails, or is shortened; so do the `times - 1` behind it. */
  | ({ readonly do: "break"; readonly after: number; readonly times: number } & FaultedCall)
  /** The disk has room for this many bytes more. */
  | { readonly do: "fill"; readonly leftBytes: number }
  | { readonly do: "free" };

export interface SendWith {
  readonly priority?: number;
  readonly delayMs?: number;
  /** With the id of the message that was sent last to this channel. */
  readonly again?: boolean;
}

/** Which of the deliveries in hand. */
export type Which = "first" | "last" | "all";

export type How = "done" | "retry-now" | "retry-later" | "release" | "move";

export type ChannelName = "jobs" | "other" | "events" | "news" | "ranked" | "keyed" | "bounded" | "latest";

/** A group on a channel. "news" has two, and "events", of which one settles each message by itself. */
export type ReaderName =
  | "jobs"
  | "other"
  | "events:g"
  | "events:each"
  | "news:a"
  | "news:b"
  | "ranked"
  | "keyed"
  | "bounded";

const channels: Readonly<Record<ReaderName, ChannelName>> = {
  jobs: "jobs",
  other: "other",
  "events:g": "events",
  "events:each": "events",
  "news:a": "news",
  "news:b": "news",
  ranked: "ranked",
  keyed: "keyed",
  bounded: "bounded",
};

export const readerNames = Object.keys(channels) as readonly ReaderName[];

export function channelOf(reader: ReaderName): ChannelName {
  return channels[reader];
}

export function groupOf(reader: ReaderName): string {
  return reader.split(":")[1] ?? "";
}

export function describe(operations: readonly Operation[]): string {
  return operations.map((operation) => JSON.stringify(operation)).join("\n");
}

/** The text of `describe`, or part of it. */
export function parseOperations(text: string): Operation[] {
  const lines = text.split("\n").filter((line) => line.trim().startsWith("{"));
  return lines.map((line) => JSON.parse(line) as Operation);
}

/** One of `items`. */
export function pick<T>(items: readonly T[], random: Random): T {
  return items[Math.floor(random() * items.length)] as T;
}
