import type { Pitfall } from "../pitfall.js";
import { endlessRetries } from "./endless-retries.js";
import { hotKey } from "./hot-key.js";
import { idleMembers } from "./idle-members.js";
import { keylessOrder } from "./keyless-order.js";
import { shortLease } from "./short-lease.js";
import { shortRetries } from "./short-retries.js";
import { silentDeadLetters } from "./silent-dead-letters.js";
import { unbounded } from "./unbounded.js";
import { unread } from "./unread.js";

/** By their names, which are API: scripts look for them. */
export const pitfalls = {
  "silent-dead-letters": silentDeadLetters,
  "endless-retries": endlessRetries,
  "short-retries": shortRetries,
  "short-lease": shortLease,
  unbounded,
  "hot-key": hotKey,
  "idle-members": idleMembers,
  unread,
  "keyless-order": keylessOrder,
} as const satisfies Readonly<Record<string, Pitfall>>;

export type PitfallName = keyof typeof pitfalls;

export const pitfallNames = Object.keys(pitfalls) as readonly PitfallName[];
