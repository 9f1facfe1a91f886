import { hasCode } from "../../../index.js";
import type { DropOptions } from "../../../index.js";
import type { Call } from "../../call.js";
import { Progress } from "../../progress.js";

export interface Done {
  readonly count: number;
  /** " in 2.5 s, 12,000/s" */
  readonly tally: string;
}

/** Takes dead letters away with progress on a terminal. Ctrl-C ends it between two commits; what was done by then is told. */
export async function removing(
  call: Call,
  dryRun: boolean | undefined,
  remove: (options: DropOptions) => Promise<number>,
): Promise<Done> {
  const progress = new Progress(call.io.clock, call.notes, "dead letters");
  let count = 0;
  const onProgress: DropOptions["onProgress"] = ({ done, looked, total }) => {
    count = done;
    void progress.at(done, looked / total);
  };
  try {
    count = await remove({ dryRun, onProgress, signal: call.signal });
  } catch (error) {
    if (!call.signal.aborted || !hasCode(error, "ABORTED")) throw error;
  }
  await progress.clear();
  return { count, tally: progress.tally(count) };
}
