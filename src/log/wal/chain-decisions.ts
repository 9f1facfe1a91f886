/** Why the walk through the write-ahead log stopped. */
export type ChainFinding =
  | "nothing"
  | "begun-frame"
  | "hole-synced"
  | "hole-unsynced"
  | "known-frame-missing"
  | "file-cut";

/**
 * end: that is all there is. cut: what lies behind is not part of the log. skip: go on behind the hole, if anything
 * follows, and say what is missing. lost: that is all there is, but there may have been more.
 */
export type ChainDecision = "end" | "cut" | "skip" | "lost";

/**
 * Recovery of the write-ahead log as a table. One frame is written and synced before the next is begun, so only the
 * last one can be torn: a whole frame behind a broken one proves that the broken one had been acknowledged.
 */
export const chainDecisions: Record<ChainFinding, { readonly decision: ChainDecision; readonly because: string }> = {
  nothing: { decision: "end", because: "no frame was begun here" },
  "begun-frame": {
    decision: "cut",
    because: "the last frame was being written when the process ended; it was never acknowledged",
  },
  "hole-synced": {
    decision: "skip",
    because: "a frame was acknowledged before the next one was begun, so this is damage and not a torn tail",
  },
  "hole-unsynced": {
    decision: "cut",
    because: "this file was written with a durability that does not sync each commit, so the tail may have holes",
  },
  "known-frame-missing": {
    decision: "skip",
    because: "an earlier opening of the directory found more commits here, so this is damage",
  },
  "file-cut": { decision: "lost", because: "the file is shorter than it was made" },
};
