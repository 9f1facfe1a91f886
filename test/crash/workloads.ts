/** Random workloads, each with one thing it is out for. */
import type { Random } from "../../src/base/random.js";
import type { FaultedCall } from "./faults.js";
import {
  type ChannelName,
  channelNames,
  type How,
  type Operation,
  pick,
  readerNames,
  type Which,
} from "./operations.js";

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

export function randomWorkload(random: Random): Operation[] {
  const trouble = pick(troubles, random);
  const length = 5 + Math.floor(random() * 40);
  const troubleShare = trouble === undefined ? 0 : 0.15;
  return Array.from({ length }, () => {
    if (trouble !== undefined && random() < troubleShare) return trouble(random);
    return usual(random, trouble === undefined ? 0.02 : 0.07);
  });
}

function usual(random: Random, reopenShare: number): Operation {
  const dice = random();
  if (dice < reopenShare) return { do: "reopen" };
  if (dice < 0.3) return { do: "send", to: pick(channelNames, random), count: countOf(random), await: random() < 0.6 };
  if (dice < 0.36)
    return {
      do: "transaction",
      to: pick<readonly ChannelName[]>(
        [
          ["jobs", "events"],
          ["jobs", "other", "news"],
          ["events", "events"],
        ],
        random,
      ),
    };
  if (dice < 0.6)
    return { do: "take", from: pick(readerNames, random), max: 1 + Math.floor(random() * (random() < 0.2 ? 30 : 4)) };
  if (dice < 0.83) return settle(random);
  if (dice < 0.88) return { do: "flush" };
  if (dice < 0.93) return { do: "advance", ms: pick([10, 2_000, 40_000, 130_000], random) };
  if (dice < 0.95) return { do: "checkpoint" };
  if (dice < 0.98) return { do: "keep" };
  return { do: "declare" };
}

/** Mostly a few; sometimes enough for several commits, and for a batch that goes to its segment at once. */
function countOf(random: Random): number {
  return 1 + Math.floor(random() * (random() < 0.2 ? 30 : 5));
}

function settle(random: Random): Operation {
  const from = pick(readerNames, random);
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
