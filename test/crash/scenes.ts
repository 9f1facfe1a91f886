/**
 * What workloads happen in: a few channels that belong together, and one operation of each kind that matters there, for trying
 * all short sequences of them. All channels in one scene would make every state slower to open, and most of it would be idle.
 */
import type { Limits } from "../../src/base/limits.js";
import { channelOf, type ChannelName, type Operation, type ReaderName } from "./operations.js";
import { movableLimits, smallLimits } from "./subject.js";

export interface Scene {
  readonly name: string;
  readonly channels: readonly ChannelName[];
  readonly readers: readonly ReaderName[];
  /** What short sequences go through comes after this. */
  readonly before: readonly Operation[];
  readonly alphabet: readonly Operation[];
  /** For random workloads. */
  readonly transactions: readonly (readonly ChannelName[])[];
  readonly rare: readonly Operation[];
  /** Some messages wait for their time. */
  readonly hasDelays: boolean;
  readonly limits: Limits;
  /** All sequences of so many operations are tried. */
  readonly shortLength: number;
}

const basics: Scene = {
  name: "basics",
  limits: smallLimits,
  transactions: [
    ["jobs", "events"],
    ["jobs", "other", "news"],
    ["events", "events"],
  ],
  rare: [{ do: "declare" }],
  channels: ["jobs", "other", "events", "news"],
  readers: ["jobs", "other", "events:g", "news:a", "news:b"],
  before: [],
  hasDelays: false,
  shortLength: 3,
  alphabet: [
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
  ],
};

/** A queue with priorities, delays and ids, one with order per key, and one that drops. */
const queues: Scene = {
  name: "queues",
  limits: smallLimits,
  transactions: [
    ["ranked", "keyed"],
    ["keyed", "bounded", "other"],
    ["ranked", "bounded", "bounded"],
  ],
  rare: [{ do: "cancel", from: "ranked" }],
  hasDelays: true,
  channels: ["ranked", "keyed", "bounded", "other"],
  readers: ["ranked", "keyed", "bounded", "other"],
  before: [
    { do: "send", to: "ranked", count: 2, await: false, priority: 2 },
    { do: "send", to: "ranked", count: 1, await: false, delayMs: 4_000 },
    { do: "send", to: "keyed", count: 5, await: false },
    { do: "send", to: "bounded", count: 3, await: true },
    { do: "take", from: "keyed", max: 2 },
    { do: "take", from: "bounded", max: 1 },
  ],
  shortLength: 2,
  alphabet: [
    { do: "send", to: "ranked", count: 2, await: true },
    { do: "send", to: "ranked", count: 1, await: false, priority: 3 },
    { do: "send", to: "ranked", count: 4, await: true, delayMs: 4_000 },
    { do: "send", to: "ranked", count: 2, await: true, again: true },
    { do: "send", to: "keyed", count: 3, await: true },
    { do: "send", to: "bounded", count: 2, await: true },
    { do: "transaction", to: ["ranked", "keyed", "bounded"] },
    { do: "take", from: "ranked", max: 3 },
    { do: "take", from: "keyed", max: 3 },
    { do: "take", from: "bounded", max: 2 },
    { do: "settle", from: "ranked", which: "last", how: "move" },
    { do: "settle", from: "keyed", which: "first", how: "done" },
    { do: "settle", from: "keyed", which: "all", how: "retry-later" },
    { do: "settle", from: "bounded", which: "all", how: "done" },
    { do: "cancel", from: "ranked" },
    { do: "advance", ms: 4_000 },
    { do: "flush" },
    { do: "checkpoint" },
    { do: "keep" },
    { do: "reopen" },
  ],
};

/** A stream with a group that is moved and one that settles each message by itself, and a compacted one. */
const streams: Scene = {
  name: "streams",
  limits: movableLimits,
  transactions: [
    ["events", "latest"],
    ["latest", "latest", "other"],
    ["events", "events"],
  ],
  rare: [
    { do: "seek", reader: "events:g", to: "earliest" },
    { do: "seek", reader: "events:g", to: "latest" },
    { do: "raise" },
  ],
  hasDelays: false,
  channels: ["events", "latest", "other"],
  readers: ["events:g", "events:each", "other"],
  before: [
    { do: "send", to: "events", count: 6, await: false },
    { do: "send", to: "latest", count: 5, await: true },
    { do: "take", from: "events:g", max: 4 },
    { do: "take", from: "events:each", max: 4 },
    { do: "settle", from: "events:g", which: "first", how: "done" },
    { do: "settle", from: "events:each", which: "last", how: "done" },
  ],
  shortLength: 2,
  alphabet: [
    { do: "send", to: "events", count: 4, await: true },
    { do: "send", to: "latest", count: 12, await: true },
    { do: "transaction", to: ["events", "latest", "other"] },
    { do: "take", from: "events:g", max: 3 },
    { do: "take", from: "events:each", max: 3 },
    { do: "settle", from: "events:g", which: "all", how: "done" },
    { do: "settle", from: "events:each", which: "first", how: "done" },
    { do: "settle", from: "events:each", which: "all", how: "retry-later" },
    { do: "seek", reader: "events:g", to: "earliest" },
    { do: "seek", reader: "events:g", to: "latest" },
    { do: "raise" },
    { do: "flush" },
    { do: "checkpoint" },
    { do: "keep" },
    { do: "reopen" },
  ],
};

/** The basics first: their workloads keep their numbers. */
export const scenes: readonly Scene[] = [basics, queues, streams];

/** Of a workload that was printed: the first that has all it speaks of. */
export function sceneOf(operations: readonly Operation[]): Scene {
  const channels = operations.flatMap(channelsOf);
  const readers = operations.flatMap(readersOf);
  const scene = scenes.find(
    (each) =>
      channels.every((name) => each.channels.includes(name)) && readers.every((name) => each.readers.includes(name)),
  );
  if (scene === undefined) throw new Error("no scene has all channels that the operations speak of");
  return scene;
}

function readersOf(operation: Operation): readonly ReaderName[] {
  if ("from" in operation) return [operation.from];
  return operation.do === "seek" ? [operation.reader] : [];
}

function channelsOf(operation: Operation): readonly ChannelName[] {
  if (operation.do === "send") return [operation.to];
  // Only where there is a compacted stream, limits leave room for them.
  if (operation.do === "raise" || operation.do === "seek") return ["events", "latest"];
  return operation.do === "transaction" ? operation.to : readersOf(operation).map(channelOf);
}

/** All sequences of the scene, the short ones first. */
export function* shortSequences(scene: Scene): Generator<readonly Operation[]> {
  for (let length = 1; length <= scene.shortLength; length++) yield* sequencesOf(scene, length, scene.before);
}

function* sequencesOf(scene: Scene, length: number, before: readonly Operation[]): Generator<readonly Operation[]> {
  if (length === 0) {
    yield before;
    return;
  }
  for (const operation of scene.alphabet) yield* sequencesOf(scene, length - 1, [...before, operation]);
}
