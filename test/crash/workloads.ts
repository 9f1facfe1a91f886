/** Random workloads, each with one thing it is out for. */
import type { Random } from "../../src/base/random.js";
import type { FaultedCall } from "./faults.js";
import { type ChannelName, type How, type Operation, pick, type SendWith, type Which } from "./operations.js";
import type { Scene } from "./scenes.js";

/** What may happen beside the usual. */
type Trouble = (random: Random) => Operation;

const troubles: readonly (Trouble | undefined)[] = [
  undefined,
  undefined,
  undefined,
  fullDisk,
  failingSync,
  failingWrite,
  failingCall,
  shortCall,
];

export function randomWorkload(scene: Scene, random: Random): Operation[] {
  const trouble = pick(troubles, random);
  const length = 5 + Math.floor(random() * 40);
  const troubleShare = trouble === undefined ? 0 : 0.15;
  return Array.from({ length }, () => {
    if (trouble !== undefined && random() < troubleShare) return trouble(random);
    return usual(scene, random, trouble === undefined ? 0.02 : 0.07);
  });
}

function usual(scene: Scene, random: Random, reopenShare: number): Operation {
  const dice = random();
  if (dice < reopenShare) return { do: "reopen" };
  if (dice < 0.3) return send(pick(scene.channels, random), random);
  if (dice < 0.36) return { do: "transaction", to: pick(scene.transactions, random) };
  if (dice < 0.6)
    return { do: "take", from: pick(scene.readers, random), max: 1 + Math.floor(random() * (random() < 0.2 ? 30 : 4)) };
  if (dice < 0.81) return settle(scene, random);
  if (dice < 0.86) return { do: "flush" };
  if (dice < 0.91) return { do: "advance", ms: pick([10, 2_000, 40_000, 130_000], random) };
  if (dice < 0.93) return { do: "checkpoint" };
  if (dice < 0.955) return { do: "keep" };
  return pick(scene.rare, random);
}

function send(to: ChannelName, random: Random): Operation {
  return { do: "send", to, count: countOf(random), await: random() < 0.6, ...sendWith(to, random) };
}

function sendWith(to: ChannelName, random: Random): SendWith {
  if (to !== "ranked") return {};
  const priority = random() < 0.5 ? {} : { priority: 1 + Math.floor(random() * 3) };
  if (random() < 0.3) return { again: true, ...priority };
  return random() < 0.5 ? priority : { delayMs: pick([1, 4_000, 9_000], random), ...priority };
}

/** Mostly a few; sometimes enough for several commits, and for a batch that goes to its segment at once. */
function countOf(random: Random): number {
  return 1 + Math.floor(random() * (random() < 0.2 ? 30 : 5));
}

function settle(scene: Scene, random: Random): Operation {
  const from = pick(scene.readers, random);
  const how = pick<How>(["done", "done", "done", "retry-now", "retry-later", "release", "move"], random);
  return { do: "settle", from, which: pick<Which>(["first", "last", "all", "all"], random), how };
}

function fullDisk(random: Random): Operation {
  if (random() < 0.3) return { do: "free" };
  return { do: "fill", leftBytes: pick([0, 1, 500, 2_000, 5_000, 20_000], random) };
}

function failingSync(random: Random): Operation {
  return breaking(random, {
    call: pick(["sync", "sync", "sync", "syncDirectory"], random),
    fault: { fail: "EIO", unsynced: pick(["stay-in-cache", "are-dropped"], random) },
  });
}

function failingWrite(random: Random): Operation {
  return breaking(random, {
    call: pick(["write", "write", "create"], random),
    fault: { fail: pick(["ENOSPC", "ENOSPC", "EIO"], random) },
  });
}

function failingCall(random: Random): Operation {
  return breaking(random, {
    call: pick(["read", "open", "create", "rename", "remove", "truncate", "makeDirectory"], random),
    fault: { fail: "EIO" },
  });
}

function shortCall(random: Random): Operation {
  return breaking(random, {
    call: pick(["read", "write"], random),
    fault: { shorten: 1 + Math.floor(random() * 600) },
  });
}

function breaking(random: Random, faulted: FaultedCall): Operation {
  return {
    do: "break",
    after: Math.floor(random() * 12),
    times: random() < 0.7 ? 1 : 1 + Math.floor(random() * 20),
    ...faulted,
  };
}
