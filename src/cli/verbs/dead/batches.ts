import { type DeadLetters, type DeadSelection, type Millrace, hasCode } from "../../../index.js";
import type { Call } from "../../call.js";
import { Progress } from "../../progress.js";

const batchLetters = 1_000;

/** What is done to one batch of dead letters; returns to how many. */
type Act = (which: DeadSelection) => Promise<number>;

export interface Done {
  readonly count: number;
  /** " in 2.5 s, 12,000/s" */
  readonly tally: string;
}

/**
 * Goes through dead letters a batch at a time, with progress, so that Ctrl-C ends it between two batches. Never does more
 * than there were when it began: a letter that comes back meanwhile is not taken again.
 */
export async function inBatches(call: Call, work: { which: DeadSelection; total: number; act: Act }): Promise<Done> {
  const { which, total, act } = work;
  const progress = new Progress(call.io.clock, call.notes, "dead letters");
  let done = 0;
  for (let taken = 0; taken < total && !call.signal.aborted; taken += batchLetters) {
    const size = Math.min(batchLetters, total - taken);
    const batch: DeadSelection =
      "ids" in which ? { ids: which.ids.slice(taken, taken + size) } : { all: true, reason: which.reason, limit: size };
    const count = await act(batch);
    done += count;
    await progress.at(done, (taken + size) / total);
    if (count === 0 && !("ids" in which)) break;
  }
  await progress.clear();
  return { count: done, tally: progress.tally(done) };
}

/** How many there are to go through at most. */
export async function totalOf(mill: Millrace, letters: DeadLetters<Uint8Array>, which: DeadSelection): Promise<number> {
  if ("ids" in which) return which.ids.length;
  try {
    const { messages } = await mill.admin.stats(letters.name);
    return Math.min(messages, which.limit ?? messages);
  } catch (error) {
    // The queue of dead letters is made for the first of them.
    if (hasCode(error, "CHANNEL_UNKNOWN")) return 0;
    throw error;
  }
}
