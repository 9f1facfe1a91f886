/** What a workload of the crash explorer is made of. Data, so that a failing workload can be printed and shortened. */
import type { Random } from "../../src/base/random.js";

export type Operation =
  | { readonly do: "send"; readonly to: ChannelName; readonly count: number; readonly await: boolean }
  | { readonly do: "transaction"; readonly to: readonly ChannelName[] }
  | { readonly do: "take"; readonly from: ReaderName; readonly max: number }
  | { readonly do: "settle"; readonly from: ReaderName; readonly which: Which; readonly how: How }
  | { readonly do: "flush" }
  | { readonly do: "advance"; readonly ms: number }
  | { readonly do: "declare" }
  | { readonly do: "checkpoint" }
  | { readonly do: "reopen" };

/** Which of the deliveries in hand. */
export type Which = "first" | "last" | "all";

export type How = "done" | "retry-now" | "retry-later" | "release" | "move";

export type ChannelName = "jobs" | "other" | "events" | "news";

/** A group on a channel. "news" has two. */
export type ReaderName = "jobs" | "other" | "events:g" | "news:a" | "news:b";

export const channelNames: readonly ChannelName[] = ["jobs", "other", "events", "news"];
export const readerNames: readonly ReaderName[] = ["jobs", "other", "events:g", "news:a", "news:b"];

export function channelOf(reader: ReaderName): ChannelName {
  return reader.split(":")[0] as ChannelName;
}

/** One of each kind that matters, for trying all short sequences of them. */
export const alphabet: readonly Operation[] = [
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

export function randomOperation(random: Random): Operation {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const dice = random();
  if (dice < 0.3) return { do: "send", to: pick(channelNames), count: 1 + Math.floor(random() * 5), await: random() < 0.6 };
  if (dice < 0.36) return { do: "transaction", to: pick([["jobs", "events"], ["jobs", "other", "news"], ["events", "events"]] as ChannelName[][]) };
  if (dice < 0.6) return { do: "take", from: pick(readerNames), max: 1 + Math.floor(random() * 4) };
  if (dice < 0.85) {
    const from = pick(readerNames);
    const how = from === "events:g" ? "done" : pick<How>(["done", "done", "done", "retry-now", "retry-later", "release", "move"]);
    return { do: "settle", from, which: pick<Which>(["first", "last", "all"]), how };
  }
  if (dice < 0.9) return { do: "flush" };
  if (dice < 0.94) return { do: "advance", ms: pick([10, 2_000, 40_000]) };
  if (dice < 0.96) return { do: "checkpoint" };
  if (dice < 0.98) return { do: "declare" };
  return { do: "reopen" };
}

export function describe(operations: readonly Operation[]): string {
  return operations.map((operation, index) => `  ${index + 1}. ${JSON.stringify(operation)}`).join("\n");
}
