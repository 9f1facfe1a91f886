/** What a workload of the crash explorer is made of. Data, so that a failing workload can be printed, replayed and shortened. */
import type { Random } from "../../src/base/random.js";
import type { FaultedCall } from "./faults.js";

export type Operation =
  | { readonly do: "send"; readonly to: ChannelName; readonly count: number; readonly await: boolean }
  | { readonly do: "transaction"; readonly to: readonly ChannelName[] }
  | { readonly do: "take"; readonly from: ReaderName; readonly max: number }
  | { readonly do: "settle"; readonly from: ReaderName; readonly which: Which; readonly how: How }
  | { readonly do: "flush" }
  | { readonly do: "advance"; readonly ms: number }
  | { readonly do: "declare" }
  | { readonly do: "checkpoint" }
  /** Gives up what is settled or expired, and writes sparse segments anew. */
  | { readonly do: "keep" }
  | { readonly do: "reopen" }
  /** The call of this kind that comes after `after` others fails, or is shortened; so do the `times - 1` behind it. */
  | ({ readonly do: "break"; readonly after: number; readonly times: number } & FaultedCall)
  /** The disk has room for this many bytes more. */
  | { readonly do: "fill"; readonly leftBytes: number }
  | { readonly do: "free" };

/** Which of the deliveries in hand. */
export type Which = "first" | "last" | "all";

export type How = "done" | "retry-now" | "retry-later" | "release" | "move";

export type ChannelName = "jobs" | "other" | "events" | "news";

/** A group on a channel. "news" has two. */
export type ReaderName = "jobs" | "other" | "events:g" | "news:a" | "news:b";

export const channelNames: readonly ChannelName[] = ["jobs", "other", "events", "news"];
export const readerNames: readonly ReaderName[] = ["jobs", "other", "events:g", "news:a", "news:b"];

const channels: Readonly<Record<ReaderName, ChannelName>> = {
  jobs: "jobs",
  other: "other",
  "events:g": "events",
  "news:a": "news",
  "news:b": "news",
};

export function channelOf(reader: ReaderName): ChannelName {
  return channels[reader];
}

export function groupOf(reader: ReaderName): string {
  return reader.split(":")[1] ?? "";
}

/** One of each kind that matters, for trying all short sequences of them. */
const alphabet: readonly Operation[] = [
  { do: "send", to: "jobs", count: 1, await: true },
  { do: "send", to: "jobs", count: 3, await: false },
  { do: "send", to: "events", count: 4, await: true },
  { do: "send", to: "news", count: 2, await: true },
  { do: "transaction", to: ["jobs", "events", "other"] },
  { do: "take", from: "jobs", max: 2 },
  { do: "take", from: "events:g", max: 3 },
  { do: "take", from: "news:a", max: 2 },
  { do: "settle", from: "jobs", which: "first", how: "done" },
  { do: "settle", from: "jobs", which: "last", how: "move" },
  { do: "settle", from: "jobs", which: "all", how: "retry-later" },
  { do: "settle", from: "events:g", which: "all", how: "done" },
  { do: "settle", from: "news:a", which: "all", how: "done" },
  { do: "flush" },
  { do: "declare" },
  { do: "checkpoint" },
  { do: "reopen" },
];

/** All sequences of 1 to `length` operations of the alphabet, the short ones first. */
export function* shortSequences(length: number): Generator<readonly Operation[]> {
  if (length === 0) return;
  yield* shortSequences(length - 1);
  yield* sequencesOf(length, []);
}

function* sequencesOf(length: number, before: readonly Operation[]): Generator<readonly Operation[]> {
  if (before.length === length) {
    yield before;
    return;
  }
  for (const operation of alphabet) yield* sequencesOf(length, [...before, operation]);
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
